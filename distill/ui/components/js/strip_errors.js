// @ts-check
// How well codecs know the clips of the strip: the one in use, and the one before it.

import { Batches } from "./batches.js";
import { isRefusal } from "./server.js";

/** @typedef {{mel_l1: number, word: string, codes: number}} Known `codes` is the share of the codec's codes in use */

const MOST = 8; // clips of a request

export class StripErrors {
  /** @type {Map<string, Batches<Known>>} by codec */
  #codecs = new Map();

  /**
   * @param {import("./types.js").StripServer} server
   * @param {(refusal: string) => void} arrived
   */
  constructor(server, arrived) {
    this.server = server;
    this.arrived = arrived;
  }

  /**
   * What is known of a clip in a codec; null if it is gone; undefined before that is known.
   * @param {string} soundId of the codec
   * @param {string} id
   */
  of(soundId, id) {
    return this.#codecs.get(soundId)?.of(id);
  }

  /**
   * @param {string} soundId
   * @param {string[]} ids
   */
  want(soundId, ids) {
    let batches = this.#codecs.get(soundId);
    if (!batches) {
      batches = new Batches((asked) => this.#ask(asked, soundId), this.arrived, MOST);
      this.#codecs.set(soundId, batches);
    }
    batches.want(ids);
  }

  /** Forget other codecs than these. @param {string[]} soundIds */
  keep(soundIds) {
    for (const [soundId, batches] of this.#codecs) {
      if (soundIds.includes(soundId)) continue;
      batches.want([]);
      batches.arrived = () => {}; // an answer about a codec that was shown before is no news
      this.#codecs.delete(soundId);
    }
  }

  /**
   * @param {string[]} ids
   * @param {string} sound_id
   */
  async #ask(ids, sound_id) {
    const answer = await this.server.strip_errors({ ids, sound_id });
    if (!answer || isRefusal(answer)) return answer;
    return answer.mel_l1.map((mel_l1, number) =>
      mel_l1 === null ? null : { mel_l1, word: answer.words[number] ?? "", codes: answer.codes[number] ?? 0 },
    );
  }
}
