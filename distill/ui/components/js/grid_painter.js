// @ts-check
// Draws the code grid: codes over the spectrogram, changed cells, the selection, the axis of time, the playhead.

import { FULL, gainOf } from "../../../browser/mixing.js";
import { ticksOf } from "./axes.js";
import { channelsOf, isLight } from "./code_tiles.js";
import { fitCanvas, make, penOf, styleOf } from "./dom.js";
import { AXIS_HEIGHT, LANE_GAP } from "./grid_layout.js";

/** @typedef {import("./grid_layout.js").View} View */
/** @typedef {import("./grid_codes.js").GridCodes} GridCodes */
/** @typedef {{pen: CanvasRenderingContext2D, wide: number, high: number, first: number, stop: number}} Drawing */

const DARK_GAIN = 0.5; // at this gain and below, the fader makes the lightest cell dark
const NUMBERS_FROM = 26; // minimum column width in pixels for the codes' numbers
const LINES_FROM = 7;
const DOTS_FROM = 3; // of narrower columns, neighbours share the dot of a changed cell
const FULL_CIRCLE = 2 * Math.PI;

export class GridPainter {
  /** @type {HTMLCanvasElement[]} for each level, a canvas with one pixel per cell */
  #textures = [];
  /** @type {boolean[][]} for each level and code, whether its colour is light */
  #isLight = [];
  /** @type {HTMLImageElement | null} */
  #backdrop = null;
  /** @type {import("./types.js").CodecPictures | null} */
  #pictures = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./grid_state.js").GridState} state
   * @param {import("./grid_layout.js").GridLayout} layout
   */
  constructor(canvas, state, layout) {
    this.canvas = canvas;
    this.state = state;
    this.layout = layout;
  }

  /**
   * @param {GridCodes} codes
   * @param {import("./types.js").CodecPictures | null} pictures null until they arrive
   */
  take(codes, pictures) {
    this.#pictures = pictures;
    this.#isLight = (pictures?.colours ?? []).map((colours) => colours.map(isLight));
    const size = { width: codes.columns, height: codes.rows };
    this.#textures = Array.from({ length: codes.levels }, () => make("canvas", size));
    if (!pictures) return;
    for (const [level, texture] of this.#textures.entries()) {
      fillTexture(texture, codes, level, pictures.colours[level]);
    }
  }

  /**
   * @param {string} source
   * @param {() => void} draw
   */
  takeBackdrop(source, draw) {
    this.#backdrop = make("img", { onload: draw, src: source });
  }

  /**
   * Update the picture of a cell whose code changed.
   * @param {GridCodes} codes
   * @param {number} position
   * @param {number} code
   */
  put(codes, position, code) {
    if (!this.#pictures) return;
    const { level, row, column } = codes.placeOf(position);
    const pen = penOf(this.#textures[level]);
    pen.fillStyle = this.#pictures.colours[level][code];
    pen.fillRect(column, codes.rows - 1 - row, 1, 1);
  }

  /**
   * @param {View} view
   * @param {import("./types.js").GridValue} value
   * @param {number} moment playback position, in seconds
   */
  draw(view, value, moment) {
    const { layout, canvas } = this;
    const tall = layout.height;
    const scale = fitCanvas(canvas, view.width, tall);
    canvas.style.width = `${view.width}px`;
    canvas.style.height = `${tall}px`;
    const pen = penOf(canvas);
    const [ink, accent] = [styleOf(canvas, "--body-text-color"), styleOf(canvas, "--color-accent")];
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, view.width, tall);
    pen.font = "10px ui-monospace, monospace";
    pen.textBaseline = "middle";
    pen.translate(-view.scrollLeft, 0);
    pen.imageSmoothingEnabled = false;
    const wide = layout.widthOfColumn(view);
    const drawing = { pen, wide, high: layout.rowHeight, ...layout.columnsIn(view) };
    layout.lanes.forEach((level, lane) => {
      const top = layout.laneTop(lane);
      if (layout.isStacked) {
        pen.fillStyle = ink;
        pen.textAlign = "left";
        pen.fillText(value.levels[level], view.scrollLeft + 2, top - LANE_GAP / 2);
      }
      this.#drawLane(drawing, level, top);
      this.#drawChosen(drawing, level, top, accent);
    });
    this.#drawAxis(drawing, view, value.column_seconds, tall, ink);
    pen.fillStyle = accent;
    pen.fillRect((moment / value.column_seconds) * wide - 1, 0, 2, tall - AXIS_HEIGHT);
  }

  /**
   * @param {Drawing} drawing
   * @param {number} level
   * @param {number} top
   */
  #drawLane(drawing, level, top) {
    const { pen, wide, high, first, stop } = drawing;
    const { rows, columns } = this.state.codes;
    /** @type {[number, number, number, number]} */
    const span = [first * wide, top, (stop - first) * wide, rows * high];
    if (this.#backdrop?.complete && this.#backdrop.naturalWidth) {
      const each = this.#backdrop.naturalWidth / columns;
      pen.drawImage(this.#backdrop, first * each, 0, (stop - first) * each, this.#backdrop.naturalHeight, ...span);
    }
    pen.globalAlpha = this.state.opacity;
    pen.drawImage(this.#textures[level], first, 0, stop - first, rows, ...span);
    pen.globalAlpha = 1;
    if (wide >= LINES_FROM) drawLines(drawing, rows, top);
    const together = Math.ceil(DOTS_FROM / wide);
    for (let row = 0; row < rows; row++) {
      const y = top + (rows - 1 - row) * high;
      for (let column = first; column < stop; column++) {
        const isDrawn = this.#drawCell(drawing, level, { row, column }, y);
        if (isDrawn) column += together - 1;
      }
    }
  }

  /**
   * @param {Drawing} drawing
   * @param {number} level
   * @param {import("./selection.js").Cell} cell
   * @param {number} y
   * @returns {boolean} whether the cell is marked as changed
   */
  #drawCell({ pen, wide, high }, level, { row, column }, y) {
    const { codes } = this.state;
    const position = codes.positionOf(level, row, column);
    const code = codes.indices[position];
    drawFader(pen, codes.faders[position], [column * wide, y, wide, high]);
    if (wide >= NUMBERS_FROM && high >= 20) {
      const isLight = this.state.opacity > 0.5 && this.#isLight[level]?.[code];
      pen.fillStyle = isLight && gainOf(codes.faders[position]) > DARK_GAIN ? "#000c" : "#fffd";
      pen.textAlign = "center";
      pen.fillText(String(code), (column + 0.5) * wide, y + high / 2);
    }
    if (!codes.isChanged(position)) return false;
    pen.fillStyle = "#fff";
    pen.strokeStyle = "#000";
    const size = Math.max(1.5, Math.min(3, wide / 6));
    pen.beginPath();
    pen.arc((column + 1) * wide - size - 2, y + size + 2, size, 0, FULL_CIRCLE);
    pen.fill();
    pen.stroke();
    return true;
  }

  /**
   * Draw the selection and the cursor.
   * @param {Drawing} drawing
   * @param {number} level
   * @param {number} top
   * @param {string} accent
   */
  #drawChosen({ pen, wide, high }, level, top, accent) {
    const { state } = this;
    const { selection, cursor, codes, ghost } = state;
    const box = { pen, wide, high, top, rows: codes.rows };
    if (selection && (state.everyLevel || level === state.level)) {
      pen.strokeStyle = accent;
      pen.lineWidth = 2;
      pen.setLineDash([5, 3]);
      if (selection.cells) outlineCells(box, selection.cells, codes.columns);
      else outline(box, selection);
      pen.setLineDash([]);
    }
    if (ghost && (state.everyLevel || level === state.level)) {
      pen.strokeStyle = "#fff";
      pen.lineWidth = 2;
      outline(box, ghost);
    }
    if (level !== state.level) return;
    const [x, y] = [cursor.column * wide + 1, top + (codes.rows - 1 - cursor.row) * high + 1];
    for (const [colour, thickness] of /** @type {[string, number][]} */ ([
      ["#fff", 3],
      ["#000", 1],
    ])) {
      pen.strokeStyle = colour;
      pen.lineWidth = thickness;
      pen.strokeRect(x, y, Math.max(1, wide - 2), high - 2);
    }
    pen.lineWidth = 1;
  }

  /**
   * @param {Drawing} drawing
   * @param {View} view
   * @param {number} columnSeconds
   * @param {number} tall
   * @param {string} ink
   */
  #drawAxis({ pen, wide }, view, columnSeconds, tall, ink) {
    const perSecond = wide / columnSeconds;
    const end = wide * this.state.codes.columns - 30; // the last position with room for a label
    pen.fillStyle = ink;
    const right = (view.scrollLeft + view.width) / perSecond;
    for (const second of ticksOf(view.scrollLeft / perSecond, right, perSecond)) {
      if (second * perSecond >= end) break;
      pen.textAlign = second ? "center" : "left";
      pen.fillText(`${Number(second.toFixed(1))} s`, second * perSecond, tall - AXIS_HEIGHT / 2 + 2);
    }
  }
}

/**
 * Show the fader of a cell: what is softer is darker, what is muted is dark, what is louder has a white edge.
 * @param {CanvasRenderingContext2D} pen
 * @param {number} fader
 * @param {[number, number, number, number]} box
 */
function drawFader(pen, fader, [x, y, wide, high]) {
  if (fader === FULL) return;
  const gain = gainOf(fader);
  pen.globalAlpha = gain < 1 ? 0.85 * (1 - gain) : 2 * (gain - 1);
  pen.fillStyle = gain < 1 ? "#000" : "#fff";
  pen.fillRect(x, y, wide, gain < 1 ? high : Math.min(3, high / 4));
  pen.globalAlpha = 1;
}

/**
 * Colour all cells of a level at once: ten minutes have a hundred thousand.
 * @param {HTMLCanvasElement} texture
 * @param {GridCodes} codes
 * @param {number} level
 * @param {string[]} colours
 */
function fillTexture(texture, codes, level, colours) {
  const { rows, columns } = codes;
  const picture = new ImageData(columns, rows);
  const channels = colours.map(channelsOf);
  for (let row = 0; row < rows; row++) {
    const first = codes.positionOf(level, row, 0);
    for (let column = 0; column < columns; column++) {
      const at = 4 * ((rows - 1 - row) * columns + column);
      picture.data.set(channels[codes.indices[first + column]], at);
      picture.data[at + 3] = 255;
    }
  }
  penOf(texture).putImageData(picture, 0, 0);
}

/**
 * @param {Drawing} drawing
 * @param {number} rows
 * @param {number} top
 */
function drawLines({ pen, wide, high, first, stop }, rows, top) {
  pen.strokeStyle = "#0005";
  pen.lineWidth = 1;
  pen.beginPath();
  for (let column = first; column <= stop; column++) {
    pen.moveTo(column * wide + 0.5, top);
    pen.lineTo(column * wide + 0.5, top + rows * high);
  }
  for (let row = 0; row <= rows; row++) {
    pen.moveTo(first * wide, top + row * high + 0.5);
    pen.lineTo(stop * wide, top + row * high + 0.5);
  }
  pen.stroke();
}

/** @typedef {{pen: CanvasRenderingContext2D, wide: number, high: number, top: number, rows: number}} Lane */

/**
 * @param {Lane} lane
 * @param {import("./selection.js").Region} region
 */
function outline({ pen, wide, high, top, rows: count }, { rows, columns }) {
  const [x, y] = [columns[0] * wide + 1, top + (count - 1 - rows[1]) * high + 1];
  pen.strokeRect(x, y, (columns[1] - columns[0] + 1) * wide - 2, (rows[1] - rows[0] + 1) * high - 2);
}

/**
 * Draw the sides of cells that have no chosen neighbour there.
 * @param {Lane} lane
 * @param {Set<number>} cells
 * @param {number} columns
 */
function outlineCells({ pen, wide, high, top, rows }, cells, columns) {
  pen.beginPath();
  for (const cell of cells) {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    const [left, right] = [column * wide + 1, (column + 1) * wide - 1];
    const upper = top + (rows - 1 - row) * high + 1;
    const lower = upper + high - 2;
    /** @type {[boolean, number, number, number, number][]} */
    const sides = [
      [cells.has(cell + columns), left, upper, right, upper],
      [cells.has(cell - columns), left, lower, right, lower],
      [column > 0 && cells.has(cell - 1), left, upper, left, lower],
      [column < columns - 1 && cells.has(cell + 1), right, upper, right, lower],
    ];
    for (const [isInside, x, y, toX, toY] of sides) {
      if (isInside) continue;
      pen.moveTo(x, y);
      pen.lineTo(toX, toY);
    }
  }
  pen.stroke();
}
