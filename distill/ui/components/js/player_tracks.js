// @ts-check
// The player's tracks: fetched piece by piece on demand, and kept for as long as the clip is shown.

import { answerTo, isRefusal } from "./server.js";
import { decode, silentBuffer } from "./sound.js";

/**
 * @typedef {object} Track
 * @property {string} name
 * @property {string} note
 * @property {string} file file name of the download
 * @property {AudioBuffer | null} buffer
 * @property {number} gainDb gain that makes it as loud as the original
 * @property {number} share arrived part, 0 to 1
 * @property {boolean} isLoading
 */

export class PlayerTracks {
  /** @type {Track[]} */
  list;

  /**
   * @param {import("./types.js").PlayerValue} value
   * @param {import("./types.js").PlayerServer} server
   * @param {{arrived: (number: number) => void, failed: (number: number, words: string) => void, draw: () => void}} page
   */
  constructor(value, server, page) {
    this.value = value;
    this.server = server;
    this.page = page;
    this.isCurrent = true; // false after a change of clip: later pieces are dropped
    this.list = value.tracks.map((track) => ({ ...track, buffer: null, gainDb: 0, share: 0, isLoading: false }));
  }

  /** @param {number} number */
  async load(number) {
    const track = this.list[number];
    if (track.buffer || track.isLoading) return;
    track.isLoading = true;
    this.page.draw();
    const refused = await this.#fetch(track, number);
    if (!this.isCurrent) return;
    track.isLoading = false;
    if (refused) this.page.failed(number, refused);
    else this.page.arrived(number);
  }

  /**
   * @param {Track} track
   * @param {number} number
   * @returns {Promise<string>} the error; "" if the track arrived
   */
  async #fetch(track, number) {
    const { work, sample_rate } = this.value;
    /** @type {Float32Array<ArrayBuffer>[]} */
    const parts = [];
    for (let piece = 0, pieces = 1; piece < pieces; piece++) {
      const answer = await answerTo(this.server.sound({ work, track: number, piece }));
      if (isRefusal(answer)) return answer.error;
      const buffer = await decode(answer.flac, sample_rate).catch(() => null);
      if (!buffer) return "The sound did not arrive; please choose it again.";
      if (!this.isCurrent) return "";
      pieces = answer.pieces;
      parts.push(buffer.getChannelData(0));
      track.gainDb = answer.gain_db ?? track.gainDb;
      track.share = (piece + 1) / pieces;
      this.page.draw();
    }
    track.buffer = joined(parts, sample_rate);
    return "";
  }
}

/**
 * @param {Float32Array<ArrayBuffer>[]} parts
 * @param {number} sampleRate
 */
function joined(parts, sampleRate) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const buffer = silentBuffer(length, sampleRate);
  let start = 0;
  for (const part of parts) {
    buffer.copyToChannel(part, 0, start);
    start += part.length;
  }
  return buffer;
}
