// @ts-check
// The lens of the code grid: what the cell under the pointer can change, its place and codes, and its near codes to try.

import { bytesOf } from "./bytes.js";
import { makeTile } from "./code_tiles.js";
import { find, findButton, findCanvas, fitCanvas, make, penOf, showPressed, styleOf } from "./dom.js";
import { newId } from "./edit_queue.js";
import { Seen } from "./seen.js";
import { isRefusal } from "./server.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */
/** @typedef {import("./selection.js").Cell} Cell */
/** @typedef {import("./types.js").CodecLens} CodecLens */

const STRONG = 150; // opacity of the largest change, 0 to 255

export class GridLens {
  /** @type {CodecLens | null} */
  #facts = null;
  #modelId = "";
  /** @type {(Cell & {level: number}) | null} the cell under the pointer */
  #under = null;
  /** @type {{key: string, rank: number, from: number, gesture: string} | null} the cell whose near codes are tried */
  #trying = null;
  isOn = false;

  /** @param {CodeGrid} grid */
  constructor(grid) {
    this.grid = grid;
    this.canvas = findCanvas(grid.element, ".lens");
    this.button = findButton(grid.element, ".look");
    this.tiles = find(grid.element, ".near");
    this.button.onclick = () => this.switch();
    grid.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") this.#point(grid.cellUnder(event));
    });
    grid.canvas.addEventListener("pointerleave", () => this.#point(null));
    grid.scroller.addEventListener(
      "wheel",
      (event) => {
        if (!this.isOn || event.ctrlKey || event.metaKey || event.shiftKey || !event.deltaY) return;
        const cell = grid.cellUnder(/** @type {any} */ (event));
        if (!cell) return;
        event.preventDefault();
        this.#turn(cell, Math.sign(event.deltaY));
      },
      { passive: false },
    );
  }

  /** Fetch what the lens needs to know of the codec on the page. */
  async take() {
    const { work, model_id: modelId } = this.grid.value;
    this.#under = this.#trying = null;
    if (modelId === this.#modelId && this.#facts) return;
    this.#facts = null;
    this.#modelId = modelId;
    const facts = await this.grid.server.codec_lens?.({ work }).catch(() => null);
    if (modelId !== this.grid.value.model_id || !facts || isRefusal(facts)) return;
    this.#facts = facts;
    this.show();
  }

  /**
   * Codes near a code, the nearest first.
   * @param {number} level
   * @param {number} code
   * @returns {number[]}
   */
  near(level, code) {
    return this.#facts?.near[level]?.[code] ?? [];
  }

  switch() {
    this.isOn = !this.isOn;
    this.grid.show();
  }

  /** The cell that is looked at: under the pointer, or under the cursor. @returns {Cell & {level: number}} */
  get cell() {
    const { state } = this.grid;
    return this.#under ?? { ...state.cursor, level: state.level };
  }

  /** @param {(Cell & {level: number}) | null} cell */
  #point(cell) {
    const [one, other] = [this.#under, cell];
    if (one?.row === other?.row && one?.column === other?.column && one?.level === other?.level) return;
    this.#under = cell;
    this.#trying = null;
    this.grid.controls.say();
    this.draw();
  }

  /** @type {{cell: Cell & {level: number}, by: number} | null} turns of the wheel since the latest frame */
  #turned = null;

  /**
   * Try as many near codes as the wheel is turned, once a frame: each try is an edit, and draws all anew.
   * @param {Cell & {level: number}} cell
   * @param {number} by
   */
  #turn(cell, by) {
    if (this.#turned) {
      Object.assign(this.#turned, { cell, by: this.#turned.by + by });
      return;
    }
    this.#turned = { cell, by };
    requestAnimationFrame(() => {
      const turned = this.#turned;
      this.#turned = null;
      if (turned?.by) this.tryNear(turned.cell, turned.by);
    });
  }

  /**
   * Put the next or the previous of the near codes into a cell; all tries of a cell are one edit.
   * @param {Cell & {level: number}} cell
   * @param {number} by
   */
  tryNear(cell, by) {
    const { state, editor } = this.grid;
    const key = `${cell.level} ${cell.row} ${cell.column}`;
    if (this.#trying?.key !== key) {
      // Of a name that no earlier page had: the server would take its edit back.
      this.#trying = { key, rank: 0, from: state.codes.codeAt(cell.level, cell), gesture: `near ${newId()}` };
    }
    const choices = [this.#trying.from, ...this.near(cell.level, this.#trying.from)];
    this.#trying.rank = (((this.#trying.rank + by) % choices.length) + choices.length) % choices.length;
    this.put(cell, choices[this.#trying.rank], this.#trying.gesture);
    editor.grid.controls.say();
  }

  /**
   * Put a code into a cell, heard and undone as a stroke is.
   * @param {Cell & {level: number}} cell
   * @param {number} code
   * @param {string} gesture
   */
  put({ level, row, column }, code, gesture) {
    const { editor, state, sound } = this.grid;
    sound.wake();
    const asked = { kind: "paint", level, code, cells: [[row, column]], ...(gesture && { gesture }) };
    editor.edit(asked, [[state.codes.positionOf(level, row, column), code]]);
  }

  show() {
    showPressed(this.button, this.isOn);
    this.tiles.hidden = !this.isOn;
    this.canvas.hidden = !this.isOn;
    if (this.isOn) this.#showNear();
    this.draw();
  }

  #tiled = new Seen(); // what the near tiles were made of

  #showNear() {
    const { state, pictures, value } = this.grid;
    const own = state.codeUnderCursor;
    if (!this.#tiled.isNew(this.#facts, pictures, state.level, own)) return;
    const tiles = this.near(state.level, own).map((code) => {
      const tile = makeTile(pictures, state.level, code, value.size);
      tile.title = `Put code ${code} there`;
      tile.setAttribute("aria-label", `Put near code ${code} there`);
      tile.onclick = () => {
        this.put({ ...state.cursor, level: state.level }, code, "");
        this.grid.audition(code);
      };
      return tile;
    });
    this.tiles.replaceChildren(make("span", { textContent: `Near code ${own}:` }), ...tiles);
  }

  /** Draw what the cell can change: the stronger, the more opaque. */
  draw() {
    const { grid, canvas } = this;
    if (!this.isOn || !grid.view.width) return;
    const { layout, view } = grid;
    const scale = fitCanvas(canvas, view.width, layout.height);
    Object.assign(canvas.style, {
      ...{ width: `${view.width}px`, height: `${layout.height}px` },
      ...{ left: `${view.scrollLeft}px`, top: `${grid.canvas.offsetTop}px` },
    });
    const pen = penOf(canvas);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, view.width, layout.height);
    if (!this.#facts) return;
    const { row, column, level } = this.cell;
    const { before, frames } = this.#facts.spread;
    const wide = layout.widthOfColumn(view);
    const each = wide / grid.value.time_stride;
    const top = layout.laneTop(Math.max(0, layout.lanes.indexOf(level)));
    const left = column * wide - before * each - view.scrollLeft;
    pen.imageSmoothingEnabled = true;
    pen.drawImage(this.#pictureOf(row), left, top, frames * each, layout.laneHeight);
  }

  /** @type {Map<string, HTMLCanvasElement>} */
  #pictures = new Map();

  /** @param {number} row */
  #pictureOf(row) {
    const { spread } = /** @type {CodecLens} */ (this.#facts);
    const colour = styleOf(this.canvas, "--body-text-color");
    const key = `${this.#modelId} ${row} ${colour}`;
    const kept = this.#pictures.get(key);
    if (kept) return kept;
    const { bands, frames } = spread;
    const shares = bytesOf(spread.shares).subarray(row * bands * frames, (row + 1) * bands * frames);
    const picture = make("canvas", { width: frames, height: bands });
    const pixels = new ImageData(frames, bands);
    const most = Math.max(1, ...shares);
    for (let band = 0; band < bands; band++) {
      for (let frame = 0; frame < frames; frame++) {
        const at = 4 * ((bands - 1 - band) * frames + frame);
        pixels.data.set([255, 255, 255, (STRONG * shares[band * frames + frame]) / most], at);
      }
    }
    penOf(picture).putImageData(pixels, 0, 0);
    this.#pictures.set(key, picture);
    return picture;
  }
}
