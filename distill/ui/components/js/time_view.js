// @ts-check
// The part of a clip that is in view.

import { clamp } from "./axes.js";

/** @typedef {import("./axes.js").Span} Span */

const LEAST = 0.05; // seconds in view at the closest

/**
 * A part of a clip of this length, within it and not too short.
 * @param {Span} part
 * @param {number} seconds
 * @returns {Span}
 */
export function within([from, to], seconds) {
  const wide = clamp(to - from, Math.min(LEAST, seconds), seconds);
  const start = clamp(to - from < wide ? (from + to - wide) / 2 : from, 0, seconds - wide);
  return [start, start + wide];
}

/**
 * Zoom by a factor; a moment stays where it is.
 * @param {Span} view
 * @param {number} seconds
 * @param {number} factor above 1 to see less
 * @param {number} moment
 */
export function zoomed([from, to], seconds, factor, moment) {
  const wide = clamp((to - from) / factor, Math.min(LEAST, seconds), seconds);
  const start = moment - ((moment - from) / (to - from)) * wide;
  return within([start, start + wide], seconds);
}

/**
 * @param {Span} view
 * @param {number} seconds
 * @param {number} by in seconds
 */
export function moved([from, to], seconds, by) {
  const start = clamp(from + by, 0, seconds - (to - from));
  return /** @type {Span} */ ([start, start + to - from]);
}

/**
 * The place of a moment in a view, as a share of its width; below 0 or above 1 outside.
 * @param {Span} view
 * @param {number} moment
 */
export const placeIn = ([from, to], moment) => (moment - from) / (to - from);

/**
 * The moment at a place in a view.
 * @param {Span} view
 * @param {number} place as a share of the width
 */
export const momentAt = ([from, to], place) => from + place * (to - from);
