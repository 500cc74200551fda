// @ts-check
// The queue of edits for the server: one edit at a time, repeated until it is answered, and done only once.

import { answerTo, isRefusal, NO_ANSWER, wait } from "./server.js";

/** @typedef {import("./types.js").EditAnswer} EditAnswer */
/** @typedef {import("./types.js").Refusal} Refusal */

/**
 * An edit; `work` is null until the page has its own clip, and `puts` are the codes that the page changes at once.
 * @typedef {{work: string | null, request: {id: string, kind: string} & Record<string, unknown>,
 *   puts: import("./grid_codes.js").Put[], then?: (answer: EditAnswer) => void}} Edit
 */

/**
 * @typedef {object} Listener
 * @property {(edit: Edit, answer: EditAnswer) => Promise<void> | void} done
 * @property {(edit: Edit, refusal: Refusal) => Promise<void> | void} refused
 * @property {(edit: Edit, refusal: Refusal) => void} gone the server no longer has the clip
 * @property {() => void} retrying
 * @property {() => void} changed edits were added, answered or dropped
 */

const PATIENCE = 60_000; // milliseconds until an edit is sent again; the server recognizes its id and does it once
const RETRY = 1_500; // milliseconds

/** A name that no other edit has. @returns {string} */
export function newId() {
  return crypto.randomUUID?.() ?? `${performance.now()} ${Math.random()}`; // browsers offer randomUUID only with TLS
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

  /** Number of edits without an answer, or with an answer that is not applied yet. */
  get pending() {
    return this.#edits.length + (this.#isBusy ? 1 : 0);
  }

  get length() {
    return this.#edits.length;
  }

  /**
   * The edits of a clip that have no answer yet.
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
   * @param {(answer: EditAnswer) => void} [then] called after the edit was done
   */
  add(work, kind, fields = {}, puts = [], then = undefined) {
    const last = this.#edits.at(-1);
    const isSent = this.#isBusy && this.#edits.length === 1;
    const isSame = fields.gesture && last?.request.gesture === fields.gesture && last.work === work;
    const isReplaced = isSame && kind !== "undo" && !isSent;
    if (isReplaced) this.#edits.pop(); // of the moves of a slider, only the last counts
    this.#edits.push({ work, request: { id: this.newId(), kind, ...fields }, puts, then });
    this.listener.changed();
    void this.drain();
  }

  /**
   * Assign the edits of the example to the page's own clip, which has just arrived.
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
    try {
      while (this.#edits[0]?.work) await this.#sendFirst(this.#edits[0]);
    } finally {
      this.#isBusy = false;
      this.listener.changed();
    }
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
      try {
        await this.listener.done(edit, answer);
      } catch (error) {
        console.error(error); // a sound that cannot be decoded holds up no later edit
      }
    } else if (answer.gone) {
      this.drop(edit.work);
      this.listener.gone(edit, answer);
    } else {
      await this.listener.refused(edit, answer);
    }
  }
}
