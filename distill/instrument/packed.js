// @ts-check
// The clips in the file: unpacked when it opens, and packed again when it is saved with its edits.

import { bytesOf, packCodes, unpackCodes } from "../browser/base64.js";
import { bytesOfChange, GridHistory } from "../browser/grid_history.js";

/** @typedef {import("../browser/grid_files.js").Grid} Grid */
/** @typedef {import("../browser/local_server.js").LocalClip} LocalClip */
/** @typedef {{label: string, positions: string, before: string, after: string}} PackedChange */

/**
 * A clip in this file; numbers are packed in base64.
 * @typedef {Omit<Grid, "indices" | "modelId"> & {name: string, original: string, indices: string,
 *   done: PackedChange[], undone: PackedChange[], spectrogram: string,
 *   timing?: import("../browser/local_server.js").Timing | null}} PackedClip
 */

const HISTORY_BYTES = 2 * 1024 ** 2; // of the edits of a clip that the file holds, as in distill/instrument/page.py

/** @param {PackedChange} change */
function changeOf({ label, positions, before, after }) {
  const numbers = new Int32Array(bytesOf(positions).buffer);
  return { label, positions: numbers, before: unpackCodes(before), after: unpackCodes(after) };
}

/** @param {import("../browser/grid_history.js").Change} change */
function packedChange({ label, positions, before, after }) {
  const halves = new Uint16Array(positions.buffer, positions.byteOffset, 2 * positions.length);
  return { label, positions: packCodes(halves), before: packCodes(before), after: packCodes(after) };
}

/**
 * @param {PackedClip} clip
 * @param {string} modelId
 * @returns {Omit<LocalClip, "work">}
 */
export function unpackClip({ original, indices, done, undone, ...clip }, modelId) {
  const edits = [done.map(changeOf), undone.map(changeOf)];
  return {
    ...clip,
    modelId,
    history: new GridHistory(unpackCodes(original), edits[0], edits[1], unpackCodes(indices)),
  };
}

/**
 * @param {LocalClip} clip
 * @returns {PackedClip}
 */
export function packClip({ history, work: _work, modelId: _modelId, ...clip }) {
  return {
    ...clip,
    original: packCodes(history.original),
    indices: packCodes(history.indices),
    done: newest(history.done).map(packedChange),
    undone: newest(history.undone).map(packedChange),
  };
}

/**
 * The last changes, as many as the file may hold.
 * @param {import("../browser/grid_history.js").Change[]} changes
 */
function newest(changes) {
  let [bytes, first] = [0, changes.length];
  while (first > 0) {
    bytes += bytesOfChange(changes[first - 1]);
    if (bytes > HISTORY_BYTES) break;
    first -= 1;
  }
  return changes.slice(first);
}

/**
 * JSON that no text in it can end, in an element `script`.
 * @param {unknown} data
 */
export function jsonForScript(data) {
  const escaped = (/** @type {string} */ letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(data).replaceAll(/[<>&\u2028\u2029]/g, escaped);
}
