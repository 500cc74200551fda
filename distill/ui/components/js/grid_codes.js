// @ts-check
// The codes of a clip. The page changes them before the server answers.

import { unpackCodes } from "./bytes.js";

/** @typedef {[number, number]} Put a position in the grid, and its new code */

export class GridCodes {
  /**
   * @param {import("./types.js").GridValue} value
   * @param {(position: number, code: number) => void} put called with each change
   */
  constructor(value, put = () => {}) {
    this.levels = value.levels.length;
    this.rows = value.rows;
    this.columns = value.columns;
    this.indices = unpackCodes(value.indices);
    this.original = unpackCodes(value.original);
    this.onPut = put;
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
    return this.indices[position] !== this.original[position];
  }

  /** @param {Iterable<Put>} puts */
  put(puts) {
    for (const [position, code] of puts) {
      this.indices[position] = code;
      this.onPut(position, code);
    }
  }

  /**
   * Apply the codes of a server's answer.
   * @param {{positions?: number[] | null, codes?: number[] | null, indices?: string}} answer
   */
  correct({ positions, codes, indices }) {
    if (positions && codes) this.put(positions.map((position, index) => [position, codes[index]]));
    else if (indices) this.put([...unpackCodes(indices).entries()].filter(([at, code]) => code !== this.indices[at]));
  }
}
