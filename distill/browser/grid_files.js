// @ts-check
// Reads grids from files and from text, and writes them. A grid may come from a stranger: all of it is checked.
// Like distill/codes/grid.py, whose sentences these are.

import { GridError } from "./edit_refusals.js";
import { HIGHEST, MUTED } from "./mixing.js";
import { HOP } from "./units.js";

/**
 * A grid of codes: `indices` by level, row and column, which faders of the same shape may follow; `samples` is the length of its clip.
 * @typedef {object} Grid
 * @property {Uint16Array} indices
 * @property {number} levels
 * @property {number} rows
 * @property {number} columns
 * @property {number} size number of codes of a level
 * @property {number} numFrames
 * @property {number} samples
 * @property {number} timeStride frames in a column
 * @property {string} modelId
 */

/** @typedef {Record<string, unknown>} Facts fields of a grid's file without its codes */

const FORMAT = "distill-grid";
const STRIDES = [16, 8, 4];
const MOST_BYTES = 4 * 1024 ** 2;
const MOST_COLUMNS = 3_230; // of 16 frames
const MOST_LINES = 64; // levels times rows
const MOST_CODES = 65_536;
const NO_FILE = "This file is not a grid of codes, or it is damaged.";
const NO_TEXT = "That text is not a grid of codes, or a part of it is missing.";
const UNPACKED = "It unpacks to what is too large to be a grid of codes.";

/**
 * Any failure but a refusal becomes a refusal.
 * @template T
 * @param {string} sentence
 * @param {() => T | Promise<T>} read
 */
async function refusing(sentence, read) {
  try {
    return await read();
  } catch (error) {
    throw error instanceof GridError ? error : new GridError(sentence);
  }
}

/** @param {boolean} isSo */
function require(isSo) {
  if (!isSo) throw new Error("damaged");
}

/** @type {(value: unknown, least?: number, most?: number) => number} */
function whole(value, least = 1, most = 2 ** 53) {
  require(typeof value === "number" && Number.isInteger(value) && value >= least && value <= most);
  return Number(value);
}

/**
 * Check facts and shape before the codes are looked at.
 * @param {Facts} facts
 * @param {number[]} shape levels, rows, columns
 * @returns {Omit<Grid, "indices">}
 */
function checked(facts, shape) {
  require(facts.format === FORMAT && shape.length === 3);
  const [levels, rows, columns] = shape.map((size) => whole(size));
  const numFrames = whole(facts.num_frames);
  const size = whole(facts.codebook_size, 1, MOST_CODES);
  const modelId = String(facts.model_id);
  require(typeof facts.model_id === "string" && /^[A-Za-z0-9 _-]{1,64}$/.test(modelId));
  const timeStride = whole(facts.time_stride ?? STRIDES[0], 1, 1_000_000);
  if (!STRIDES.includes(timeStride)) {
    throw new GridError(`A column of a grid spans 16, 8 or 4 frames, not ${timeStride}.`);
  }
  const most = Math.floor((MOST_COLUMNS * STRIDES[0]) / timeStride);
  const needed = Math.ceil(numFrames / timeStride);
  if (Math.max(columns, needed) > most) {
    throw new GridError(`A grid that is opened can have up to ${most} columns, and this one has more.`);
  }
  require(levels * rows <= MOST_LINES);
  const each = timeStride === STRIDES[0] ? "" : ` of ${timeStride} frames`;
  if (columns !== needed) throw new GridError(`${columns} columns${each} do not fit a clip of ${numFrames} frames.`);
  const samples = whole(facts.num_samples ?? numFrames * HOP);
  if (Math.ceil(samples / HOP) !== numFrames) {
    throw new GridError(`${samples} samples do not fit a clip of ${numFrames} frames.`);
  }
  return { levels, rows, columns, size, numFrames, samples, timeStride, modelId };
}

/**
 * @param {Omit<Grid, "indices">} grid
 * @param {ArrayLike<number>} codes
 * @param {{shape: number[], values: ArrayLike<unknown>} | null} [mix]
 * @returns {Grid}
 */
function withCodes(grid, codes, mix = null) {
  const count = grid.levels * grid.rows * grid.columns;
  require(codes.length === count);
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index];
    require(Number.isInteger(code));
    if (code < 0 || code >= grid.size) {
      throw new GridError(`Code ${code} is out of range: this codec has codes 0 to ${grid.size - 1}.`);
    }
  }
  if (!mix) return { ...grid, indices: Uint16Array.from(codes) };
  const isOurs = mix.shape.join() === [grid.levels, grid.rows, grid.columns].join() && mix.values.length === count;
  const faders = Array.from(mix.values);
  if (!isOurs || !faders.every(Number.isInteger)) {
    throw new GridError("A mix needs a whole number for each code of the grid.");
  }
  const isFader = (/** @type {any} */ value) => value >= 0 && value <= MUTED + HIGHEST && value % MUTED <= HIGHEST;
  if (!faders.every(isFader)) {
    const muted = `from ${MUTED} to ${MUTED + HIGHEST} if it is muted`;
    throw new GridError(`A fader of a mix is from 0 to ${HIGHEST}, or ${muted}.`);
  }
  return { ...grid, indices: Uint16Array.from([...Array.from(codes), .../** @type {number[]} */ (faders)]) };
}

/**
 * Lists by level, row and column as an array; all lists of a depth must be of one length.
 * @param {any} nested
 * @returns {{shape: number[], values: unknown[]}}
 */
function flat(nested) {
  const shape = [nested.length, nested[0].length, nested[0][0].length];
  for (const level of nested) {
    require(Array.isArray(level) && level.length === shape[1]);
    for (const row of level) require(Array.isArray(row) && row.length === shape[2]);
  }
  return { shape, values: nested.flat(2) };
}

/**
 * Read a grid from the content of an `.npz` or a `.json` file.
 * @param {Uint8Array<ArrayBuffer>} content
 * @returns {Promise<Grid>} rejects with a GridError
 */
export function readGridFile(content) {
  return refusing(NO_FILE, () => {
    if (content.length > MOST_BYTES) throw new GridError("This file is too large to be a grid of codes.");
    return content[0] === 0x50 && content[1] === 0x4b ? readNpz(content) : readJson(content);
  });
}

/** @param {Uint8Array} content */
function readJson(content) {
  const written = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
  const { indices } = written;
  const shape = [indices.length, indices[0].length, indices[0][0].length];
  const grid = checked(written, shape);
  for (const level of indices) {
    require(Array.isArray(level) && level.length === grid.rows);
    for (const row of level) require(Array.isArray(row) && row.length === grid.columns);
  }
  return withCodes(grid, indices.flat(2), written.mix ? flat(written.mix) : null);
}

/** @param {Uint8Array<ArrayBuffer>} content */
async function readNpz(content) {
  const members = membersOf(content);
  const array = async (/** @type {string} */ name) => {
    const member = members.get(`${name}.npy`);
    return member ? arrayOf(await unpacked(content, member)) : undefined;
  };
  const indices = await array("indices");
  if (!indices) throw new Error("no codes");
  /** @type {Facts} */
  const facts = {};
  for (const name of ["format", "num_frames", "model_id", "codebook_size", "num_samples", "time_stride"]) {
    const found = await array(name);
    if (found) facts[name] = found.values[0];
  }
  require(!indices.isByColumns && !indices.isText);
  const mix = await array("mix");
  require(!mix || !(mix.isByColumns || mix.isText));
  return withCodes(checked(facts, indices.shape), /** @type {number[]} */ (indices.values), mix);
}

/** @typedef {{at: number, method: number, bytes: number}} Member */

/**
 * The files in a zip, from its directory at the end.
 * @param {Uint8Array<ArrayBuffer>} content
 */
function membersOf(content) {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  let end = content.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  const count = view.getUint16(end + 10, true);
  require(end >= 0 && count <= 32);
  /** @type {Map<string, Member>} */
  const members = new Map();
  let place = view.getUint32(end + 16, true);
  for (let member = 0; member < count; member++) {
    require(view.getUint32(place, true) === 0x02014b50);
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(place + offset, true));
    const [bytes, at] = [view.getUint32(place + 20, true), view.getUint32(place + 42, true)];
    const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
    const letters = String.fromCharCode(...content.subarray(place + 46, place + 46 + name));
    members.set(letters, { at: start, method: view.getUint16(place + 10, true), bytes });
    place += 46 + name + extra + comment;
  }
  return members;
}

/**
 * @param {Uint8Array<ArrayBuffer>} content
 * @param {Member} member
 */
async function unpacked(content, { at, method, bytes }) {
  require((method === 0 || method === 8) && at + bytes <= content.length);
  const packed = content.subarray(at, at + bytes);
  return method === 0 ? packed : inflated(packed, "deflate-raw", MOST_BYTES);
}

/**
 * Unpack a stream of at most some bytes.
 * @param {Uint8Array<ArrayBuffer>} packed
 * @param {"deflate" | "deflate-raw"} format
 * @param {number} most
 */
async function inflated(packed, format, most) {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream(format)).getReader();
  const parts = [];
  let length = 0;
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    parts.push(step.value);
    length += step.value.length;
    if (length > most) {
      void reader.cancel();
      throw new GridError(UNPACKED);
    }
  }
  const whole = new Uint8Array(length);
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}

const HEADER =
  /^.NUMPY....\{'descr': '([<>|])([iuU])(\d{1,4})', 'fortran_order': (True|False), 'shape': \(([\d, ]*)\), \} *\n/s;

/**
 * An array of whole numbers or of text, as numpy writes it.
 * @param {Uint8Array<ArrayBuffer>} content
 */
function arrayOf(content) {
  const found = HEADER.exec(String.fromCharCode(...content.subarray(0, 512)));
  if (!found || content[0] !== 0x93 || content[6] !== 1) throw new Error("an array of another kind");
  const [whole, order, kind, width, byColumns, sizes] = found;
  const view = new DataView(content.buffer, content.byteOffset + whole.length, content.length - whole.length);
  const shape = sizes
    .split(",")
    .filter((size) => size.trim())
    .map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const bytes = Number(width) * (kind === "U" ? 4 : 1);
  require(view.byteLength === count * bytes && bytes > 0);
  const read = kind === "U" ? letterReader(view, bytes, order !== ">") : numberReader(view, kind, bytes, order !== ">");
  const values = Array.from({ length: count }, (_, index) => read(index * bytes));
  return { shape, values, isByColumns: byColumns === "True" && shape.length > 1, isText: kind === "U" };
}

/**
 * @param {DataView} view
 * @param {string} kind
 * @param {number} bytes
 * @param {boolean} isLittle
 * @returns {(at: number) => number | string}
 */
function numberReader(view, kind, bytes, isLittle) {
  const isSigned = kind === "i";
  if (bytes === 1) return (at) => (isSigned ? view.getInt8(at) : view.getUint8(at));
  if (bytes === 2) return (at) => (isSigned ? view.getInt16(at, isLittle) : view.getUint16(at, isLittle));
  if (bytes === 4) return (at) => (isSigned ? view.getInt32(at, isLittle) : view.getUint32(at, isLittle));
  require(bytes === 8);
  return (at) => Number(isSigned ? view.getBigInt64(at, isLittle) : view.getBigUint64(at, isLittle));
}

/**
 * @param {DataView} view
 * @param {number} bytes
 * @param {boolean} isLittle
 * @returns {(at: number) => number | string}
 */
function letterReader(view, bytes, isLittle) {
  return (at) => {
    const letters = Array.from({ length: bytes / 4 }, (_, index) => view.getUint32(at + 4 * index, isLittle));
    return String.fromCodePoint(...letters.filter((letter) => letter));
  };
}

/**
 * Read a grid from its text; white space is ignored.
 * @param {string} text
 * @returns {Promise<Grid>} rejects with a GridError
 */
export function readGridText(text) {
  return refusing(NO_TEXT, async () => {
    if (text.length > MOST_BYTES) throw new GridError("That text is too long to be a grid of codes.");
    const parts = text.replaceAll(/\s/g, "").split(".");
    const [name, modelId] = parts;
    const isMixed = name === "distill4";
    const mix = isMixed ? (parts.pop() ?? "") : "";
    const body = parts.pop() ?? "";
    const numbers = parts.slice(2).map((digits) => {
      require(/^\d{1,15}$/.test(digits));
      return Number(digits);
    });
    const hasStride = name === "distill3" || isMixed;
    require(/^distill[1234]$/.test(name) && numbers.length === (hasStride ? 5 : 4));
    const [size, length, ...rest] = numbers;
    const [levels, rows] = rest.slice(-2);
    const timeStride = hasStride ? rest[0] : STRIDES[0];
    const samples = name === "distill1" ? length * HOP : length;
    const numFrames = Math.ceil(samples / HOP);
    const facts = { num_frames: numFrames, model_id: modelId, codebook_size: size, num_samples: samples };
    const shape = [levels, rows, Math.ceil(numFrames / Math.max(1, timeStride))];
    const grid = checked({ ...facts, format: FORMAT, time_stride: timeStride }, shape);
    const codes = await unpackedCodes(body, grid);
    if (!isMixed) return withCodes(grid, codes);
    const faders = await unpackedText(mix);
    require(faders.length === codes.length);
    return withCodes(grid, codes, { shape: [levels, rows, grid.columns], values: faders });
  });
}

/** @param {string} body a zlib stream in URL-safe base64 */
function unpackedText(body) {
  const letters = atob(body.replaceAll("-", "+").replaceAll("_", "/"));
  const packed = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  return inflated(packed, "deflate", MOST_BYTES);
}

/**
 * @param {string} body a zlib stream in URL-safe base64
 * @param {Omit<Grid, "indices">} grid
 */
async function unpackedCodes(body, { levels, rows, columns, size }) {
  const width = Math.max(1, Math.ceil(Math.log2(size)));
  const count = levels * rows * columns;
  const bytes = await unpackedText(body);
  require(bytes.length === Math.ceil((count * width) / 8));
  return Uint32Array.from({ length: count }, (_, index) => {
    let code = 0;
    for (let bit = index * width; bit < (index + 1) * width; bit++) {
      code = 2 * code + ((bytes[bit >> 3] >> (7 - (bit & 7))) & 1);
    }
    return code;
  });
}
