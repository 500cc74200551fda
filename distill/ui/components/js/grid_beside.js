// @ts-check
// The second clip's grid below the first: select a region there, and drag it across.

import { find, findCanvas } from "./dom.js";
import { GridCodes } from "./grid_codes.js";
import { STEPS } from "./grid_keys.js";
import { GridLayout } from "./grid_layout.js";
import { GridPainter } from "./grid_painter.js";
import { GridState } from "./grid_state.js";
import { keyOf } from "./keys.js";
import { codesIn, contains } from "./selection.js";
import { isRefusal } from "./server.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */
/** @typedef {import("./selection.js").Cell} Cell */

export class GridBeside {
  #work = "";
  #frame = 0;
  /** @type {Cell | null} where a region was taken that is dragged across */
  #taken = null;
  /** @type {GridPainter | null} */
  #painter = null;

  /** @param {CodeGrid} grid */
  constructor(grid) {
    this.grid = grid;
    this.element = find(grid.element, ".other-grid");
    this.scroller = find(grid.element, ".other-grid .pane");
    this.track = find(grid.element, ".other-grid .lane");
    this.canvas = findCanvas(grid.element, ".other-grid canvas");
    /** @type {GridState | null} */
    this.state = null;
    this.scroller.addEventListener("scroll", () => this.draw());
    this.canvas.addEventListener("pointerdown", (event) => this.#press(event));
    this.canvas.addEventListener("pointermove", (event) => this.#move(event));
    this.canvas.addEventListener("pointerup", (event) => this.#release(event));
    this.canvas.addEventListener("pointercancel", () => this.#drop());
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Show another second clip, or none. */
  show() {
    const work = this.grid.second?.work ?? "";
    this.element.hidden = !work || !this.state;
    if (work !== this.#work) {
      this.#work = work;
      this.state = null;
      this.element.hidden = true;
      if (work) void this.fetch();
    }
    this.draw();
  }

  async fetch() {
    const work = this.#work;
    if (!work || !this.grid.server.second_grid) return;
    const answer = await this.grid.server.second_grid({ work }).catch(() => null);
    if (!answer || isRefusal(answer) || work !== this.#work) return;
    const { value } = this.grid;
    const { columns, indices, spectrogram } = answer;
    const codes = new GridCodes({ ...value, columns, indices, original: indices });
    const state = new GridState(codes);
    const selection = this.state?.codes.columns === columns ? this.state.selection : null;
    this.state = Object.assign(state, { level: this.grid.state.level, selection, tool: "select" });
    this.layout = new GridLayout(state);
    this.#painter = new GridPainter(this.canvas, state, this.layout);
    this.#painter.takeBackdrop(spectrogram, () => this.draw());
    this.#painter.take(codes, this.grid.pictures);
    this.canvas.setAttribute(
      "aria-label",
      `Code grid of ${this.grid.second?.name}. Arrow keys move, with Shift they select. C copies for the first clip, Enter puts the selection at its cursor.`,
    );
    this.show();
  }

  get #view() {
    return { scrollLeft: this.scroller.scrollLeft, width: this.scroller.clientWidth };
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      const { state, layout, grid } = this;
      const view = this.#view;
      if (!state || !layout || !this.#painter || !view.width) return;
      state.level = Math.min(grid.state.level, state.codes.levels - 1);
      state.everyLevel = grid.state.everyLevel;
      state.opacity = grid.state.opacity;
      layout.columnWidth = grid.layout.widthOfColumn(grid.view);
      this.track.style.width = `${layout.columnWidth * state.codes.columns}px`;
      this.#painter.draw(view, grid.value, -1);
    });
  }

  /** @param {PointerEvent} event @param {boolean} isNearest */
  #cellUnder(event, isNearest = false) {
    const box = this.canvas.getBoundingClientRect();
    return (
      this.layout?.cellAt({ x: event.clientX - box.left, y: event.clientY - box.top }, this.#view, isNearest) ?? null
    );
  }

  /** @param {PointerEvent} event */
  #press(event) {
    const { state } = this;
    const cell = this.#cellUnder(event);
    if (!state || !cell || event.button || !event.isPrimary) return;
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    if (contains(state.selection, cell)) this.#taken = cell;
    else state.beginSelecting(cell, event.shiftKey);
    this.draw();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { state } = this;
    if (!state || !event.buttons) return;
    if (this.#taken) {
      const place = this.#placeOf(event);
      this.canvas.style.cursor = place ? "copy" : "grabbing";
      this.grid.state.ghost = place && this.#sizeAt(place);
      this.grid.draw();
    } else if (state.isSelecting) {
      const cell = this.#cellUnder(event, true);
      if (cell) state.goOnSelecting(cell);
      this.draw();
    }
  }

  /**
   * Where the dragged region's first cell would be in the first clip.
   * @param {PointerEvent} event
   * @returns {Cell | null}
   */
  #placeOf(event) {
    const over = this.grid.cellUnder(event);
    const selection = this.state?.selection;
    if (!over || !selection || !this.#taken) return null;
    return {
      row: Math.max(0, over.row - (this.#taken.row - selection.rows[0])),
      column: Math.max(0, over.column - (this.#taken.column - selection.columns[0])),
    };
  }

  /** @param {Cell} place @returns {import("./selection.js").Region} */
  #sizeAt({ row, column }) {
    const { rows, columns } = this.state?.selection ?? { rows: [0, 0], columns: [0, 0] };
    const { codes } = this.grid.state;
    return {
      rows: [row, Math.min(codes.rows - 1, row + rows[1] - rows[0])],
      columns: [column, Math.min(codes.columns - 1, column + columns[1] - columns[0])],
    };
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const place = this.#taken && this.#placeOf(event);
    const isPress = this.#taken && this.#cellUnder(event) && !place;
    this.state?.endSelecting();
    this.#drop();
    if (place) this.#put(place);
    else if (isPress) this.state?.select(null);
    this.draw();
  }

  #drop() {
    this.#taken = null;
    this.grid.state.ghost = null;
    this.canvas.style.cursor = "";
    this.grid.draw();
  }

  /** Put the selected codes into the first clip. @param {Cell} place */
  #put(place) {
    const { grid, state } = this;
    if (!state) return;
    const region = this.#sizeAt(place);
    this.#copy();
    grid.state.cursor = place;
    grid.state.select(region);
    grid.editor.act("paste");
    grid.show();
  }

  #copy() {
    const { state, grid } = this;
    if (!state) return;
    grid.state.keep(codesIn(state.codes.indices, state.codes, state.region));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { state, grid } = this;
    if (!state || event.altKey || event.metaKey) return;
    const key = keyOf(event);
    const step = STEPS[key];
    if (step) state.moveCursor(step[0], step[1], event.shiftKey);
    else if (key === "c") {
      this.#copy();
      grid.tell("Copied from the second clip.");
      grid.show();
    } else if (key === "enter") this.#put(grid.state.cursor);
    else if (key === "escape") state.select(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
    const left = this.layout?.scrollTo(state.cursor.column, this.#view) ?? null;
    if (left !== null) this.scroller.scrollLeft = left;
    this.draw();
  }
}
