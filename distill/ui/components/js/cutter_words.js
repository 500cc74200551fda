// @ts-check
// What the cutter says of a recording and its cuts.

import { showSeconds } from "./axes.js";
import { Cuts } from "./cuts.js";
import { lengthOf } from "./strip_words.js";

/** @typedef {import("./types.js").Recording} Recording */

/**
 * The part under the cursor and the chosen cut.
 * @param {Cuts} cuts
 * @param {number} part
 * @param {number} mark number of the chosen cut; -1 if none is chosen
 * @param {number} sampleRate
 */
export function toldOf(cuts, part, mark, sampleRate) {
  const [start, stop] = cuts.parts[part];
  const seconds = (/** @type {number} */ samples) => showSeconds(samples / sampleRate);
  const number = cuts.kept.slice(0, part + 1).filter(Boolean).length;
  const clip = cuts.isWhole ? "Not cut" : cuts.kept[part] ? `Clip ${number} of ${cuts.count}` : "Left out";
  const chosen = mark < 0 ? "" : `cut ${mark + 1} at ${(cuts.marks[mark] / sampleRate).toFixed(3)} s`;
  const words = [clip, `${seconds(start)} to ${seconds(stop)}`, `${seconds(stop - start)} long`, chosen];
  return words.filter(Boolean).join(" · ");
}

/**
 * A recording in the list.
 * @param {Recording} recording
 * @param {Cuts} cuts
 */
export function nameOf({ name, seconds }, cuts) {
  return [name, lengthOf(seconds), cuts.isWhole ? "" : `${cuts.count} clips`].filter(Boolean).join(" · ");
}

/**
 * The words of the button that puts the pieces into the set, and whether there is anything to put there.
 * @param {{recording: Recording, cuts: Cuts}[]} listed
 */
export function applyOf(listed) {
  const count = listed.reduce((sum, { cuts }) => sum + cuts.count, 0);
  const isCut = listed.some(({ cuts }) => !cuts.isWhole);
  const isReady = listed.some(({ recording, cuts }) => !Cuts.of(recording.pieces, recording.num_samples).equals(cuts));
  const clips = `${count} clip${count === 1 ? "" : "s"}`;
  if (isReady) return { isReady, words: isCut ? `Cut into ${clips}` : "Put together again" };
  return { isReady, words: isCut ? `Cut into ${clips}, done` : "Cut" };
}
