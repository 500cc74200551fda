// @ts-check
// Draws spectrograms and code maps: first as pictures of one pixel a value, then onto the page's canvases.

import { clamp, ticksOf } from "./axes.js";
import { channelsOf } from "./code_tiles.js";
import { fitCanvas, make, penOf, styleOf } from "./dom.js";
import { magma } from "./magma.js";
import { BANDS } from "./spectra_data.js";
import { placeIn } from "./time_view.js";

/** @typedef {import("./axes.js").Span} Span */
/** @typedef {import("./spectra_data.js").Spectra} Spectra */
/** @typedef {{image: HTMLCanvasElement, span: Span}} Picture a picture of one pixel a value, and its seconds */

const RANGE_DB = 80; // from the loudest to the darkest colour
const DIFFERENCE_DB = 20;
const [LOUDER, QUIETER] = [
  [214, 69, 65],
  [48, 112, 196],
];

/**
 * @param {number} width
 * @param {number} height
 * @param {(x: number, y: number) => number[]} colourOf red, green, blue and alpha; y is 0 at the bottom
 */
function pictureOf(width, height, colourOf) {
  const canvas = make("canvas", { width: Math.max(1, width), height });
  const pen = penOf(canvas);
  const image = pen.createImageData(canvas.width, height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) image.data.set(colourOf(x, y), ((height - 1 - y) * canvas.width + x) * 4);
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {Spectra} spectra
 * @param {number} frameSeconds
 * @returns {Span}
 */
const spanOf = ({ first, stride, columns }, frameSeconds) => [
  first * frameSeconds,
  (first + stride * columns) * frameSeconds,
];

/**
 * @param {Spectra} spectra
 * @param {number} mel
 * @param {number} frameSeconds
 * @returns {Picture}
 */
export function paintMel(spectra, mel, frameSeconds) {
  const { mels, columns, low_db, step_db, top_db } = spectra;
  const colours = Array.from({ length: 256 }, (_, byte) => {
    const share = (low_db + step_db * byte - top_db) / RANGE_DB + 1;
    return [...magma(clamp(share, 0, 1)), 255];
  });
  const image = pictureOf(columns, BANDS, (x, y) => colours[mels[mel][y * columns + x]]);
  return { image, span: spanOf(spectra, frameSeconds) };
}

/**
 * Red where a spectrogram is louder than the original, blue where it is quieter.
 * @param {Spectra} spectra
 * @param {number} mel
 * @param {number} frameSeconds
 * @returns {Picture}
 */
export function paintDifference(spectra, mel, frameSeconds) {
  const { mels, columns, step_db } = spectra;
  const image = pictureOf(columns, BANDS, (x, y) => {
    const at = y * columns + x;
    const share = ((mels[mel][at] - mels[0][at]) * step_db) / DIFFERENCE_DB;
    return [...(share > 0 ? LOUDER : QUIETER), 255 * Math.min(1, Math.abs(share))];
  });
  return { image, span: spanOf(spectra, frameSeconds) };
}

/**
 * @param {{rows: number, columns: number}} shape
 * @param {Uint16Array} codes of one level, row by row, the lowest first
 * @param {string[]} colours of the codes
 * @param {number} columnSeconds
 * @returns {Picture}
 */
export function paintCodes({ rows, columns }, codes, colours, columnSeconds) {
  const channels = colours.map((colour) => [...channelsOf(colour), 255]);
  const image = pictureOf(columns, rows, (x, y) => channels[codes[y * columns + x]] ?? [128, 128, 128, 255]);
  return { image, span: [0, columns * columnSeconds] };
}

/**
 * Draw the part of a picture that is in view, each value as a sharp rectangle.
 * @param {HTMLCanvasElement} canvas
 * @param {Picture | null} picture
 * @param {Span} view
 */
export function drawPicture(canvas, picture, view) {
  fitCanvas(canvas, canvas.clientWidth, canvas.clientHeight);
  const pen = penOf(canvas);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (!picture) return;
  const { image, span } = picture;
  const [left, right] = span.map((moment) => placeIn(view, moment) * canvas.width);
  const [from, to] = [Math.max(0, left), Math.min(canvas.width, right)];
  const perPixel = image.width / (right - left);
  if (to <= from) return;
  pen.imageSmoothingEnabled = false;
  pen.drawImage(
    image,
    (from - left) * perPixel,
    0,
    (to - from) * perPixel,
    image.height,
    from,
    0,
    to - from,
    canvas.height,
  );
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Span} view
 */
export function drawTimes(canvas, view) {
  const scale = fitCanvas(canvas, canvas.clientWidth, canvas.clientHeight);
  const pen = penOf(canvas);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = styleOf(canvas, "--body-text-color");
  pen.font = `${10 * scale}px ${styleOf(canvas, "--font-mono") || "monospace"}`;
  pen.textBaseline = "top";
  const perSecond = canvas.clientWidth / (view[1] - view[0]);
  for (const tick of ticksOf(view[0], view[1], perSecond)) {
    const x = placeIn(view, tick) * canvas.width;
    const words = `${Number(tick.toFixed(2))} s`;
    if (x < 0) continue;
    pen.fillRect(x, 0, scale, 4 * scale);
    if (x + pen.measureText(words).width < canvas.width) pen.fillText(words, x + 3 * scale, 2 * scale);
  }
}

/**
 * The scale of a panel's colours, from the lowest level to the highest.
 * @param {HTMLCanvasElement} canvas
 * @param {{low: number, high: number, colourOf: (decibels: number) => number[]}} range
 */
export function drawScale(canvas, { low, high, colourOf }) {
  const scale = fitCanvas(canvas, canvas.clientWidth, canvas.clientHeight);
  const pen = penOf(canvas);
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  for (let y = 0; y < height; y++) {
    const [red, green, blue, alpha] = colourOf(high - ((high - low) * y) / height);
    pen.fillStyle = `rgb(${red} ${green} ${blue} / ${alpha / 255})`;
    pen.fillRect(0, y, 8 * scale, 1);
  }
  pen.fillStyle = styleOf(canvas, "--body-text-color");
  pen.font = `${10 * scale}px ${styleOf(canvas, "--font-mono") || "monospace"}`;
  const words = [high, (high + low) / 2, low].map((decibels) => `${Math.round(decibels)} dB`.replace("-", "−"));
  words.forEach((text, index) => {
    pen.textBaseline = /** @type {const} */ (["top", "middle", "bottom"])[index];
    pen.fillText(text, 11 * scale, (height * index) / 2);
  });
}

/**
 * @param {number} topDb
 * @returns {Parameters<typeof drawScale>[1]}
 */
export const levelsScale = (topDb) => ({
  low: topDb - RANGE_DB,
  high: topDb,
  colourOf: (decibels) => [...magma(clamp((decibels - topDb) / RANGE_DB + 1, 0, 1)), 255],
});

/** @type {Parameters<typeof drawScale>[1]} */
export const DIFFERENCE_SCALE = {
  low: -DIFFERENCE_DB,
  high: DIFFERENCE_DB,
  colourOf: (decibels) => [...(decibels > 0 ? LOUDER : QUIETER), (255 * Math.abs(decibels)) / DIFFERENCE_DB],
};
