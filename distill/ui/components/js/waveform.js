// @ts-check
// A sound as a waveform: the lowest and the highest sample of each pixel's part.

import { make, penOf } from "./dom.js";

const LOOKED_AT = 200; // samples of each pixel's part, at the most about twice as many

/**
 * @param {Float32Array} samples
 * @param {number} width in pixels
 * @returns {[number, number][]} lowest and highest for each pixel, at or around 0
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
 * A waveform as a picture.
 * @param {Float32Array} samples
 * @param {{width: number, height: number, colour: string}} look in the screen's pixels
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
 * What stands in place of a waveform that is not there yet.
 * @param {{words: string, share: number}} progress the share that has arrived
 * @param {{width: number, height: number, colour: string, scale: number}} look in the screen's pixels
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
