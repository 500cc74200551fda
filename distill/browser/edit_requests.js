// @ts-check
// Reads requests for edits: the fields of each kind, and the refusals of what they cannot be. Like
// distill/editing/requests.py, whose sentences these are.

import { GridError, shown } from "./edit_refusals.js";
import { LOUDEST } from "./mixing.js";

/** @typedef {Record<string, any> & {kind: string, id: string}} EditRequest a request whose fields are checked */
/** @typedef {{words: string, fits: (value: any, most: number) => boolean, otherwise?: any}} Field */

const LARGEST = 2 ** 31;
const NAME_LENGTH = 100;

const isWhole = (/** @type {unknown} */ value) => Number.isInteger(value) && Math.abs(Number(value)) < LARGEST;
const isPair = (/** @type {unknown} */ value) => Array.isArray(value) && value.length === 2 && value.every(isWhole);
const isName = (/** @type {unknown} */ value) => typeof value === "string" && [...value].length <= NAME_LENGTH;

/**
 * Whether lists are nested as deep as they should be; refused if they name more cells than one edit may.
 * @param {any} value
 * @param {number} depth
 * @param {number} most numbers
 * @param {number} numbers that describe a cell
 */
function isNested(value, depth, most, numbers) {
  let inner = [value];
  for (let level = 0; level < depth; level++) {
    if (!inner.every(Array.isArray)) return false;
    if (inner.reduce((sum, part) => sum + part.length, 0) > most) {
      const again = "and this one names more; please make several edits of it.";
      throw new GridError(`One edit can name up to ${most / numbers} cells, ${again}`);
    }
    inner = inner.flat();
  }
  return true;
}

/** @type {Field["fits"]} */
const areCells = (value, most) => isNested(value, 2, 2 * most, 2) && value.length > 0 && value.every(isPair);

/** @type {Field["fits"]} */
const areNotes = (value, most) =>
  isNested(value, 2, 4 * most, 4) &&
  value.length > 0 &&
  value.every((/** @type {any[]} */ note) => note.length === 4 && note.every(isWhole));

/** @type {Field["fits"]} */
function areCodes(value, most) {
  if (!isNested(value, 3, most, 1) || !value.length) return false;
  const [rows, columns] = [value[0].length, value[0][0]?.length];
  return (
    rows > 0 &&
    columns > 0 &&
    value.every(
      (/** @type {any[][]} */ plane) =>
        plane.length === rows && plane.every((row) => row.length === columns && row.every(isWhole)),
    )
  );
}

/** @type {Field} */
const WHOLE = { words: "a whole number", fits: isWhole };
const SHARE = {
  words: "a number from 0 to 1",
  fits: (/** @type {unknown} */ value) => typeof value === "number" && value >= 0 && value <= 1,
};
const TILT = {
  words: "a number from -1 to 1",
  fits: (/** @type {unknown} */ value) => typeof value === "number" && value >= -1 && value <= 1,
  otherwise: 0,
};
const GAIN = {
  words: `a number from 0 to ${LOUDEST}`,
  fits: (/** @type {unknown} */ value) =>
    value === null || (typeof value === "number" && value >= 0 && value <= LOUDEST),
  otherwise: null,
};
const MUTE = {
  words: "true or false",
  fits: (/** @type {unknown} */ value) => value === null || typeof value === "boolean",
  otherwise: null,
};
const NUMBER = {
  words: "a number",
  fits: (/** @type {unknown} */ value) => typeof value === "number" && Math.abs(value) < LARGEST,
};
const NOTES = { words: "whole numbers in lists of equal lengths", fits: areNotes };
const ENDS = { words: "a first and a last whole number", fits: isPair };
const CELLS = { words: "whole numbers in lists of equal lengths", fits: areCells };
const CODES = { words: "whole numbers in lists of equal lengths", fits: areCodes };
const NAME = { words: `text of up to ${NAME_LENGTH} letters`, fits: isName };
const SWITCH = { words: "true or false", fits: (/** @type {unknown} */ value) => typeof value === "boolean" };
const KIND = { words: "", fits: () => true };

/** @type {Record<string, Field>} */
const ANY = {
  work: { ...NAME, otherwise: "" },
  id: { ...NAME, otherwise: "" },
  heard: { ...SWITCH, otherwise: true },
  gesture: { ...NAME, otherwise: "" },
};
/** @type {Field} */
const ONLY = { ...CELLS, fits: (value, most) => value === null || areCells(value, most), otherwise: null };
/** @type {Field} */
const SINCE = { ...WHOLE, fits: (value) => value === null || isWhole(value), otherwise: null };
/** @type {Record<string, Field>} */
const REGION = { ...ANY, levels: ENDS, rows: ENDS, columns: ENDS, only: ONLY, kind: KIND };
const CELL = { ...ANY, kind: KIND, level: WHOLE };

/** @type {Record<string, Record<string, Field>>} */
const KINDS = {
  paint: { ...CELL, cells: CELLS, code: WHOLE },
  set: { ...REGION, code: WHOLE },
  paste: { ...CELL, row: WHOLE, column: WHOLE, codes: CODES, only: ONLY },
  play: { ...ANY, kind: KIND, notes: NOTES },
  clear: REGION,
  move: { ...REGION, row: WHOLE, column: WHOLE },
  repeat: { ...REGION, times: { ...WHOLE, otherwise: 1 }, period: { ...NUMBER, otherwise: 0 } },
  reverse: REGION,
  shift: { ...REGION, by_rows: { ...WHOLE, otherwise: 0 }, by_columns: { ...WHOLE, otherwise: 0 } },
  similar: { ...REGION, rank: WHOLE },
  random: { ...REGION, among: WHOLE, seed: { ...WHOLE, otherwise: 0 } },
  replace: { ...CELL, code: WHOLE, replacement: WHOLE },
  blend: { ...REGION, second: NAME, amount: SHARE, since: SINCE },
  slide: { ...REGION, brightness: TILT, noisiness: TILT, attack: TILT, loudness: TILT, since: SINCE },
  swap: { ...REGION, second: NAME },
  mix: { ...REGION, gain: GAIN, mute: MUTE },
  undo: { ...ANY, kind: KIND },
  redo: { ...ANY, kind: KIND },
  reset: { ...ANY, kind: KIND },
  look: { ...ANY, kind: KIND },
};

/**
 * Check a request, which may be any value of JSON.
 * @param {any} sent
 * @param {number} mostCells maximum number of cells of one edit
 * @returns {EditRequest}
 */
export function readEdit(sent, mostCells) {
  const isObject = sent !== null && typeof sent === "object" && !Array.isArray(sent);
  const kind = fieldOf(isObject ? sent : {}, "kind");
  if (typeof kind !== "string" || !Object.hasOwn(KINDS, kind)) {
    throw new GridError(`There is no edit named ${shown(kind)}; there are ${Object.keys(KINDS).join(", ")}.`);
  }
  const fields = KINDS[kind];
  const unknown = Object.keys(sent).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) {
    const known = Object.keys(fields).filter((name) => name !== "work" && name !== "id");
    throw new GridError(`This call has no field ${shown(unknown)}; its fields are ${known.join(", ")}.`);
  }
  /** @type {Record<string, any>} */
  const read = {};
  for (const [name, { words, fits, otherwise }] of Object.entries(fields)) {
    const value = Object.hasOwn(sent, name) || otherwise === undefined ? fieldOf(sent, name) : otherwise;
    if (!fits(value, mostCells)) throw new GridError(`'${name}' must be ${words}, got ${shown(value)}.`);
    read[name] = value;
  }
  return /** @type {EditRequest} */ (read);
}

/**
 * @param {Record<string, any>} sent
 * @param {string} name
 */
function fieldOf(sent, name) {
  if (Object.hasOwn(sent, name)) return sent[name];
  throw new GridError(`This call needs a field '${name}'; if the page made it, please reload the page.`);
}
