// @ts-check
// The codes of a clip. The page changes them before the server answers.

import { unpackCodes } from "../../../browser/base64.js";
import { wholeCells } from "../../../browser/mixing.js";

/** @typedef {[number, number]} Put a position in the grid, and its new code; after the codes follow the faders */

export class GridCodes {
  /** @type {Map<number, number>} the codes below a stroke that is under way, by position */
  #beneath = new Map();
  changes = 0; // how often codes have changed
  mixChanges = 0; // how often faders have changed

  /**
   * @param {import("./types.js").GridValue} value
   * @param {(position: number, code: number) => void} put called with each change
   * @param {(puts: Put[]) => void} changed called with all changes that come together
   */
  constructor(value, put = () => {}, changed = () => {}) {
    this.levels = value.levels.length;
    this.rows = value.rows;
    this.columns = value.columns;
    this.cells = cellsOf(value.indices, value.mix);
    this.originalCells = cellsOf(value.original, value.original_mix);
    this.count = this.cells.length / 2;
    /** The codes of the cells, and their faders. */
    this.indices = this.cells.subarray(0, this.count);
    this.faders = this.cells.subarray(this.count);
    this.original = this.originalCells.subarray(0, this.count);
    this.quiet = value.quiet ? Uint16Array.from(value.quiet.flat()) : undefined;
    this.onPut = put;
    this.onChanged = changed;
  }

  /**
   * @param {number} level
   * @param {number} row
   * @param {number} column
   */
  positionOf(level, row, column) {
    return (level * this.rows + row) * this.columns + column;
  }

  /** @param {number} position */
  placeOf(position) {
    const level = Math.floor(position / (this.rows * this.columns));
    return { level, row: Math.floor(position / this.columns) % this.rows, column: position % this.columns };
  }

  /**
   * @param {number} level
   * @param {import("./selection.js").Cell} cell
   */
  codeAt(level, { row, column }) {
    return this.indices[this.positionOf(level, row, column)];
  }

  /** @param {number} position */
  isChanged(position) {
    const fader = position + this.count;
    return this.cells[position] !== this.originalCells[position] || this.cells[fader] !== this.originalCells[fader];
  }

  /** @param {Iterable<Put>} puts */
  put(puts) {
    /** @type {Put[]} */
    const changes = [];
    for (const [position, code] of puts) {
      if (this.#beneath.has(position)) {
        this.#beneath.set(position, code);
        continue;
      }
      if (this.cells[position] === code) continue;
      this.cells[position] = code;
      if (position < this.count) this.onPut(position, code);
      changes.push([position, code]);
    }
    if (!changes.length) return;
    if (changes.some(([position]) => position < this.count)) this.changes += 1;
    if (changes.some(([position]) => position >= this.count)) this.mixChanges += 1;
    this.onChanged(changes);
  }

  /**
   * Put the codes of a stroke over the others until it ends.
   * @param {Put[]} puts positions that the stroke has not painted yet
   */
  cover(puts) {
    const beneath = puts.map(([position]) => /** @type {Put} */ ([position, this.cells[position]]));
    this.put(puts);
    for (const [position, code] of beneath) this.#beneath.set(position, code);
  }

  /**
   * End the stroke.
   * @param {boolean} isTakenBack whether the codes below it come back
   */
  uncover(isTakenBack) {
    const beneath = this.#beneath;
    this.#beneath = new Map();
    if (isTakenBack) this.put(beneath);
  }

  /**
   * Apply the codes of a server's answer, except where edits wait that came later.
   * @param {{positions?: number[] | null, codes?: number[] | null, indices?: string,
   *   mix?: string | null}} answer
   * @param {Put[]} later the codes of these edits
   */
  correct({ positions, codes, indices, mix }, later = []) {
    const answered = /** @type {Put[]} */ (positions?.map((position, index) => [position, codes?.[index]]) ?? []);
    this.put(new Map([...(indices ? cellsOf(indices, mix).entries() : answered), ...later]));
  }
}

/**
 * @param {string} codes
 * @param {string | null | undefined} mix
 */
function cellsOf(codes, mix) {
  const indices = unpackCodes(codes);
  const cells = wholeCells(indices, indices.length);
  if (mix) cells.set(unpackCodes(mix), indices.length);
  return cells;
}

/** @type {(one: import("./types.js").GridValue, other: import("./types.js").GridValue) => boolean} */
export function isSameClip(one, other) {
  return one.name === other.name && one.columns === other.columns && one.model_id === other.model_id;
}
