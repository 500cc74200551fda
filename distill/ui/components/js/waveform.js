// @ts-check
// A sound as a waveform: the minimum and the maximum sample of each pixel's part.

import { make, penOf } from "./dom.js";

const LOOKED_AT = 200; // samples that are examined per pixel; at most about twice as many

/**
 * @param {Float32Array} samples
 * @param {number} width in pixels
 * @returns {[number, number][]} minimum and maximum for each pixel; the range includes 0
 */
export function envelopeOf(samples, width) {
  const step = samples.length / width;
  const stride = Math.max(1, Math.floor(step / LOOKED_AT));
  return Array.from({ length: width }, (_, x) => {
    let [low, high] = [0, 0];
    for (let index = Math.floor(x * step); index < Math.min(samples.length, (x + 1) * step); index += stride) {
      low = Math.min(low, samples[index]);
      high = Math.max(high, samples[index]);
    }
    return [low, high];
  });
}

/**
 * Draw a waveform as a picture.
 * @param {Float32Array} samples
 * @param {{width: number, height: number, colour: string}} look sizes in device pixels
 */
export function paintWaveform(samples, { width, height, colour }) {
  const picture = make("canvas", { width: Math.max(1, width), height: Math.max(1, height) });
  const pen = penOf(picture);
  pen.fillStyle = colour;
  envelopeOf(samples, width).forEach(([low, high], x) => {
    pen.fillRect(x, (0.5 - high / 2) * height, 1, Math.max(1, ((high - low) / 2) * height));
  });
  return picture;
}

/**
 * Draw the placeholder of a waveform that has not arrived yet.
 * @param {{words: string, share: number}} progress `share` that has arrived, 0 to 1
 * @param {{width: number, height: number, colour: string, scale: number}} look sizes in device pixels
 */
export function paintProgress({ words, share }, { width, height, colour, scale }) {
  const picture = make("canvas", { width: Math.max(1, width), height: Math.max(1, height) });
  const pen = penOf(picture);
  pen.fillStyle = colour;
  pen.globalAlpha = 0.25;
  pen.fillRect(0, height / 2 - 1, width * share, 2);
  pen.globalAlpha = 0.7;
  pen.font = `${12 * scale}px sans-serif`;
  pen.textBaseline = "middle";
  pen.fillText(words, 10, height / 2);
  return picture;
}
