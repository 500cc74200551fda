// @ts-check
// The sound of a clip from the server: in pieces of 12 s, each with the number of the latest change that it has.

import { HOP } from "../../../browser/units.js";
import { answerTo, isRefusal } from "./server.js";
import { decode } from "./sound.js";

/** @typedef {import("./types.js").GridTrack} GridTrack */

export const NOT_HEARD = { error: "The sound did not arrive; please try again." };

/** A refusal of the server, in place of a sound. */
export class Refused extends Error {
  /** @param {import("./types.js").Refusal} refusal */
  constructor(refusal) {
    super(refusal.error);
    this.refusal = refusal;
  }
}

export class ServerSource {
  isLocal = false;
  /** @type {import("./types.js").Solo | null} what is heard alone */
  #solo = null;

  /**
   * @param {import("./types.js").GridValue} value
   * @param {Pick<import("./types.js").GridServer, "sound" | "audition">} server
   */
  constructor(value, server) {
    this.value = value;
    this.server = server;
  }

  /**
   * The sound from a frame on.
   * @param {GridTrack} track
   * @param {import("./tape.js").Range} frames
   * @returns {AsyncGenerator<import("./types.js").SoundPart>}
   */
  async *sound(track, [first]) {
    const { work, piece_samples } = this.value;
    const piece = Math.floor((first * HOP) / piece_samples);
    const solo = track === "solo" && this.#solo ? { solo: this.#solo } : {};
    const asked = { work, track: track === "solo" ? "edited" : track, piece, ...solo };
    const answer = await answerTo(this.server.sound(/** @type {any} */ (asked)));
    if (isRefusal(answer)) throw new Refused(answer);
    const samples = await this.#decode(answer.flac);
    yield { first: Math.round((piece * piece_samples) / HOP), samples, change: answer.version ?? 0 };
  }

  /**
   * @param {number} level
   * @param {number} code
   */
  async audition(level, code) {
    const answer = await answerTo(this.server.audition({ work: this.value.work, level, code }));
    if (isRefusal(answer)) throw new Refused(answer);
    return this.#decode(answer.flac);
  }

  /** @param {import("./types.js").Solo | null} region what is heard alone */
  solo(region) {
    this.#solo = region;
  }

  close() {}

  /** @param {string} flac */
  async #decode(flac) {
    const buffer = await decode(flac, this.value.sample_rate).catch(() => null);
    if (!buffer) throw new Refused(NOT_HEARD);
    return buffer.getChannelData(0);
  }
}
