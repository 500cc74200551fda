// @ts-check
// A steady beat over a clip: its lines, what snaps to them, and a loop that is moved along them.

import { clamp, ordered } from "./axes.js";

/** @typedef {import("./axes.js").Span} Span */
/** @typedef {{tempo: number, offset: number, bar: number}} Beat beats per minute; seconds of a first beat; beats in a bar */
/** @typedef {"off" | "bar" | "1" | "2" | "4"} Snap to columns, to bars, or to the parts of a beat */
/** @typedef {{moment: number, beat: number, isBar: boolean, isBeat: boolean}} Line `beat` counts from the first beat */
/** @typedef {"start" | "stop" | "middle"} Part what of a loop is held */

export const SLOWEST = 20; // beats per minute
export const FASTEST = 400;
const PATIENCE = 2.5; // seconds after which a tap begins anew
const TAPS = 8; // latest taps that count
const NEAR = 1e-6;

/** @type {Beat} */
export const USUAL = Object.freeze({ tempo: 120, offset: 0, bar: 4 });

/** @type {(beat: Beat) => number} */
export const secondsOfBeat = ({ tempo }) => 60 / tempo;

/**
 * Seconds from one line to the next.
 * @param {Beat} beat
 * @param {Snap} snap
 */
export function unitOf(beat, snap) {
  const each = secondsOfBeat(beat);
  if (snap === "bar") return each * beat.bar;
  return snap === "off" ? each : each / Number(snap);
}

/**
 * The lines of a beat between two moments.
 * @param {Beat} beat
 * @param {Snap} snap
 * @param {Span} span
 * @returns {Line[]}
 */
export function linesIn(beat, snap, [from, to]) {
  const parts = snap === "2" || snap === "4" ? Number(snap) : 1;
  const unit = secondsOfBeat(beat) / parts;
  const first = Math.ceil((from - beat.offset) / unit - NEAR);
  const last = Math.floor((to - beat.offset) / unit + NEAR);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
    const number = first + index;
    const isBeat = number % parts === 0;
    return {
      moment: beat.offset + number * unit,
      beat: Math.floor(number / parts),
      isBar: isBeat && (number / parts) % beat.bar === 0,
      isBeat,
    };
  });
}

/**
 * The line next to a moment.
 * @param {Beat} beat
 * @param {Snap} snap
 * @param {number} moment
 */
export function nearestLine(beat, snap, moment) {
  const unit = unitOf(beat, snap);
  return beat.offset + Math.round((moment - beat.offset) / unit) * unit;
}

/**
 * A clip as the lines divide it; its sound may end before its last column does.
 * @typedef {{beat: Beat, snap: Snap, columnSeconds: number, columns: number, seconds: number}} Measure
 */

/**
 * A moment on the nearest line, or at an end of the clip; without snapping, on the nearest edge of a column.
 * @param {Measure} measure
 * @param {number} moment
 */
export function snapped({ beat, snap, columnSeconds, columns, seconds: end }, moment) {
  if (snap === "off") return Math.min(end, clamp(Math.round(moment / columnSeconds), 0, columns) * columnSeconds);
  const lines = [0, end, nearestLine(beat, snap, moment)].filter((line) => line >= 0 && line <= end);
  return lines.reduce((nearest, line) => (Math.abs(line - moment) < Math.abs(nearest - moment) ? line : nearest));
}

/**
 * The columns of a selection, grown to whole parts of the beat.
 * @param {Measure} measure
 * @param {[number, number]} columns first and last
 * @returns {[number, number]}
 */
export function snappedColumns({ beat, snap, columnSeconds, columns: count }, [first, last]) {
  if (snap === "off") return [first, last];
  const unit = unitOf(beat, snap);
  const lineOf = (/** @type {number} */ number) => beat.offset + number * unit;
  const columnOf = (/** @type {number} */ moment) => Math.round(moment / columnSeconds);
  let before = Math.floor((first * columnSeconds - beat.offset) / unit);
  while (columnOf(lineOf(before + 1)) <= first) before += 1;
  while (columnOf(lineOf(before)) > first) before -= 1;
  let after = before + 1;
  while (columnOf(lineOf(after)) <= last) after += 1;
  const begin = clamp(columnOf(lineOf(before)), 0, count - 1);
  return [begin, clamp(columnOf(lineOf(after)) - 1, begin, count - 1)];
}

/**
 * The column where something that is moved to a column begins, on a line.
 * @param {Measure} measure
 * @param {number} column
 */
export function snappedColumn(measure, column) {
  if (measure.snap === "off") return column;
  const moment = snapped(measure, column * measure.columnSeconds);
  return clamp(Math.round(moment / measure.columnSeconds), 0, measure.columns - 1);
}

/**
 * The clip cut at the lines, or at each column while nothing snaps: first and last columns of each part.
 * @param {Measure} measure
 * @param {number | null} from seconds at which the first part begins; null for the first line
 * @returns {[number, number][]}
 */
export function slicesOf({ beat, snap, columnSeconds, columns, seconds }, from) {
  const unit = snap === "off" ? columnSeconds : unitOf(beat, snap);
  const start = from ?? (snap === "off" ? 0 : ((beat.offset % unit) + unit) % unit);
  const count = Math.max(0, Math.ceil((seconds - start) / unit - NEAR));
  const edge = (/** @type {number} */ number) => Math.min(columns, Math.round((start + number * unit) / columnSeconds));
  const slices = Array.from({ length: count }, (_, number) => [edge(number), edge(number + 1) - 1]);
  return /** @type {[number, number][]} */ (slices.filter(([first, last]) => first <= last));
}

/**
 * Columns from a repeat to the next: the whole parts of the beat that a selection covers; 0 without snapping.
 * @param {Measure} measure
 * @param {[number, number]} columns first and last
 */
export function periodOf({ beat, snap, columnSeconds }, [first, last]) {
  if (snap === "off") return 0;
  const unit = unitOf(beat, snap);
  const parts = Math.max(1, Math.round(((last - first + 1) * columnSeconds) / unit));
  return Math.max(1, (parts * unit) / columnSeconds);
}

/**
 * A loop of which a part is moved, on lines and within the clip. Its ends may pass each other.
 * @param {Measure} measure
 * @param {Span} loop
 * @param {Part} part
 * @param {number} by seconds
 * @returns {Span}
 */
export function movedLoop(measure, [start, stop], part, by) {
  const { seconds: end } = measure;
  const least = measure.snap === "off" ? measure.columnSeconds : Math.min(unitOf(measure.beat, measure.snap), end);
  if (part === "middle") {
    const from = clamp(snapped(measure, start + by), 0, Math.max(0, end - (stop - start)));
    return [from, Math.min(end, from + stop - start)];
  }
  const [fixed, moved] = part === "start" ? [stop, start + by] : [start, stop + by];
  const to = clamp(snapped(measure, moved), 0, end);
  if (Math.abs(to - fixed) > NEAR) return ordered(fixed, to);
  const isBefore = part === "start";
  return isBefore ? [Math.max(0, fixed - least), fixed] : [fixed, Math.min(end, fixed + least)];
}

/**
 * What of a loop is under a moment: an edge, the middle, or nothing.
 * @param {Span | null} loop
 * @param {number} moment
 * @param {number} near seconds from an edge that still are the edge
 * @returns {Part | null}
 */
export function partAt(loop, moment, near) {
  if (!loop) return null;
  const [start, stop] = loop.map((edge) => Math.abs(edge - moment));
  const isInside = moment > loop[0] && moment < loop[1];
  // A short loop keeps a middle to hold.
  const reach = isInside ? Math.min(near, (loop[1] - loop[0]) / 3) : near;
  if (Math.min(start, stop) <= reach) return start < stop ? "start" : "stop";
  return isInside ? "middle" : null;
}

/**
 * Put a first beat of a bar elsewhere; the offset stays the one nearest to the start of the clip.
 * @param {Beat} beat
 * @param {number} offset seconds
 * @returns {Beat}
 */
export function withOffset(beat, offset) {
  const bar = secondsOfBeat(beat) * beat.bar;
  const folded = ((offset % bar) + bar) % bar;
  return { ...beat, offset: Math.round(folded * 1e4) / 1e4 };
}

/** Taps of a finger: their tempo, as soon as there are two. */
export class Taps {
  /** @type {number[]} seconds */
  #taps = [];

  /**
   * @param {number} moment seconds
   * @returns {number | null} beats per minute
   */
  add(moment) {
    const last = this.#taps.at(-1);
    if (last !== undefined && moment - last > PATIENCE) this.#taps = [];
    this.#taps = [...this.#taps, moment].slice(-TAPS);
    const count = this.#taps.length;
    if (count < 2) return null;
    // The slope of the line through all taps: one late tap moves it little.
    const middle = (count - 1) / 2;
    const mean = this.#taps.reduce((sum, tap) => sum + tap, 0) / count;
    const [over, under] = this.#taps.reduce(
      ([top, bottom], tap, index) => [top + (index - middle) * (tap - mean), bottom + (index - middle) ** 2],
      [0, 0],
    );
    return clamp(Math.round((600 * under) / over) / 10, SLOWEST, FASTEST);
  }
}

/**
 * A moment in bars and beats, both counted from 1.
 * @param {Beat} beat
 * @param {number} moment
 */
export function placeInBars(beat, moment) {
  const number = Math.floor((moment - beat.offset) / secondsOfBeat(beat) + 1e-4);
  const bar = Math.floor(number / beat.bar);
  return `${bar + 1}.${number - bar * beat.bar + 1}`;
}

/**
 * A loop in words.
 * @param {Beat} beat
 * @param {Span | null} loop
 */
export function loopInWords(beat, loop) {
  if (!loop) return "No loop";
  const beats = (loop[1] - loop[0]) / secondsOfBeat(beat);
  return `Loop ${loop[0].toFixed(2)}–${loop[1].toFixed(2)} s, ${Number(beats.toFixed(2))} ${Math.abs(beats - 1) < 0.005 ? "beat" : "beats"}`;
}
