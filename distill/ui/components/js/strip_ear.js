// @ts-check
// Plays a clip of the strip, or its reconstruction; a second press stops it.

import { answerTo, isRefusal } from "./server.js";
import { decode, sound } from "./sound.js";

/** @typedef {"original" | "codec" | "before"} StripTrack "before" is by the codec that was in use before */

const KEPT = 16; // sounds

export class StripEar {
  /** @type {Map<string, AudioBuffer>} */
  #kept = new Map();
  #request = 0;
  /** @type {{id: string, track: StripTrack, buffer: AudioBuffer | null} | null} what plays, or is on its way */
  heard = null;
  /** @type {{id: string, track: StripTrack, buffer: AudioBuffer} | null} what sounded last, for scripts and tests */
  last = null;

  /**
   * @param {import("./types.js").StripServer} server
   * @param {() => void} changed
   */
  constructor(server, changed) {
    this.server = server;
    this.changed = changed;
  }

  pause() {
    this.#request += 1;
    if (!this.heard) return;
    const isSounding = this.heard.buffer !== null;
    this.heard = null;
    if (isSounding) sound.stopSingle(); // it is this sound: another one would have ended it
    this.changed();
  }

  /**
   * @param {string} id
   * @param {StripTrack} track
   * @param {{soundId: string, sampleRate: number}} codec
   * @returns {Promise<string>} the error; "" if the sound plays
   */
  async play(id, track, { soundId, sampleRate }) {
    const isSame = this.heard?.id === id && this.heard.track === track;
    this.pause();
    if (isSame) return "";
    sound.wake(sampleRate);
    sound.begin(this);
    const mine = this.#request;
    this.heard = { id, track, buffer: null };
    this.changed();
    const key = track === "original" ? id : `${id} ${soundId}`;
    const buffer =
      this.#kept.get(key) ??
      (await this.#fetch({ id, track: track === "original" ? track : "codec", sound_id: soundId }, sampleRate));
    if (mine !== this.#request) return "";
    if (typeof buffer === "string") {
      this.heard = null;
      this.changed();
      return buffer;
    }
    this.#keep(key, buffer);
    this.heard.buffer = buffer;
    this.last = { id, track, buffer };
    sound.playSingle(buffer, () => this.#over(mine));
    this.changed();
    return "";
  }

  /** The sound has ended, or another has taken its place. @param {number} request */
  #over(request) {
    if (request !== this.#request || !this.heard) return;
    this.heard = null;
    this.changed();
  }

  /**
   * @param {{id: string, track: "original" | "codec", sound_id: string}} asked
   * @param {number} sampleRate
   */
  async #fetch(asked, sampleRate) {
    const answer = await answerTo(this.server.strip_sound(asked));
    if (isRefusal(answer)) return answer.error;
    return decode(answer.flac, sampleRate).catch(() => "The sound did not arrive; please press again.");
  }

  /**
   * @param {string} key
   * @param {AudioBuffer} buffer
   */
  #keep(key, buffer) {
    this.#kept.delete(key);
    this.#kept.set(key, buffer);
    for (const old of this.#kept.keys()) if (this.#kept.size > KEPT) this.#kept.delete(old);
  }
}
