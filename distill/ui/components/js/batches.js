// @ts-check
// What is fetched for many clips: a few at a time, those first that are wanted now, each once.

import { answerTo, isRefusal, wait } from "./server.js";

const MOST_KEPT = 3_000;
const RETRY = 3_000; // milliseconds from a refusal to the next request

/** @template T */
export class Batches {
  /** @type {Map<string, T | null>} */
  #known = new Map();
  /** @type {string[]} */
  #wanted = [];
  #isAsking = false;

  /**
   * @param {(ids: string[]) => import("./types.js").Answer<(T | null)[]>} ask
   * @param {(refusal: string) => void} arrived called after each batch; with a sentence if there was no answer
   * @param {number} most number of clips of a batch
   * @param {(milliseconds: number) => Promise<unknown>} [pause]
   */
  constructor(ask, arrived, most, pause = wait) {
    this.pause = pause;
    this.ask = ask;
    this.arrived = arrived;
    this.most = most;
  }

  /**
   * The value of a clip; null if there is none; undefined before it came.
   * @param {string} id
   */
  of(id) {
    return this.#known.get(id);
  }

  /**
   * Fetch what is missing of these clips, instead of those that were wanted before.
   * @param {string[]} ids
   */
  want(ids) {
    this.#wanted = ids.filter((id) => !this.#known.has(id));
    if (!this.#isAsking) void this.#fetch();
  }

  async #fetch() {
    this.#isAsking = true;
    while (this.#wanted.length) {
      const ids = this.#wanted.splice(0, this.most);
      const answer = await answerTo(this.ask(ids));
      if (isRefusal(answer)) {
        this.#wanted = [];
        this.arrived(answer.error);
        await this.pause(RETRY); // then what is wanted by then is asked for
        continue;
      }
      ids.forEach((id, number) => {
        this.#known.set(id, answer[number] ?? null);
      });
      this.#wanted = this.#wanted.filter((id) => !this.#known.has(id));
      for (const id of this.#known.keys()) if (this.#known.size > MOST_KEPT) this.#known.delete(id);
      this.arrived("");
    }
    this.#isAsking = false;
  }
}
