// @ts-check
// A stand-in for a codec in the page: each sample of a frame is the sum of the codes of the frame's column, and a test
// decides when a part of a sound is made.

/** @typedef {import("../../distill/ui/components/js/types.js").PageCodec} PageCodec */

export const STRIDE = 2; // frames in a column
export const REACH = 1; // frames that a column's sound reaches beyond it
const PART = 2; // frames of a part

/** @implements {PageCodec} */
export class StandInCodec {
  /** @type {StandInGrid[]} */
  grids = [];
  modelId = "codec";
  isClosed = false;
  isDead = false;
  onlost = () => {};
  /** @type {(() => void)[]} */
  #held = [];
  isHeld = false; // whether parts wait for `release`

  /**
   * @param {Uint16Array} codes
   * @param {number} columns
   * @param {number} numFrames
   */
  openGrid(codes, columns, numFrames) {
    const grid = new StandInGrid(this, codes, columns, numFrames);
    this.grids.push(grid);
    return grid;
  }

  /** @type {(level: number, code: number) => Promise<Float32Array>} */
  async audition(level, code) {
    if (this.isDead) throw new Error("The worker has died.");
    return Float32Array.of(level, code);
  }

  close() {
    this.isClosed = true;
  }

  /** Let all parts go that were asked for. */
  release() {
    for (const goOn of this.#held.splice(0)) goOn();
  }

  /** Let the part go that was asked for first. */
  releaseFirst() {
    this.#held.shift()?.();
  }

  /** Let the part go that was asked for last. */
  releaseLatest() {
    this.#held.pop()?.();
  }

  /** @returns {Promise<void>} */
  turn() {
    return this.isHeld ? new Promise((goOn) => this.#held.push(goOn)) : Promise.resolve();
  }
}

class StandInGrid {
  /** @type {[number, number, boolean][]} what was asked for: first and last frame, and whether it was urgent */
  asked = [];
  isClosed = false;

  /**
   * @param {StandInCodec} codec
   * @param {Uint16Array} codes
   * @param {number} columns
   * @param {number} numFrames
   */
  constructor(codec, codes, columns, numFrames) {
    Object.assign(this, { codec, codes, columns, numFrames });
    this.codec = codec;
    this.codes = codes;
    this.columns = columns;
    this.numFrames = numFrames;
  }

  /** @param {[number, number][]} puts */
  put(puts) {
    for (const [position, code] of puts) this.codes[position] = code;
  }

  /** @type {(columns: [number, number]) => [number, number]} */
  heardFrames([first, last]) {
    return [Math.max(0, first * STRIDE - REACH), Math.min(this.numFrames, last * STRIDE + REACH)];
  }

  /** @type {import("../../distill/ui/components/js/types.js").PageGrid["sound"]} */
  async *sound(first, last, { urgent = false } = {}) {
    this.asked.push([first, last, urgent]);
    for (let at = first; at < last; at += PART) {
      await this.codec.turn();
      if (this.codec.isDead) throw new Error("The worker has died.");
      const frames = Math.min(PART, last - at);
      const samples = new Float32Array(frames * 512);
      for (let frame = 0; frame < frames; frame++) {
        samples.fill(soundOf(this.codes, this.columns, at + frame), frame * 512, (frame + 1) * 512);
      }
      yield { first: at, samples };
    }
  }

  close() {
    this.isClosed = true;
  }
}

/**
 * The value of all samples of a frame.
 * @param {Uint16Array} codes
 * @param {number} columns
 * @param {number} frame
 */
export function soundOf(codes, columns, frame) {
  return codes.reduce((sum, code, at) => (at % columns === Math.floor(frame / STRIDE) ? sum + code : sum), 0);
}
