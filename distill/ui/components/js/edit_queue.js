// @ts-check
// Edits on their way to the server: one after another, each until it is answered, each done once.

import { answerTo, isRefusal, NO_ANSWER, wait } from "./server.js";

/** @typedef {import("./types.js").EditAnswer} EditAnswer */
/** @typedef {import("./types.js").Refusal} Refusal */

/**
 * An edit; `work` is null as long as the page has no clip of its own, and `puts` are the codes that it puts at once.
 * @typedef {{work: string | null, request: {id: string, kind: string} & Record<string, unknown>,
 *   puts: import("./grid_codes.js").Put[]}} Edit
 */

/**
 * @typedef {object} Listener
 * @property {(edit: Edit, answer: EditAnswer) => Promise<void> | void} done
 * @property {(edit: Edit, refusal: Refusal) => Promise<void> | void} refused
 * @property {(edit: Edit, refusal: Refusal) => void} gone the server no longer has the clip
 * @property {() => void} retrying
 * @property {() => void} changed edits were added, answered or dropped
 */

const PATIENCE = 60_000; // milliseconds until an edit is sent again; the server knows it by its id and does it once
const RETRY = 1_500; // milliseconds

/** @returns {string} */
function newId() {
  return crypto.randomUUID?.() ?? `${performance.now()} ${Math.random()}`; // a page without TLS has no randomUUID
}

export class EditQueue {
  /** @type {Edit[]} the oldest first */
  #edits = [];
  #isBusy = false;

  /**
   * @param {(request: Record<string, unknown>) => import("./types.js").Answer<EditAnswer>} send
   * @param {Listener} listener
   * @param {{pause?: (milliseconds: number) => Promise<null>, id?: () => string}} [surroundings]
   */
  constructor(send, listener, { pause = wait, id = newId } = {}) {
    this.send = send;
    this.listener = listener;
    this.pause = pause;
    this.newId = id;
  }

  /** How much is not answered yet, or not yet taken over. */
  get pending() {
    return this.#edits.length + (this.#isBusy ? 1 : 0);
  }

  get length() {
    return this.#edits.length;
  }

  /**
   * The edits of a clip that are not answered yet.
   * @param {string | null} work
   */
  editsOf(work) {
    return this.#edits.filter((edit) => edit.work === work);
  }

  /**
   * @param {string | null} work
   * @param {string} kind
   * @param {Record<string, unknown>} fields
   * @param {import("./grid_codes.js").Put[]} puts
   */
  add(work, kind, fields = {}, puts = []) {
    this.#edits.push({ work, request: { id: this.newId(), kind, ...fields }, puts });
    this.listener.changed();
    void this.drain();
  }

  /**
   * Edits that were made on the example are this clip's, now that the page has it for its own.
   * @param {string} work
   */
  adopt(work) {
    for (const edit of this.editsOf(null)) edit.work = work;
    void this.drain();
  }

  /**
   * Drop the edits of a clip.
   * @param {string | null} work
   */
  drop(work) {
    this.#edits = this.#edits.filter((edit) => edit.work !== work);
    this.listener.changed();
  }

  async drain() {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#edits[0]?.work) await this.#sendFirst(this.#edits[0]);
    this.#isBusy = false;
    this.listener.changed();
  }

  /** @param {Edit} edit */
  async #sendFirst(edit) {
    const sent = answerTo(this.send({ work: edit.work, ...edit.request }));
    const answer = await Promise.race([sent, this.pause(PATIENCE)]);
    if (!answer || answer === NO_ANSWER) {
      this.listener.retrying();
      await this.pause(RETRY);
      return;
    }
    if (this.#edits[0] === edit) this.#edits.shift();
    if (!isRefusal(answer)) {
      await this.listener.done(edit, answer);
    } else if (answer.gone) {
      this.drop(edit.work);
      this.listener.gone(edit, answer);
    } else {
      await this.listener.refused(edit, answer);
    }
  }
}
