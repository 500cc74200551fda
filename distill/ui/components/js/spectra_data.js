// @ts-check
// Spectrograms as the server packs them, and their scale of frequencies.

import { BANDS, hzOf, melOf, SAMPLE_RATE } from "../../../browser/units.js";
import { clamp } from "./axes.js";
import { bytesOf } from "./bytes.js";

export { BANDS };

/**
 * Spectrograms of a part of a clip: bytes [BANDS][columns] of each, the lowest band first.
 * @typedef {object} Spectra
 * @property {number} first the first frame
 * @property {number} stride frames in a column
 * @property {number} columns
 * @property {number} low_db level of the byte 0
 * @property {number} step_db
 * @property {number} top_db the loudest level of the whole original
 * @property {Uint8Array[]} mels of the original, of the first level, of the first two, and so on
 */

const HIGHEST = melOf(SAMPLE_RATE / 2);

/**
 * @param {import("./types.js").SpectraAnswer} answer
 * @returns {Promise<Spectra>}
 */
export async function unpackSpectra(answer) {
  const mels = answer.mels.map(async (packed) => {
    const inflated = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(inflated).arrayBuffer());
  });
  return { ...answer, mels: await Promise.all(mels) };
}

/**
 * The level of a spectrogram at a frame and a band, in dB; null where there is nothing.
 * @param {Spectra} spectra
 * @param {number} mel which of the spectrograms
 * @param {number} frame
 * @param {number} band
 */
export function decibelsAt({ first, stride, columns, low_db, step_db, mels }, mel, frame, band) {
  const column = Math.floor((frame - first) / stride);
  if (column < 0 || column >= columns || !mels[mel]) return null;
  return low_db + step_db * mels[mel][band * columns + column];
}

/**
 * The band at a height in a picture.
 * @param {number} share of the height, 0 at the bottom
 */
export const bandAt = (share) => clamp(Math.floor(share * BANDS), 0, BANDS - 1);

/**
 * The frequency in the middle of a band.
 * @param {number} band
 */
export const hzOfBand = (band) => hzOf((HIGHEST * (band + 1)) / (BANDS + 1));

/**
 * The height of a frequency in a picture, as a share; the inverse of `hzOfBand` at the middle of a band.
 * @param {number} hz
 */
export const heightOf = (hz) => ((melOf(hz) / HIGHEST) * (BANDS + 1) - 0.5) / BANDS;

/** @type {(hz: number) => string} */
export const showHz = (hz) => (hz < 1000 ? `${Math.round(hz)} Hz` : `${(hz / 1000).toFixed(1)} kHz`);

/** @type {(decibels: number) => string} */
export const showDb = (decibels) => `${decibels < -0.5 ? "−" : ""}${Math.abs(Math.round(decibels))} dB`;
