// @ts-check
// The state of a visitor's choices in the player: the track, the part of the clip, loop and loudness.

import { clamp, ordered } from "./axes.js";

const SHORTEST = 0.02; // minimum length of a part, in seconds

export class PlayerState {
  current = 0; // number of the track to play
  isLooping = false;
  isMatched = true; // whether all tracks are as loud as the original
  /** @type {import("./axes.js").Span | null} */
  part = null;
  #compared = 0; // the track that was last compared with the original

  /**
   * @param {number} tracks number of tracks
   * @param {number} seconds
   */
  constructor(tracks, seconds) {
    this.tracks = tracks;
    this.seconds = seconds;
  }

  /**
   * Reset for another clip. The original stays chosen if it was; otherwise the last track is chosen.
   * @param {number} tracks
   * @param {number} seconds
   */
  take(tracks, seconds) {
    this.tracks = tracks;
    this.seconds = seconds;
    this.part = null;
    this.#compared = 0;
    if (this.current !== 0) this.current = tracks - 1;
  }

  /** The part to play. @returns {import("./axes.js").Span} */
  get span() {
    return this.part ?? [0, this.seconds];
  }

  /** The track to switch to for a comparison. */
  toCompare() {
    if (this.current !== 0) this.#compared = this.current;
    return this.current === 0 ? this.#compared || this.tracks - 1 : 0;
  }

  /**
   * Choose the part between two moments, if it is at least SHORTEST long.
   * @param {number} one
   * @param {number} other
   */
  choosePart(one, other) {
    const part = ordered(clamp(one, 0, this.seconds), clamp(other, 0, this.seconds));
    if (part[1] - part[0] > SHORTEST) this.part = part;
  }

  /**
   * The volume factor for a track.
   * @param {number} decibels gain that makes the track as loud as the original
   */
  volumeOf(decibels) {
    return this.isMatched ? 10 ** (decibels / 20) : 1;
  }
}
