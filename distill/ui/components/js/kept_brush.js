// @ts-check
// The code to paint with, and its level, which come back when the page is loaded again. A number names another sound in
// another codec, so each is kept with its codec.

import { keepChoice, keptChoices } from "./kept_choices.js";

/** @typedef {{brush: number, level: number}} Painting a code, and the level whose code it is */

export class KeptBrush {
  #modelId = "";
  #last = "";

  /**
   * A clip is open: paint as before, if this is the codec of the code that was chosen last.
   * @param {{model_id: string, size: number, levels: unknown[]}} value
   * @param {Painting} state
   */
  take({ model_id: modelId, size, levels }, state) {
    if (modelId !== this.#modelId) {
      const kept = /** @type {any} */ (keptChoices().brush);
      const isNumber = (/** @type {any} */ number, /** @type {number} */ end) =>
        Number.isInteger(number) && number >= 0 && number < end;
      if (kept?.model_id === modelId && isNumber(kept.code, size) && isNumber(kept.level, levels.length))
        Object.assign(state, { brush: kept.code, level: kept.level });
    }
    this.#modelId = modelId;
    this.#last = wordsOf(state);
  }

  /** Keep the code, if another one was chosen. @param {Painting} state */
  note(state) {
    const { brush: code, level } = state;
    if (!this.#modelId || wordsOf(state) === this.#last) return;
    this.#last = wordsOf(state);
    keepChoice("brush", { model_id: this.#modelId, level, code });
  }
}

const wordsOf = (/** @type {Painting} */ { brush, level }) => `${brush} of ${level}`;
