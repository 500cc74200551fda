// @ts-check
// The edited sound in pieces: which pieces are to be fetched, and what of an edit lies in a piece.

/** @typedef {import("./splice.js").Patch & {version: number}} VersionedPatch */

export class Pieces {
  /** @type {Set<number>} pieces that are to be fetched before they are played */
  stale;
  /** @type {VersionedPatch[]} what was heard of edits while pieces were on their way */
  #late = [];

  /** @param {{samples: number, piece_samples: number, pieces: number}} sound */
  constructor({ samples, piece_samples, pieces }) {
    this.samples = samples;
    this.pieceSamples = piece_samples;
    this.count = pieces;
    this.stale = new Set(Array(pieces).keys());
  }

  /**
   * A span of the sound was changed elsewhere than an edit is heard.
   * @param {number} start first sample
   * @param {number} stop sample after the last
   */
  outdate(start, stop) {
    for (let piece = this.#pieceAt(start); piece <= this.#pieceAt(stop - 1); piece++) this.stale.add(piece);
  }

  /** The first piece that is to be fetched; it counts as fetched from now on. */
  take() {
    const piece = Math.min(...this.stale);
    this.stale.delete(piece);
    return piece;
  }

  /** @param {VersionedPatch} patch heard while a piece is on its way, which may be from before or after the edit */
  keep(patch) {
    this.#late.push(patch);
  }

  forgetKept() {
    this.#late = [];
  }

  /**
   * What is to be written when a piece arrives: the piece, and over it what later edits changed in it.
   * @param {number} piece
   * @param {Float32Array<ArrayBuffer>} samples
   * @param {number} version of the sound that the piece is from
   * @returns {import("./splice.js").Patch[]}
   */
  arrived(piece, samples, version) {
    const start = piece * this.pieceSamples;
    const later = this.#late.filter((patch) => patch.version > version);
    return [{ start, samples }, ...later.flatMap((patch) => this.partIn(piece, patch))];
  }

  /**
   * The part of a patch that lies in a piece; an empty list if there is none.
   * @param {number} piece
   * @param {import("./splice.js").Patch} patch
   * @returns {import("./splice.js").Patch[]}
   */
  partIn(piece, { start, samples }) {
    const end = piece === this.count - 1 ? this.samples : (piece + 1) * this.pieceSamples;
    const from = Math.max(start, piece * this.pieceSamples);
    const to = Math.min(start + samples.length, end);
    return from < to ? [{ start: from, samples: samples.subarray(from - start, to - start) }] : [];
  }

  /** @param {number} sample */
  #pieceAt(sample) {
    return Math.min(this.count - 1, Math.floor(sample / this.pieceSamples));
  }
}
