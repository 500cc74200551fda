// @ts-check
// Clips without a server: what a codec in the page makes of a sound and of a grid.

import { HOP } from "../../../browser/units.js";
import { pictureOfMel } from "./picture_of_mel.js";

/** @typedef {import("../../../browser/page_codec.js").PageCodec} PageCodec */
/** @typedef {number[][] | null} Quiet the codes of silence by level and row, which faders need */

const PART_FRAMES = 1_024; // of a sound that is made at a time
const SHORT_FRAMES = 48; // of silence, of which the middle is looked at

const flat = (/** @type {Quiet | undefined} */ quiet) => (quiet ? Uint16Array.from(quiet.flat()) : undefined);

/**
 * The whole sound of a grid.
 * @param {PageCodec} codec
 * @param {Uint16Array} indices
 * @param {{columns: number, num_frames: number, samples: number, quiet?: Quiet}} clip
 * @param {{levels?: number, told?: (share: number) => void}} [options] how many levels to use, all by default
 */
export async function wholeSound(codec, indices, clip, { levels, told = () => {} } = {}) {
  const { columns, num_frames, samples, quiet } = clip;
  const grid = codec.openGrid(indices, columns, num_frames, flat(quiet));
  const whole = new Float32Array(num_frames * HOP);
  try {
    for (let frame = 0; frame < num_frames; frame += PART_FRAMES) {
      const stop = Math.min(num_frames, frame + PART_FRAMES);
      for await (const part of grid.sound(frame, stop, { levels })) whole.set(part.samples, part.first * HOP);
      told(stop / num_frames);
    }
  } finally {
    grid.close();
  }
  return whole.subarray(0, samples);
}

/**
 * The picture of a grid's sound.
 * @param {PageCodec} codec
 * @param {Uint16Array} indices
 * @param {{columns: number, numFrames: number, timeStride: number, quiet?: Quiet}} clip
 */
export async function pictureOf(codec, indices, clip) {
  return pictureOfMel(await logMelOf(codec, indices, clip), clip.columns * clip.timeStride);
}

/**
 * The log-mel [frames][128] of a grid.
 * @param {PageCodec} codec
 * @param {Uint16Array} indices
 * @param {{columns: number, numFrames: number, quiet?: Quiet}} clip
 * @param {number} [levels] how many levels to use; all by default
 */
export async function logMelOf(codec, indices, { columns, numFrames, quiet }, levels) {
  const grid = codec.openGrid(indices, columns, numFrames, flat(quiet));
  try {
    return await grid.logMel(0, numFrames, { levels });
  } finally {
    grid.close();
  }
}

/**
 * The codes of silence by level and row, as `distill.codec.Codec.quiet_codes` has them.
 * @param {PageCodec} codec
 * @param {number} rows
 */
export async function quietCodes(codec, rows) {
  const { codes, columns } = await codec.encode(new Float32Array(SHORT_FRAMES * HOP));
  const middle = Math.floor(SHORT_FRAMES / 2 / codec.timeStride);
  return Array.from({ length: codec.levels }, (_, level) =>
    Array.from({ length: rows }, (_, row) => codes[(level * rows + row) * columns + middle]),
  );
}

/**
 * The code of each level whose vector is the shortest, by level and row, as `distill.codec.Codec.neutral_codes` has it.
 * @param {{levels: Float32Array[], dim: number}} codebooks
 * @param {number} rows
 */
export function neutralCodes({ levels, dim }, rows) {
  return levels.map((vectors) => {
    let [shortest, least] = [0, Number.POSITIVE_INFINITY];
    for (let code = 0; code < vectors.length / dim; code++) {
      let length = 0;
      for (let at = code * dim; at < (code + 1) * dim; at++) length += vectors[at] ** 2;
      if (length < least) [shortest, least] = [code, length];
    }
    return Array(rows).fill(shortest);
  });
}
