// @ts-check
// A double press on a cell types a code.

import { make } from "./dom.js";
import { newId } from "./edit_queue.js";

const DOUBLE = 400; // milliseconds between two presses

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */
/** @typedef {import("./selection.js").Cell & {level: number}} Place */

export class CodeEntry {
  /** @type {{key: string, time: number, gesture: string, code: number, isSent?: boolean} | null} the latest press */
  #press = null;

  /** @param {CodeGrid} grid */
  constructor(grid) {
    this.grid = grid;
    document.addEventListener("keydown", () => this.#forget(), true);
    const elsewhere = (/** @type {PointerEvent} */ { target }) => {
      if (target !== grid.canvas) this.#forget();
    };
    document.addEventListener("pointerdown", elsewhere, true);
  }

  /** Two presses with a key or a press elsewhere between them, as that of Undo, are no double press. */
  #forget() {
    this.#press = null;
  }

  /**
   * A pointer goes down on a cell, before it paints. Returns whether it is the second press.
   * @param {Place} cell
   * @param {number} time in milliseconds
   */
  press(cell, time) {
    const key = `${cell.level} ${cell.row} ${cell.column}`;
    if (this.#press?.key === key && time - this.#press.time < DOUBLE) {
      this.open(cell, this.#press.gesture, this.#press.code);
      this.#forget();
      return true;
    }
    const code = this.grid.state.codes.codeAt(cell.level, cell);
    this.#press = { key, time, code, gesture: `press ${newId()}` };
    return false;
  }

  /**
   * The pointer is held and is on a cell now. On another one it drags, and the next press is a first one.
   * @param {Place} cell
   */
  drag({ level, row, column }) {
    if (this.#press?.key !== `${level} ${row} ${column}`) this.#forget();
  }

  /**
   * The gesture of the stroke of the latest press, so that a code that is typed there takes its place; "" for others.
   * @param {Place} cell
   */
  gestureOf({ level, row, column }) {
    if (!this.#press || this.#press.isSent || this.#press.key !== `${level} ${row} ${column}`) return "";
    this.#press.isSent = true;
    return this.#press.gesture;
  }

  /**
   * Open a field for a code over a cell.
   * @param {Place} cell
   * @param {string} [gesture] of what the first press has painted
   * @param {number} [before] the code that stood there before the first press
   */
  open(cell, gesture = "", before = this.grid.state.codes.codeAt(cell.level, cell)) {
    const { grid } = this;
    const { layout, view, value, lens } = grid;
    if (gesture && grid.state.codes.codeAt(cell.level, cell) !== before) lens.put(cell, before, gesture);
    const lane = Math.max(0, layout.lanes.indexOf(cell.level));
    const top = grid.canvas.offsetTop + layout.laneTop(lane) + (value.rows - 1 - cell.row) * layout.rowHeight;
    const field = make("input", {
      type: "number",
      className: "entry",
      min: "0",
      max: String(value.size - 1),
      step: "1",
    });
    field.value = String(before);
    field.setAttribute("aria-label", `Code of this cell, 0 to ${value.size - 1}`);
    const left = cell.column * layout.widthOfColumn(view);
    Object.assign(field.style, { left: `${left}px`, top: `${top}px` });
    let isOpen = true;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      field.remove();
    };
    const goBack = () => {
      close();
      grid.canvas.focus({ preventScroll: true });
    };
    field.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") goBack();
      if (event.key !== "Enter") return;
      event.preventDefault();
      const code = Number(field.value);
      if (field.value === "" || !Number.isInteger(code) || code < 0 || code >= value.size) {
        grid.tell(`A code of this codec is a whole number from 0 to ${value.size - 1}.`);
        return;
      }
      goBack();
      lens.put(cell, code, gesture);
      grid.tell("");
    };
    field.onblur = close; // the focus is where the visitor took it
    grid.track.append(field);
    setTimeout(() => {
      field.focus({ preventScroll: true });
      field.select();
    });
  }
}
