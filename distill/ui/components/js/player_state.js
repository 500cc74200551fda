// @ts-check
// What a person has chosen in the player: a track, a part of the clip, how it is played.

import { clamp, ordered } from "./axes.js";

const SHORTEST = 0.02; // seconds of a part

export class PlayerState {
  current = 0; // the track that is heard
  isLooping = false;
  isMatched = true; // whether all tracks are as loud as the original
  /** @type {import("./axes.js").Span | null} */
  part = null;
  #compared = 0; // the track with which the original was compared last

  /**
   * @param {number} tracks how many there are
   * @param {number} seconds
   */
  constructor(tracks, seconds) {
    this.tracks = tracks;
    this.seconds = seconds;
  }

  /**
   * Another clip: whoever heard its original hears that again, else the last track.
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

  /** What is played. @returns {import("./axes.js").Span} */
  get span() {
    return this.part ?? [0, this.seconds];
  }

  /** The track that a comparison goes over to. */
  toCompare() {
    if (this.current !== 0) this.#compared = this.current;
    return this.current === 0 ? this.#compared || this.tracks - 1 : 0;
  }

  /**
   * Choose the part between two moments, if it is long enough.
   * @param {number} one
   * @param {number} other
   */
  choosePart(one, other) {
    const part = ordered(clamp(one, 0, this.seconds), clamp(other, 0, this.seconds));
    if (part[1] - part[0] > SHORTEST) this.part = part;
  }

  /**
   * How much louder or softer a track is played than it is.
   * @param {number} decibels by which it differs from the original
   */
  volumeOf(decibels) {
    return this.isMatched ? 10 ** (decibels / 20) : 1;
  }
}
