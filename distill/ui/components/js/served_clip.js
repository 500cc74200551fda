// @ts-check
// The clip that the server shows, with the edits that it has answered since: the page returns to it after a private one.

import { packCodes } from "../../../browser/base64.js";
import { mixOf } from "../../../browser/mixing.js";
import { GridCodes } from "./grid_codes.js";

/** @typedef {import("./types.js").GridValue} GridValue */

export class ServedClip {
  #value;
  /** @type {GridCodes | null} the codes, as soon as one has changed */
  #codes = null;

  /** @param {GridValue} value */
  constructor(value) {
    this.#value = { ...value };
  }

  /** @returns {GridValue} */
  get value() {
    if (!this.#codes) return this.#value;
    const { indices, cells, count } = this.#codes;
    const mix = mixOf(cells, count);
    return { ...this.#value, indices: packCodes(indices), mix: mix && packCodes(mix) };
  }

  /**
   * Take the server's answer to an edit, or about the beat.
   * @param {string} work
   * @param {Partial<import("./types.js").EditAnswer> & {tempo?: number, offset?: number, bar?: number, loop?: number[]}} answer
   */
  correct(work, { history, edits, can_undo, can_redo, tempo, offset = 0, bar = 4, loop = [], ...codes }) {
    if (work !== this.#value.work) return;
    if (tempo !== undefined) {
      Object.assign(this.#value, { timing: { tempo, offset, bar, loop } });
      return;
    }
    this.#codes ??= new GridCodes(this.#value);
    this.#codes.correct(codes);
    if (history) Object.assign(this.#value, { history, edits, can_undo, can_redo });
  }
}
