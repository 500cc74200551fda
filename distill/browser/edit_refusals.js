// @ts-check
// Refusals of edits, in the same sentences as the server's.

/** An edit that cannot be made; its message is one sentence. */
export class GridError extends Error {}

const LONGEST = 40; // characters of a wrong value that a refusal quotes
const LISTED = 6;
const FIELDS = 4;
const DEPTH = 2;

/**
 * A value of JSON as Python writes it, shortened.
 * @param {unknown} value
 * @param {number} depth
 * @returns {string}
 */
function written(value, depth) {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return list(value, depth);
  if (typeof value === "object") return fields(/** @type {Record<string, unknown>} */ (value), depth);
  return cut(String(value));
}

const BEFORE = Math.floor((LONGEST - 3) / 2);
const AFTER = LONGEST - 3 - BEFORE;

/** @param {string} value */
function text(value) {
  const whole = quoted(value.slice(0, LONGEST));
  return whole.length <= LONGEST ? whole : cut(quoted(value.slice(0, BEFORE) + value.slice(-AFTER)), true);
}

/** @param {string} letters */
function quoted(letters) {
  const escaped = letters
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll("\t", "\\t");
  const isDouble = letters.includes("'") && !letters.includes('"');
  return isDouble ? `"${escaped}"` : `'${escaped.replaceAll("'", "\\'")}'`;
}

/**
 * @param {string} letters
 * @param {boolean} isLong whether letters were left out already
 */
function cut(letters, isLong = false) {
  return isLong || letters.length > LONGEST ? `${letters.slice(0, BEFORE)}...${letters.slice(-AFTER)}` : letters;
}

/**
 * @param {unknown[]} values
 * @param {number} depth
 */
function list(values, depth) {
  if (depth <= 0 && values.length) return "[...]";
  const parts = values.slice(0, LISTED).map((value) => written(value, depth - 1));
  if (values.length > LISTED) parts.push("...");
  return `[${parts.join(", ")}]`;
}

/**
 * @param {Record<string, unknown>} values
 * @param {number} depth
 */
function fields(values, depth) {
  const names = Object.keys(values);
  if (!names.length) return "{}";
  if (depth <= 0) return "{...}";
  const parts = names
    .sort()
    .slice(0, FIELDS)
    .map((name) => `${written(name, depth - 1)}: ${written(values[name], depth - 1)}`);
  if (names.length > FIELDS) parts.push("...");
  return `{${parts.join(", ")}}`;
}

/**
 * The beginning of a value, as the server quotes it.
 * @param {unknown} value
 */
export function shown(value) {
  return written(value, DEPTH).slice(0, LONGEST);
}

/**
 * @param {string} what "Level", "Row" or "Column"
 * @param {number} given
 * @param {number} size
 * @param {string} where
 */
export function toIndex(what, given, size, where = "this grid") {
  if (given < 0 || given >= size) {
    throw new GridError(`${what} ${given} is not in ${where}: it has ${what.toLowerCase()}s 0 to ${size - 1}.`);
  }
  return given;
}

/**
 * @param {string} what "Level", "Row" or "Column"
 * @param {[number, number]} ends first and last, both included
 * @param {number} size
 */
export function checkEnds(what, [first, last], size) {
  if (!(first >= 0 && first <= last && last < size)) {
    const known = `it has ${what.toLowerCase()}s 0 to ${size - 1}`;
    throw new GridError(`${what}s ${first} to ${last} are not in this grid: ${known}.`);
  }
}

/**
 * @param {number} given
 * @param {number} size number of codes of a level
 */
export function toCode(given, size) {
  if (given < 0 || given >= size) {
    throw new GridError(`Code ${given} is out of range: this codec has codes 0 to ${size - 1}.`);
  }
  return given;
}

/**
 * @param {string} name
 * @param {number} given
 * @param {number} low
 * @param {number} [high]
 */
export function toWhole(name, given, low, high) {
  if (given < low || (high !== undefined && given > high)) {
    const bounds = high === undefined ? `of at least ${low}` : `from ${low} to ${high}`;
    throw new GridError(`${name} must be a whole number ${bounds}, got ${given}.`);
  }
  return given;
}
