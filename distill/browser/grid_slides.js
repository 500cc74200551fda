// @ts-check
// The edit by ear: brighter or darker, noisier or purer, harder or softer, louder or quieter. Like
// distill/codes/sliding.py.

import { bytesOf } from "./base64.js";
import { Distance, embed, snapped } from "./code_likeness.js";
import { rounded } from "./grid_words.js";

/**
 * Directions among a codec's vectors: see Qualities in distill/codec/qualities.py. `steps` has tilt, attack and
 * loudness, each by row; `travel` is full travel of tilt and of loudness, in nepers.
 * @typedef {{steps: Float32Array, loudness: Float32Array, quietness: Float32Array, travel: [number, number]}} Directions
 */

/** @typedef {import("./grid_edits.js").EditedClip} EditedClip */

const [CONTRAST, RISE, MOST_RISE] = [0.6, 0.5, 3];
export const SLIDES = Object.freeze({
  brightness: ["darker", "brighter"],
  noisiness: ["purer", "noisier"],
  attack: ["softer", "harder"],
  loudness: ["quieter", "louder"],
});

/** @param {Record<string, any>} asked */
export function slideWords(asked) {
  const words = Object.entries(SLIDES)
    .filter(([name]) => asked[name])
    .map(([name, [below, above]]) => `${rounded(100 * Math.abs(asked[name]))} % ${asked[name] > 0 ? above : below}`);
  return words.join(", ") || "as it was";
}

/**
 * @param {EditedClip} clip
 * @param {number} row
 * @param {number} column
 * @param {[number, number]} levels first and last
 */
function codesAt(clip, row, column, [first, last]) {
  return Array.from({ length: last - first + 1 }, (_, level) => {
    return clip.indices[((first + level) * clip.rows + row) * clip.columns + column];
  });
}

/**
 * Loudness of the cells of a column in nepers, by row.
 * @param {EditedClip} clip
 * @param {import("./grid_edits.js").EditingCodec} codec
 * @param {Directions} directions
 * @param {number} column
 */
function heardIn(clip, { codebooks: { levels, dim } }, { loudness, quietness }, column) {
  return Array.from({ length: clip.rows }, (_, row) => {
    const vector = embed(levels, dim, codesAt(clip, row, column, [0, clip.levels - 1]));
    return vector.reduce((sum, value, each) => sum + value * loudness[row * dim + each], 0) + quietness[row];
  });
}

/**
 * @param {import("./edit_requests.js").EditRequest} asked
 * @param {EditedClip} clip
 * @param {import("./grid_edits.js").EditingCodec} codec
 * @returns {{indices: Uint16Array, off: number}}
 */
export function slid(asked, clip, codec) {
  const { brightness, noisiness, attack, loudness, levels, rows, columns } = asked;
  const directions = codec.slides;
  if (!directions || !(brightness || noisiness || attack || loudness)) return { indices: clip.indices, off: 0 };
  const { steps, travel } = directions;
  const { dim, levels: books } = codec.codebooks;
  const changed = { levels: books.slice(levels[0], levels[1] + 1), dim };
  const distance = new Distance();
  const indices = clip.indices.slice();
  const middle = (rows[0] + rows[1]) / 2;
  let before = heardIn(clip, codec, directions, Math.max(0, columns[0] - 1));
  for (let column = columns[0]; column <= columns[1]; column++) {
    const heard = heardIn(clip, codec, directions, column);
    const mean = heard.reduce((sum, each) => sum + each, 0) / heard.length;
    for (let row = rows[0]; row <= rows[1]; row++) {
      const rise = Math.max(-MOST_RISE, Math.min(MOST_RISE, heard[row] - before[row]));
      let raised = loudness * travel[1] + brightness * travel[0] * (row - middle);
      raised = raised - noisiness * CONTRAST * (heard[row] - mean) + attack * RISE * rise;
      const codes = codesAt(clip, row, column, levels);
      const wanted = embed(changed.levels, dim, codes).map((value, each) => {
        const [tilt, hit, loud] = [0, 1, 2].map((which) => steps[(which * clip.rows + row) * dim + each]);
        return value + Math.fround((raised / travel[1]) * loud + (brightness * tilt + attack * hit));
      });
      for (const [level, code] of snapped(changed, wanted, [codes], distance).entries()) {
        indices[((levels[0] + level) * clip.rows + row) * clip.columns + column] = code;
      }
    }
    before = heard;
  }
  return { indices, off: distance.off };
}

/** @typedef {{steps: string, loudness: string, quietness: string, travel: [number, number]}} PackedDirections */

/**
 * The directions of slides, from 32-bit floats in base64.
 * @param {PackedDirections} packed
 * @returns {Directions}
 */
export function unpackDirections({ steps, loudness, quietness, travel }) {
  const floats = (/** @type {string} */ base64) => new Float32Array(bytesOf(base64).buffer);
  return { steps: floats(steps), loudness: floats(loudness), quietness: floats(quietness), travel };
}
