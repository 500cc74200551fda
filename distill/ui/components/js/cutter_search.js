// @ts-check
// Finds cuts: the server looks for them in one recording or in all, as the buttons and the slider say.

import { Cuts } from "./cuts.js";
import { find, findButton, findInput, showPressed } from "./dom.js";
import { answerTo, isRefusal } from "./server.js";

/** @typedef {import("./types.js").Recording} Recording */
/** @typedef {"onsets" | "silence"} By */
/**
 * The part of a cutter that a search needs.
 * @typedef {object} Searched
 * @property {{recordings: Recording[]}} value
 * @property {Recording | undefined} recording
 * @property {HTMLElement} message
 * @property {import("./types.js").CutterServer} server
 * @property {(recording: Recording) => Cuts} cutsOf
 * @property {(recording: Recording, cuts: Cuts) => void} found
 */

export class CutterSearch {
  /** @type {By} */
  #by = "onsets";
  #asked = 0;

  /**
   * @param {Searched} cutter
   * @param {HTMLElement} element
   */
  constructor(cutter, element) {
    this.cutter = cutter;
    this.fineness = findInput(element, ".fineness");
    this.ways = /** @type {By[]} */ (["onsets", "silence"]).map((by) => ({
      by,
      button: find(element, `[data-by=${by}]`),
    }));
    for (const { by, button } of this.ways) button.onclick = () => void this.look(by);
    this.fineness.onchange = () => void this.look(this.#by);
    findButton(element, ".all").onclick = () => void this.lookInAll();
  }

  /** Look for the cuts of the recording in view. @param {By} by */
  async look(by) {
    const { recording } = this.cutter;
    this.#by = by;
    for (const { by: other, button } of this.ways) showPressed(button, other === by);
    if (recording) await this.#lookIn(recording, ++this.#asked);
  }

  /** Look for the cuts of all recordings, one after another. */
  async lookInAll() {
    const asked = ++this.#asked;
    const { value, message } = this.cutter;
    for (const [at, recording] of value.recordings.entries()) {
      message.textContent = `Looking for cuts: ${at + 1} of ${value.recordings.length} recordings.`;
      if (!(await this.#lookIn(recording, asked))) return;
    }
  }

  /**
   * @param {Recording} recording
   * @param {number} asked number of the request; of an earlier one nothing is taken
   * @returns {Promise<boolean>} whether an answer was taken
   */
  async #lookIn(recording, asked) {
    const { cutter } = this;
    const request = { id: recording.id, by: this.#by, fineness: Number(this.fineness.value) / 100 };
    const before = cutter.cutsOf(recording);
    const answer = await answerTo(cutter.server.cut_found(request));
    if (asked !== this.#asked || cutter.cutsOf(recording) !== before) return false; // what was changed by hand stays
    if (isRefusal(answer)) {
      cutter.message.textContent = answer.error;
      return false;
    }
    const cuts = Cuts.of(answer.pieces, recording.num_samples);
    const softer = this.#by === "onsets" ? "soft beginnings" : "short pauses";
    const none = `Nothing to cut was found in ${recording.name}: move the slider to the right for ${softer}.`;
    cutter.message.textContent = cuts.isWhole ? none : "";
    cutter.found(recording, cuts);
    return true;
  }
}
