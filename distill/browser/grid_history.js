// @ts-check
// Undo and redo. Like distill/codes/history.py, only the cells that each edit changed are kept. After the codes of a grid
// may follow its faders; faders that are not there are at 1.

import { FULL, wholeCells } from "./mixing.js";

const KEPT_BYTES = 64 * 1024 ** 2; // of all edits in a history

/**
 * An edit: its description, the positions in the grid that it changed, and their codes before and after.
 * @typedef {{label: string, positions: Int32Array, before: Uint16Array, after: Uint16Array, gesture?: string}} Change
 */

/** @param {Change} change */
export const bytesOfChange = ({ label, positions }) => 200 + 2 * label.length + 8 * positions.length;

export class GridHistory {
  /** @type {Change[]} */
  #done = [];
  /** @type {Change[]} the one to redo first is the last */
  #undone = [];
  #bytes = 0;

  /**
   * @param {Uint16Array} original the codes before any edit
   * @param {Change[]} done edits that led to the current codes, oldest first
   * @param {Change[]} undone edits that can be redone, the next one last
   * @param {Uint16Array} [indices] the current codes
   */
  constructor(original, done = [], undone = [], indices = original) {
    this.original = original;
    /** @type {Uint16Array} */
    this.indices = indices.slice();
    this.#done = [...done];
    this.#undone = [...undone];
    this.#bytes = [...done, ...undone].reduce((sum, change) => sum + bytesOfChange(change), 0);
  }

  /** The edits that can be undone, oldest first. */
  get done() {
    return [...this.#done];
  }

  /** The edits that can be redone, the next one last. */
  get undone() {
    return [...this.#undone];
  }

  get labels() {
    return this.#done.map((change) => change.label);
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /**
   * Make edited codes the current ones. If no code changed, the history stays as it is.
   * @param {string} label
   * @param {Uint16Array} indices
   * @param {string} [gesture] name of the gesture that the edit belongs to
   * @returns {boolean} whether any code changed
   */
  do(label, indices, gesture = "") {
    const changed = differences(this.indices, indices);
    if (!changed.length) return false;
    const codes = (/** @type {Uint16Array} */ from) => Uint16Array.from(changed, (position) => from[position] ?? FULL);
    const [before, after] = [codes(this.indices), codes(indices)];
    const change = { label, positions: Int32Array.from(changed), before, after, ...(gesture && { gesture }) };
    for (const undone of this.#undone) this.#bytes -= bytesOfChange(undone);
    this.#undone = [];
    this.#done.push(change);
    this.#bytes += bytesOfChange(change);
    this.indices = indices;
    while (this.#bytes > KEPT_BYTES && this.#done.length > 1) {
      this.#bytes -= bytesOfChange(/** @type {Change} */ (this.#done.shift()));
    }
    return true;
  }

  /**
   * Undo the last edit for good if it belongs to a gesture, and return it.
   * @param {string} gesture
   * @returns {Change | null}
   */
  takeBack(gesture) {
    const last = this.#done.at(-1);
    if (!gesture || !last || last.gesture !== gesture) return null;
    this.#done.pop();
    this.#bytes -= bytesOfChange(last);
    this.#put(last.positions, last.before);
    return last;
  }

  /**
   * Make an edit again that has just been taken back.
   * @param {Change | null} change
   */
  restore(change) {
    if (!change) return;
    this.#done.push(change);
    this.#bytes += bytesOfChange(change);
    this.#put(change.positions, change.after);
  }

  /**
   * Number of edits, without the last one if it belongs to a gesture.
   * @param {string} gesture
   */
  beforeGesture(gesture) {
    return this.#done.length - Number(this.#done.at(-1)?.gesture === gesture);
  }

  /**
   * The codes as they were after the first edits.
   * @param {number} edits
   */
  after(edits) {
    return this.#done
      .slice(edits)
      .reverse()
      .reduce((indices, { positions, before }) => withPuts(indices, positions, before), this.indices.slice());
  }

  undo() {
    const change = this.#done.pop();
    if (!change) return;
    this.#undone.push(change);
    this.#put(change.positions, change.before);
  }

  redo() {
    const change = this.#undone.pop();
    if (!change) return;
    this.#done.push(change);
    this.#put(change.positions, change.after);
  }

  /**
   * @param {Int32Array} positions
   * @param {Uint16Array} codes
   */
  #put(positions, codes) {
    this.indices = withPuts(this.indices, positions, codes);
  }
}

/**
 * The positions at which two grids have other codes.
 * @param {Uint16Array} before
 * @param {Uint16Array} after
 * @returns {number[]}
 */
export function differences(before, after) {
  const changed = [];
  const length = Math.max(before.length, after.length);
  for (let position = 0; position < length; position++) {
    if ((before[position] ?? FULL) !== (after[position] ?? FULL)) changed.push(position);
  }
  return changed;
}

/**
 * Codes and faders with other values at some positions.
 * @param {Uint16Array} cells
 * @param {Int32Array} positions
 * @param {Uint16Array} values
 */
function withPuts(cells, positions, values) {
  const { length } = cells;
  const put = positions.some((position) => position >= length) ? wholeCells(cells, length) : cells.slice();
  for (const [index, position] of positions.entries()) put[position] = values[index];
  return put;
}
