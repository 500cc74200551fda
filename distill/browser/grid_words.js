// @ts-check
// What the page says of a grid: names of levels, bands and places. The same words as the server's.

import { BANDS, HOP, hzOf, melOf, SAMPLE_RATE } from "./units.js";

/** @type {Record<number, string[]>} */
const LEVELS = {
  2: ["Structure", "Detail"],
  3: ["Structure", "Timbre", "Detail"],
  4: ["Structure", "Timbre", "Texture", "Detail"],
};

/** @param {number} levels */
export const levelNames = (levels) => LEVELS[levels] ?? Array.from({ length: levels }, (_, level) => `Level ${level}`);

/** @param {number} timeStride frames in a column */
export const columnSeconds = (timeStride) => (timeStride * HOP) / SAMPLE_RATE;

/**
 * The lower and upper frequency of each row, lowest row first.
 * @param {number} rows
 * @returns {[number, number][]}
 */
export function rowRanges(rows) {
  const edge = (/** @type {number} */ row) => hzOf((melOf(SAMPLE_RATE / 2) * row * Math.floor(BANDS / rows)) / BANDS);
  return Array.from({ length: rows }, (_, row) => [edge(row), edge(row + 1)]);
}

/** @type {(low: number, high: number) => string} */
export function bandName(low, high) {
  const [digits, unit] = high < 1000 ? [0, "Hz"] : [1, "kHz"];
  const [from, to] = digits ? [low / 1000, high / 1000] : [low, high];
  return `${from.toFixed(digits)}–${to.toFixed(digits)} ${unit}`;
}

/** @param {number} value rounded to a whole number, half to even as Python does */
export function rounded(value) {
  const below = Math.floor(value);
  const isUp = value - below > 0.5 || (value - below === 0.5 && below % 2 === 1);
  return isUp ? below + 1 : below;
}

/**
 * Words for a region.
 * @param {{levels: number, rows: number, timeStride: number}} grid
 * @param {[number, number]} levels first and last, both included
 * @param {[number, number]} rows
 * @param {[number, number]} columns
 */
export function placeWords(grid, levels, rows, columns) {
  const names = levelNames(grid.levels);
  let which = levels[0] === levels[1] ? names[levels[0]] : `Levels ${levels[0] + 1} to ${levels[1] + 1}`;
  if (levels[0] === 0 && levels[1] === names.length - 1) which = "All levels";
  const each = columnSeconds(grid.timeStride);
  const bands = rowRanges(grid.rows).slice(rows[0], rows[1] + 1);
  const span = bands.length === grid.rows ? "all bands" : bandName(bands[0][0], bands[bands.length - 1][1]);
  return `${which}, ${(columns[0] * each).toFixed(2)} to ${((columns[1] + 1) * each).toFixed(2)} s, ${span}`;
}
