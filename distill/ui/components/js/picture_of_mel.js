// @ts-check
// A spectrogram as a picture, like distill/editing/sprites.py draws it.

import { make, penOf } from "./dom.js";
import { magma } from "./magma.js";

const BANDS = 128;
const MOST_COLUMNS = 2_000;

/**
 * @param {Float32Array} sorted
 * @param {number} percent
 */
const percentile = (sorted, percent) => sorted[Math.round(((sorted.length - 1) * percent) / 100)];

/**
 * The loudest of several frames in each band, frame by frame; silence after the end.
 * @param {Float32Array} logMel
 * @param {number} columns
 * @param {number} stride frames in a column
 */
function pooled(logMel, columns, stride) {
  const silence = logMel.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const loudest = new Float32Array(columns * BANDS).fill(silence);
  for (let index = 0; index < logMel.length; index++) {
    const at = Math.floor(index / BANDS / stride) * BANDS + (index % BANDS);
    loudest[at] = Math.max(loudest[at], logMel[index]);
  }
  return loudest;
}

/**
 * @param {Float32Array} logMel [frames][128]
 * @param {number} frames that the picture shows; silence after the end of the sound
 * @returns {string} address of a picture
 */
export function pictureOfMel(logMel, frames) {
  const stride = Math.ceil(frames / MOST_COLUMNS);
  const columns = Math.ceil(frames / stride);
  const values = pooled(logMel, columns, stride);
  const sorted = values.slice().sort();
  const [low, high] = [percentile(sorted, 2), percentile(sorted, 99.5)];
  const canvas = make("canvas", { width: columns, height: BANDS });
  const pen = penOf(canvas);
  const image = pen.createImageData(columns, BANDS);
  for (const [index, value] of values.entries()) {
    const share = Math.max(0, Math.min(1, (value - low) / Math.max(high - low, 1e-6)));
    const at = ((BANDS - 1 - (index % BANDS)) * columns + Math.floor(index / BANDS)) * 4;
    image.data.set([...magma(share), 255], at);
  }
  pen.putImageData(image, 0, 0);
  return canvas.toDataURL("image/png");
}
