// @ts-check
// The sound of a clip as far as it is made: its samples and, for each frame, whether its sound is there and up to date.

import { HOP } from "../../../browser/units.js";
import { clamp } from "./axes.js";

const EMPTY = 0; // states of a frame: no sound yet,
const OLD = 1; // the sound before a change, or
const FRESH = 2; // the present sound

/** @typedef {[number, number]} Range first, and the one after the last */

export class Tape {
  samples;
  changed = 0; // how often frames were marked old
  #states;
  #peaks; // the largest magnitude in each frame
  #changes; // for each frame, the number of the change after which its sound must be made
  #made; // for each frame, the number of the latest change that its sound has; -1 without a sound

  /**
   * @param {number} length in samples
   * @param {number} frame length of a frame in samples
   */
  constructor(length, frame = HOP) {
    this.frame = frame;
    this.frames = Math.ceil(length / frame);
    this.samples = new Float32Array(length);
    this.#states = new Uint8Array(this.frames);
    this.#changes = new Float64Array(this.frames);
    this.#made = new Float64Array(this.frames).fill(-1);
    this.#peaks = new Float32Array(this.frames);
  }

  /** The largest magnitude of the sound. */
  get peak() {
    return peakOf(this.#peaks);
  }

  /** Whether every frame has had a sound. */
  get isFull() {
    return !this.#states.includes(EMPTY);
  }

  /**
   * Mark frames whose sound a change has made old.
   * @param {Range} frames
   * @param {number} change number of the change; sound of an earlier number is old for these frames
   */
  outdate([first, last], change) {
    this.changed += 1;
    for (let frame = Math.max(0, first); frame < Math.min(last, this.frames); frame++) {
      if (this.#states[frame] === FRESH) this.#states[frame] = OLD;
      this.#changes[frame] = Math.max(change, this.#changes[frame]);
    }
  }

  /** Take sound of any number from now on: another source counts the changes. */
  forgetChanges() {
    this.#changes.fill(0);
    this.#made.fill(-1);
  }

  /**
   * Write sound. Over frames that a later change has made old, it is written if it is newer than theirs, and stays old.
   * @param {number} first frame
   * @param {Float32Array} samples
   * @param {number} change number of the latest change that the sound has
   * @returns {Range[]} the samples that were written
   */
  write(first, samples, change) {
    const last = Math.min(this.frames, first + Math.ceil(samples.length / this.frame));
    /** @type {Range[]} */
    const written = [];
    for (let frame = first; frame < last; frame++) {
      const isOld = this.#changes[frame] > change;
      if (isOld && this.#made[frame] >= change) continue;
      const start = frame * this.frame;
      const stop = Math.min(start + this.frame, this.samples.length);
      this.samples.set(samples.subarray(start - first * this.frame, stop - first * this.frame), start);
      this.#states[frame] = isOld ? OLD : FRESH;
      this.#made[frame] = change;
      this.#peaks[frame] = peakOf(this.samples.subarray(start, stop));
      const latest = written.at(-1);
      if (latest?.[1] === start) latest[1] = stop;
      else written.push([start, stop]);
    }
    return written;
  }

  /**
   * The first frames of a range whose sound must be made.
   * @param {Range} range in frames
   * @param {{most?: number, isEmptyOnly?: boolean}} options maximum number of frames; only those without any sound
   * @returns {Range | null}
   */
  missing([from, to], { most = Number.POSITIVE_INFINITY, isEmptyOnly = false } = {}) {
    const wanted = isEmptyOnly ? EMPTY : OLD;
    const end = Math.min(to, this.frames);
    let first = Math.max(0, from);
    while (first < end && this.#states[first] > wanted) first++;
    if (first >= end) return null;
    let last = first + 1;
    while (last < Math.min(end, first + most) && this.#states[last] <= wanted) last++;
    return [first, last];
  }

  /** @returns {Range[]} all frames whose sound must be made */
  get stale() {
    /** @type {Range[]} */
    const all = [];
    for (let run = this.missing([0, this.frames]); run; run = this.missing([run[1], this.frames])) all.push(run);
    return all;
  }

  /**
   * The end of the present sound that begins at a sample.
   * @param {number} sample
   * @param {number} [since] sound of this change, and of any later one, counts as present
   */
  freshUntil(sample, since = Number.POSITIVE_INFINITY) {
    return this.#until(sample, FRESH, since);
  }

  /** The end of the sound, present or old, that begins at a sample. @param {number} sample */
  soundUntil(sample) {
    return this.#until(sample, OLD);
  }

  /**
   * @param {number} sample
   * @param {number} least state
   * @param {number} [since]
   */
  #until(sample, least, since = Number.POSITIVE_INFINITY) {
    let frame = Math.floor(sample / this.frame);
    while (frame < this.frames && (this.#states[frame] >= least || this.#made[frame] >= since)) frame++;
    return clamp(frame * this.frame, sample, Math.max(sample, this.samples.length));
  }
}

/** The largest magnitude of some samples. @param {Float32Array} samples */
export function peakOf(samples) {
  let most = 0;
  for (let index = 0; index < samples.length; index++) most = Math.max(most, Math.abs(samples[index]));
  return most;
}

/**
 * A complete sound, in the form that a deck plays.
 * @param {Float32Array} samples
 * @returns {import("./deck.js").Playable}
 */
export const wholeSound = (samples) => ({
  samples,
  peak: peakOf(samples),
  freshUntil: () => samples.length,
  soundUntil: () => samples.length,
});
