// @ts-check
// Reads a .distill file: a safetensors file with JSON in its header. It may come from a stranger, so each part is checked
// before it is used, as distill/models/persistence.py does: the size, the header, the settings, the names and shapes of
// the tensors, and their values. What the file says of its training is not looked at.

import { largestDecoded, largestDrawn, largestEncoded } from "./bounds.js";
import { expectedTensors } from "./codec_tensors.js";

/** A file that is refused; the message is one sentence for the reader. */
export class CodecFileError extends Error {
  name = "CodecFileError";
}

/**
 * @typedef {object} ModelSettings
 * @property {number} codebook_dim
 * @property {number} codebook_size
 * @property {number} num_quantizers
 * @property {number} time_stride
 */

/** @typedef {{channels: number, hidden: number, blocks: number, projections: number}} VocoderSettings */

/**
 * @typedef {object} CodecFile
 * @property {ModelSettings} settings
 * @property {VocoderSettings | null} vocoder
 * @property {Map<string, Float32Array>} tensors values by name, in the order of their dimensions
 * @property {boolean} hasEncoder
 * @property {boolean} hasVocoder
 * @property {string | null} modelId names the codec; only a file for the page has it
 * @property {Record<string, unknown>} info all that the header says, unchecked
 */

/** @typedef {{dtype: string, shape: number[], begin: number, end: number}} Entry of a tensor in the header */

const MIB = 2 ** 20;
const FORMAT_VERSION = 2;
const MOST_BYTES = 64 * MIB;
const MOST_HEADER_BYTES = MIB;
const MOST_CODES = 1024;
const LARGEST_VALUE = 1e9;
const LARGEST_BOUND = 1e14;
const TIME_STRIDES = [16, 8, 4];
/** Bytes of a value of each type; what else the format knows is not in any codec. */
const BYTES = new Map(
  ["BOOL U8 I8", "F16 BF16 I16 U16", "F32 I32 U32", "F64 I64 U64"].flatMap((types, power) =>
    types.split(" ").map((type) => /** @type {[string, number]} */ ([type, 2 ** power])),
  ),
);

/** @type {[name: string, least: number, most: number, whole: boolean][]} */
const MODEL_RANGES = [
  ["codebook_dim", 1, 512, true],
  ["codebook_size", 2, 4096, true],
  ["num_quantizers", 2, 4, true],
  ["decay", 0, 1, false],
  ["commitment_weight", 0, 100, false],
  ["threshold_ema_dead_code", 0, 1000, true],
  ["dropout", 0, 0.9, false],
];
/** @type {typeof MODEL_RANGES} */
const VOCODER_RANGES = [
  ["channels", 1, 512, true],
  ["hidden", 1, 2048, true],
  ["blocks", 1, 16, true],
  ["projections", 0, 4, true],
];

/**
 * @param {ArrayBuffer} buffer
 * @param {string} [name] what its sentences call the file
 * @returns {CodecFile}
 */
export function readCodecFile(buffer, name = "This file") {
  const refuse = (/** @type {string} */ reason) => new CodecFileError(`${name} ${reason}.`);
  if (buffer.byteLength > MOST_BYTES) throw refuse(`is too large: a codec has at most ${MOST_BYTES / MIB} MiB`);
  const unreadable = refuse("is not a .distill file, or it was cut short");
  const { entries, info } = readHeader(buffer) ?? fail(unreadable);
  const version = info.format_version;
  if (typeof version !== "number" || !Number.isInteger(version)) throw unreadable;
  if (version > FORMAT_VERSION) throw refuse("was made by a newer Distill; please update this one");
  if (version < FORMAT_VERSION) throw refuse("was made by an older Distill, whose network was another; train it again");
  if (info.architecture === "ConvVAE") throw refuse("holds the continuous baseline, which has no codes");
  const { settings, vocoder } = readSettings(info) ?? fail(refuse("is damaged: what it says of itself makes no sense"));
  if (settings.codebook_size > MOST_CODES)
    throw refuse(`has ${settings.codebook_size} codes per level, and codecs of up to ${MOST_CODES} are opened`);
  const parts = expectedTensors(settings, vocoder);
  const others = refuse("is damaged: its tensors are not those of the model it describes");
  const has = (/** @type {keyof typeof parts} */ part) => hasAll(parts[part], entries) ?? fail(others);
  const expected = new Map(
    /** @type {(keyof typeof parts)[]} */ (Object.keys(parts)).flatMap((part) => (has(part) ? [...parts[part]] : [])),
  );
  if (!has("decoder") || expected.size !== entries.size) throw others;
  if (!tile(entries, buffer)) throw unreadable;
  for (const [key, { shape, kind }] of expected) {
    const entry = /** @type {Entry} */ (entries.get(key));
    if (String(entry.shape) !== String(shape) || !kindsOf(kind).includes(entry.dtype)) throw others;
  }
  const tensors = readTensors(buffer, entries, refuse);
  const hasEncoder = has("encoder");
  const hasVocoder = vocoder !== null;
  const largest = Math.max(
    largestDecoded(tensors, settings),
    hasEncoder ? largestEncoded(tensors) : 0,
    vocoder ? largestDrawn(tensors, vocoder) : 0,
  );
  if (!(largest <= LARGEST_BOUND)) throw refuse("is damaged: its values are too large to decode with");
  const modelId = typeof info.model_id === "string" ? info.model_id : null;
  return { settings, vocoder, tensors, hasEncoder, hasVocoder, modelId, info };
}

/** @param {Error} error @returns {never} */
function fail(error) {
  throw error;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The places of the tensors, and what the file says of itself; null if it is no such file.
 * @param {ArrayBuffer} buffer
 */
function readHeader(buffer) {
  if (buffer.byteLength < 8) return null;
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  if (!(length > 0 && length <= Math.min(buffer.byteLength - 8, MOST_HEADER_BYTES))) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(buffer, 8, length));
    const { __metadata__: metadata, ...header } = JSON.parse(text);
    const info = JSON.parse(metadata.distill);
    if (!isRecord(info)) return null;
    return { entries: readEntries(header, 8 + length), info };
  } catch {
    return null;
  }
}

/** @param {Record<string, any>} header @param {number} start @returns {Map<string, Entry>} */
function readEntries(header, start) {
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (!Array.isArray(shape) || !Array.isArray(offsets) || offsets.length !== 2) throw new TypeError(name);
    if (![...shape, ...offsets].every((n) => Number.isSafeInteger(n) && n >= 0)) throw new TypeError(name);
    entries.set(name, { dtype, shape, begin: start + offsets[0], end: start + offsets[1] });
  }
  return entries;
}

/**
 * The settings of the model and of its vocoder; null if they make no sense.
 * @param {Record<string, unknown>} info
 * @returns {{settings: ModelSettings, vocoder: VocoderSettings | null} | null}
 */
function readSettings({ architecture, model, vocoder = null }) {
  if (architecture !== "ConvVQVAE" || !isRecord(model)) return null;
  const { time_stride = TIME_STRIDES[0], level_dropout, ...others } = model;
  if (!within(others, MODEL_RANGES) || Object.keys(others).length !== MODEL_RANGES.length) return null;
  if (typeof level_dropout !== "boolean" || !TIME_STRIDES.includes(/** @type {number} */ (time_stride))) return null;
  const settings = /** @type {any} */ ({ ...others, time_stride });
  if (vocoder === null) return { settings, vocoder };
  const defaults = { channels: 192, hidden: 576, blocks: 6, projections: 2 };
  if (!isRecord(vocoder)) return null;
  const whole = { ...defaults, ...vocoder };
  return within(whole, VOCODER_RANGES) ? { settings, vocoder: whole } : null;
}

/** @param {Record<string, unknown>} values @param {typeof MODEL_RANGES} ranges */
function within(values, ranges) {
  return ranges.every(([name, least, most, whole]) => {
    const value = values[name];
    return typeof value === "number" && value >= least && value <= most && (!whole || Number.isInteger(value));
  });
}

/**
 * Whether a file has a part: true or false, or null if it has some of it only.
 * @param {Map<string, unknown>} part
 * @param {Map<string, Entry>} entries
 */
function hasAll(part, entries) {
  const count = [...part.keys()].filter((name) => entries.has(name)).length;
  return count === part.size ? part.size > 0 : count ? null : false;
}

/**
 * Whether the tensors fill the file after its header, without gaps, each as long as its shape says.
 * @param {Map<string, Entry>} entries
 * @param {ArrayBuffer} buffer
 */
function tile(entries, buffer) {
  const inOrder = [...entries.values()].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = buffer.byteLength - inOrder.reduce((sum, { begin, end }) => sum + end - begin, 0);
  const fits = inOrder.every(({ dtype, shape, begin, end }) => {
    const isNext = begin === at;
    at = end;
    return isNext && end - begin === shape.reduce((size, n) => size * n, BYTES.get(dtype) ?? Number.NaN);
  });
  return fits && at === buffer.byteLength && inOrder[0]?.begin === 8 + headerLength(buffer);
}

/** @param {ArrayBuffer} buffer */
const headerLength = (buffer) => Number(new DataView(buffer).getBigUint64(0, true));

/** @param {"float" | "int" | "bool"} kind */
const kindsOf = (kind) => (kind === "float" ? ["F32", "F16"] : kind === "int" ? ["I64"] : ["BOOL"]);

/**
 * The values of the tensors, checked.
 * @param {ArrayBuffer} buffer
 * @param {Map<string, Entry>} entries
 * @param {(reason: string) => Error} refuse
 */
function readTensors(buffer, entries, refuse) {
  /** @type {Map<string, Float32Array>} */
  const tensors = new Map();
  for (const [name, { dtype, begin, end }] of entries) {
    const bytes = buffer.slice(begin, end);
    if (dtype === "BOOL" && new Uint8Array(bytes)[0] !== 1)
      throw refuse("holds codebooks that were never filled; train it first");
    const values = valuesOf(dtype, bytes);
    const [lowest, highest] = limitsOf(values);
    if (!(lowest >= -LARGEST_VALUE && highest <= LARGEST_VALUE))
      throw refuse("is damaged: it holds values that are not numbers, or absurd ones");
    if ((name.endsWith("running_var") && lowest < 0) || (name === "mel_std" && lowest <= 0))
      throw refuse("is damaged: it holds variances that cannot be");
    tensors.set(name, values);
  }
  return tensors;
}

/** The lowest and the highest value; NaN if one is not a number. @param {Float32Array} values */
function limitsOf(values) {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) return [value, value];
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return [lowest, highest];
}

/** @param {string} dtype @param {ArrayBuffer} bytes */
function valuesOf(dtype, bytes) {
  if (dtype === "F16") return widened(new Uint16Array(bytes));
  if (dtype === "F32") return new Float32Array(bytes);
  return Float32Array.from(dtype === "I64" ? Array.from(new BigInt64Array(bytes), Number) : new Uint8Array(bytes));
}

/** @type {Float32Array | undefined} */
let halves;

/**
 * Numbers of 16 bits (IEEE 754) as floats.
 * @param {Uint16Array} numbers
 */
function widened(numbers) {
  halves ??= Float32Array.from({ length: 65536 }, (_, half) => {
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    const sign = half & 32768 ? -1 : 1;
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
  });
  const out = new Float32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) out[i] = halves[numbers[i]];
  return out;
}
