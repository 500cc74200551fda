// @ts-check
// The edited sound in pieces: the pieces to fetch, and the part of an edit in each piece.

/** @typedef {import("./splice.js").Patch & {version: number}} VersionedPatch */

export class Pieces {
  /** @type {Set<number>} pieces to fetch before playback */
  stale;
  /** @type {VersionedPatch[]} patches of edits that arrived while pieces were being fetched */
  #late = [];

  /** @param {{samples: number, piece_samples: number, pieces: number}} sound */
  constructor({ samples, piece_samples, pieces }) {
    this.samples = samples;
    this.pieceSamples = piece_samples;
    this.count = pieces;
    this.stale = new Set(Array(pieces).keys());
  }

  /**
   * Mark a changed span of the sound as stale.
   * @param {number} start first sample
   * @param {number} stop sample after the last
   */
  outdate(start, stop) {
    for (let piece = this.#pieceAt(start); piece <= this.#pieceAt(stop - 1); piece++) this.stale.add(piece);
  }

  /** The first piece to fetch; it counts as fetched from now on. */
  take() {
    const piece = Math.min(...this.stale);
    this.stale.delete(piece);
    return piece;
  }

  /** @param {VersionedPatch} patch arrives during the fetch of a piece, which may be older or newer */
  keep(patch) {
    this.#late.push(patch);
  }

  forgetKept() {
    this.#late = [];
  }

  /**
   * The patches to write when a piece arrives: the piece, then the later edits in it.
   * @param {number} piece
   * @param {Float32Array<ArrayBuffer>} samples
   * @param {number} version that the piece belongs to
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
