// @ts-check
// The axis of time: the position of a moment on a loop, on a picture, on a ruler.

/** @typedef {[number, number]} Span two moments in seconds, the earlier one first */

const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120];
const TICK_PIXELS = 60;

/** @type {(value: number, low: number, high: number) => number} */
export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** @type {(one: number, other: number) => [number, number]} */
export const ordered = (one, other) => (one <= other ? [one, other] : [other, one]);

/**
 * Fold a moment after a loop's end back into the loop.
 * @param {number} moment
 * @param {Span | null} loop
 */
export function momentInLoop(moment, loop) {
  if (!loop || moment < loop[1]) return moment;
  const [from, to] = loop;
  return from + ((moment - from) % (to - from));
}

/**
 * The moment from which a part is played: the requested moment, or the part's start if the moment lies outside.
 * @param {number} moment
 * @param {Span} part
 */
export function startWithin(moment, [from, to]) {
  return moment < from || moment >= to - 0.01 ? from : moment;
}

/** @type {(seconds: number) => string} */
export const showSeconds = (seconds) => `${seconds.toFixed(2)} s`;

/**
 * The moments of a ruler's ticks, far enough apart for labels.
 * @param {number} begin first moment in view
 * @param {number} end last moment in view
 * @param {number} pixelsPerSecond
 */
export function ticksOf(begin, end, pixelsPerSecond) {
  const step = TICKS.find((seconds) => seconds * pixelsPerSecond > TICK_PIXELS) ?? 300;
  const first = Math.max(0, Math.floor(begin / step));
  return Array.from({ length: Math.max(0, Math.floor(end / step) - first + 1) }, (_, index) => (first + index) * step);
}
