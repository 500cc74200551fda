// @ts-check
// What the strip tells of its clips, in words.

import { DECIBELS } from "../../../browser/units.js";

/** @typedef {import("./types.js").StripClip} StripClip */
/** @typedef {import("./strip_errors.js").Known} Known */
/** @typedef {import("./strip_bar.js").Shown} Shown */

/** @type {(known: {mel_l1: number}) => string} */
export const decibelsOf = ({ mel_l1 }) => `${(mel_l1 * DECIBELS).toFixed(1)} dB`;

/** @type {(known: Known) => string} */
export const shareOf = ({ codes }) => `${(100 * codes).toFixed(codes < 0.1 ? 1 : 0)} % of its codes`;

/** @type {(seconds: number) => string} */
export function lengthOf(seconds) {
  if (!seconds) return "";
  return seconds < 60 ? `${seconds.toFixed(2)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/**
 * What the cell of a clip tells below its name.
 * @param {StripClip} clip
 * @param {import("./strip_errors.js").Known | null | undefined} known
 */
export function factsOf({ seconds, is_kept, weight }, known) {
  const weighted = weight === 0 ? "left out" : weight && weight > 1 ? `×${weight}` : "";
  const facts = [lengthOf(seconds), is_kept && known ? decibelsOf(known) : "", is_kept ? weighted : "gone"];
  return facts.filter(Boolean).join(" · ");
}

/**
 * What is told of the chosen clips.
 * @param {Shown} shown
 */
export function wordsOf({ clips, clip, known, before, isMode, value }) {
  if (clips.length > 1) {
    const seconds = clips.reduce((sum, each) => sum + each.seconds, 0);
    return `${clips.length} clips · ${lengthOf(seconds)}`;
  }
  if (isMode && !clips.length) return "Press the clips to choose, in their order";
  if (!clip) return "Choose a clip";
  const than = before ? ` (${decibelsOf(before)} before)` : "";
  const knowledge = known ? `${decibelsOf(known)} off${than}, ${known.word} · uses ${shareOf(known)}` : "";
  const part = clip.seconds > value.heard_seconds ? `press to hear its first ${value.heard_seconds} s` : "";
  return [clip.name, lengthOf(clip.seconds), knowledge, clip.note, part].filter(Boolean).join(" · ");
}
