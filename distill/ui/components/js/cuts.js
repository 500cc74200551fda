// @ts-check
// The cuts of a recording: where they are, and which of the parts between them are clips. Values, without a page.

import { clamp } from "./axes.js";

/** @typedef {[number, number]} Piece first sample, and the one after the last */

export const LEAST = 512; // samples of the shortest piece, one frame
const MOST = 500; // pieces of a recording
const REMEMBERED = 200; // steps that can be undone

/**
 * A recording with its cuts. Methods that change them return other cuts; `this` stays as it is.
 */
export class Cuts {
  /**
   * @param {number} length of the recording in samples
   * @param {readonly number[]} marks samples where it is cut, in order, without its ends
   * @param {readonly boolean[]} kept for each part between them, whether it is a clip
   */
  constructor(length, marks = [], kept = [true]) {
    this.length = length;
    this.marks = marks;
    this.kept = kept;
  }

  /**
   * The cuts that make these pieces; without pieces the recording is whole.
   * @param {readonly Piece[]} pieces in order and apart
   * @param {number} length
   */
  static of(pieces, length) {
    if (!pieces.length) return new Cuts(length);
    const marks = [...new Set(pieces.flat())].filter((at) => at > 0 && at < length);
    const starts = new Set(pieces.map(([start]) => start));
    return new Cuts(
      length,
      marks,
      [0, ...marks].map((start) => starts.has(start)),
    );
  }

  /** Whether the recording is whole. */
  get isWhole() {
    return !this.marks.length && this.kept[0];
  }

  /** All parts, those that are left out too. @returns {Piece[]} */
  get parts() {
    const edges = [0, ...this.marks, this.length];
    return this.kept.map((_, part) => [edges[part], edges[part + 1]]);
  }

  /** The parts that are clips; none if the recording is whole. @returns {Piece[]} */
  get pieces() {
    return this.isWhole ? [] : this.parts.filter((_, part) => this.kept[part]);
  }

  /** How many clips the recording gives. */
  get count() {
    return this.kept.filter(Boolean).length;
  }

  /**
   * The part in which a sample lies.
   * @param {number} at
   */
  partAt(at) {
    return this.marks.filter((mark) => mark <= at).length;
  }

  /**
   * The cut nearest to a sample; -1 if none is near.
   * @param {number} at
   * @param {number} within samples
   */
  near(at, within) {
    let [found, least] = [-1, within];
    this.marks.forEach((mark, number) => {
      if (Math.abs(mark - at) > least) return;
      found = number;
      least = Math.abs(mark - at);
    });
    return found;
  }

  /**
   * Cut at a sample; the same cuts if that would leave too short a piece, or too many.
   * @param {number} at
   */
  add(at) {
    const part = this.partAt(at);
    const [start, stop] = this.parts[part];
    if (at - start < LEAST || stop - at < LEAST || this.count >= MOST) return this;
    return new Cuts(this.length, this.marks.toSpliced(part, 0, at), this.kept.toSpliced(part, 0, this.kept[part]));
  }

  /**
   * Take a cut away: the parts beside it become one, which is a clip if one of them was.
   * @param {number} number
   */
  remove(number) {
    if (!(number in this.marks)) return this;
    const isKept = this.kept[number] || this.kept[number + 1];
    return new Cuts(this.length, this.marks.toSpliced(number, 1), this.kept.toSpliced(number, 2, isKept));
  }

  /**
   * Move a cut, up to its neighbours.
   * @param {number} number
   * @param {number} to
   */
  move(number, to) {
    if (!(number in this.marks)) return this;
    const [least, most] = [(this.marks[number - 1] ?? 0) + LEAST, (this.marks[number + 1] ?? this.length) - LEAST];
    const at = clamp(Math.round(to), Math.min(least, this.marks[number]), Math.max(most, this.marks[number]));
    return at === this.marks[number] ? this : new Cuts(this.length, this.marks.with(number, at), this.kept);
  }

  /**
   * Leave a part out, or take it back.
   * @param {number} part
   */
  toggle(part) {
    return part in this.kept ? new Cuts(this.length, this.marks, this.kept.with(part, !this.kept[part])) : this;
  }

  /** @param {Cuts} other */
  equals(other) {
    return JSON.stringify([this.marks, this.kept]) === JSON.stringify([other.marks, other.kept]);
  }
}

/** The cuts of a recording and those before them. */
export class CutHistory {
  /** @type {Cuts[]} */
  #earlier = [];
  #isOpen = false; // whether the latest change goes on, as a drag does

  /** @param {Cuts} cuts */
  constructor(cuts) {
    this.cuts = cuts;
  }

  get canUndo() {
    return this.#earlier.length > 0;
  }

  /**
   * Take other cuts; the changes of one gesture are one step.
   * @param {Cuts} cuts
   * @param {{isOpen?: boolean}} gesture whether it goes on after this change
   */
  take(cuts, { isOpen = false } = {}) {
    if (cuts !== this.cuts && !this.#isOpen) this.#earlier = [...this.#earlier, this.cuts].slice(-REMEMBERED);
    this.#isOpen = isOpen && (this.#isOpen || cuts !== this.cuts);
    this.cuts = cuts;
  }

  /** End a gesture. */
  close() {
    this.#isOpen = false;
  }

  undo() {
    this.#isOpen = false;
    this.cuts = this.#earlier.pop() ?? this.cuts;
  }
}
