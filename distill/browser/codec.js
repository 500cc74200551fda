// @ts-check
// A codec: decodes grids to sound. It needs no page, runs in a worker or in Node, and is synchronous once it is open.

import { CodecFileError, readCodecFile } from "./codec_file.js";
import { timeSteps } from "./codec_tensors.js";
import { packDecoder } from "./decoder_weights.js";
import { packEncoder } from "./encoder_weights.js";
import { logMelOf } from "./front_end.js";
import { checkGrid, runsOf } from "./grids.js";
import { Memory } from "./memory.js";
import { wholeCells } from "./mixing.js";
import { Cache, MOST_FRAMES } from "./stages.js";
import { fourierTables } from "./tables.js";
import { BANDS, HOP } from "./units.js";
import { packVocoder } from "./vocoder_weights.js";

/** @typedef {import("./codec_file.js").CodecFile} CodecFile */

const SHORT_FRAMES = 48;
const NO_CODE = 65_535;
/** Grids whose results are kept at the same time. */
const CACHES = 2;
/** Frames of a clip that are encoded at a time. */
const ENCODED_FRAMES = 256;

export class Codec {
  /** @type {Map<number, import("./stages.js").Grid>} */
  #grids = new Map();
  /** @type {Cache[]} the one used last is the last */
  #caches = [];
  /** @type {Cache | undefined} */
  #small;
  #nextGrid = 1;
  #memory;
  #file;

  /**
   * @param {Memory} memory
   * @param {CodecFile} file
   */
  constructor(memory, file) {
    this.#memory = memory;
    this.#file = { settings: file.settings, vocoder: file.vocoder };
    const { num_quantizers, codebook_size, codebook_dim, time_stride } = file.settings;
    const { blocks, projections } = /** @type {import("./codec_file.js").VocoderSettings} */ (file.vocoder);
    this.levels = num_quantizers;
    this.size = codebook_size;
    this.dim = codebook_dim;
    this.timeStride = time_stride;
    this.hasEncoder = file.hasEncoder;
    this.modelId = file.modelId;
    const reach = time_stride - 1 + 3 * (1 + blocks) + 3 * (projections + 1) + 1;
    /** Frames before and after its own that a column's sound reaches. */
    this.reach = { before: reach, after: reach };
    fourierTables().forEach((table, which) => {
      memory.write(memory.kernel.fourier_tables(which), table);
    });
    packDecoder(memory, file);
    packVocoder(memory, file);
    packEncoder(memory, file);
  }

  /**
   * Open a codec.
   * @param {ArrayBuffer} file a .distill file
   * @param {BufferSource | WebAssembly.Module} kernel kernel.wasm or kernel_relaxed.wasm
   */
  static async open(file, kernel) {
    const read = readCodecFile(file);
    if (!read.hasVocoder) throw new CodecFileError("This file has no vocoder, which a codec in the page needs.");
    const module = kernel instanceof WebAssembly.Module ? kernel : await WebAssembly.compile(kernel);
    const instance = await WebAssembly.instantiate(module, {});
    return new Codec(new Memory(/** @type {any} */ (instance.exports)), read);
  }

  /**
   * Keep a grid, and return a handle.
   * @param {Uint16Array} codes [levels][8][columns], which faders of the same shape may follow
   * @param {number} columns
   * @param {number} numFrames
   * @param {Uint16Array} [quiet] codes of silence [levels][8], which faders need
   */
  openGrid(codes, columns, numFrames, quiet) {
    checkGrid(this, codes, columns, numFrames);
    const grid = this.#nextGrid++;
    const cells = wholeCells(codes, this.levels * 8 * columns);
    const silence = quiet?.length === this.levels * 8 ? Int16Array.from(quiet) : undefined;
    this.#grids.set(grid, { codes: cells, columns, numFrames, quiet: silence });
    return grid;
  }

  /** @param {number} grid */
  closeGrid(grid) {
    for (const cache of this.#caches) if (cache.grid === this.#grids.get(grid)) cache.grid = undefined;
    this.#grids.delete(grid);
  }

  /**
   * Change codes. A position is (level * 8 + row) * columns + column; those of faders follow.
   * @param {number} grid
   * @param {Uint32Array} positions
   * @param {Uint16Array} codes
   */
  put(grid, positions, codes) {
    const kept = this.#grid(grid);
    if (positions.length !== codes.length || positions.some((position) => position >= kept.codes.length))
      throw new Error("These cells are not in the grid.");
    positions.forEach((position, i) => {
      kept.codes[position] = codes[i];
    });
    const runs = runsOf(positions.map((position) => position % kept.columns));
    for (const cache of this.#caches) if (cache.grid === kept) for (const run of runs) cache.forget(...run);
  }

  /**
   * The samples of frames `first` to `last`; they have the same bits whatever the range is.
   * @param {number} grid
   * @param {number} first
   * @param {number} last
   * @param {number} [levels] how many levels to use; all by default
   * @returns {Float32Array}
   */
  sound(grid, first, last, levels = this.levels) {
    return this.#heard(this.#cache(this.#within(grid, first, last), levels), first, last);
  }

  /**
   * The log-mel [frames][128] of frames `first` to `last`.
   * @param {number} grid
   * @param {number} first
   * @param {number} last
   * @param {number} [levels]
   */
  logMel(grid, first, last, levels = this.levels) {
    const cache = this.#cache(this.#within(grid, first, last), levels);
    const out = new Float32Array((last - first) * BANDS);
    for (let from = first; from < last; from += MOST_FRAMES) {
      const to = Math.min(last, from + MOST_FRAMES);
      cache.make(cache.numbers.mel, from, to);
      for (let frame = from; frame < to; frame++) out.set(cache.logMel(frame), (frame - first) * BANDS);
    }
    return out;
  }

  /**
   * The sound of a single code, which fills all rows for 0.56 s; the other levels are left out.
   * @param {number} level
   * @param {number} code
   */
  audition(level, code) {
    if (!(level >= 0 && level < this.levels && code >= 0 && code < this.size))
      throw new Error(`This codec has no level ${level}, code ${code}.`);
    const columns = SHORT_FRAMES / this.timeStride;
    const codes = new Uint16Array(this.levels * 8 * columns).fill(NO_CODE);
    codes.fill(code, level * 8 * columns, (level + 1) * 8 * columns);
    this.#small ??= new Cache(this.#memory, this.#file, SHORT_FRAMES + 16);
    const cells = wholeCells(codes, codes.length);
    this.#small.assign({ codes: cells, columns, numFrames: SHORT_FRAMES }, this.levels);
    return this.#heard(this.#small, 0, SHORT_FRAMES);
  }

  /**
   * The log-mel [frames][128] of a mono clip at 44 100 Hz, or of some of its frames.
   * @param {Float32Array} waveform
   * @param {number} [begin] first frame
   * @param {number} [end] the frame after the last
   */
  logMelOf(waveform, begin = 0, end = Math.ceil(waveform.length / HOP)) {
    const out = new Float32Array((end - begin) * BANDS);
    for (let first = begin; first < end; first += ENCODED_FRAMES)
      out.set(logMelOf(this.#memory, waveform, first, Math.min(end, first + ENCODED_FRAMES)), (first - begin) * BANDS);
    return out;
  }

  /**
   * The codes [levels][8][last - first] of some columns of a mono clip at 44 100 Hz.
   * @param {Float32Array} waveform
   * @param {number} first
   * @param {number} last
   */
  encode(waveform, first, last) {
    if (!this.hasEncoder) throw new Error("This codec has no encoder here.");
    const memory = this.#memory;
    const numFrames = Math.ceil(waveform.length / HOP);
    const columns = Math.ceil(numFrames / this.timeStride);
    if (!(0 <= first && first < last && last <= columns)) throw new Error("These columns are not in the clip.");
    const [begin, end] = this.#encodedFrames(first, last).map((frame) => Math.min(Math.max(0, frame), numFrames));
    const mel = logMelOf(memory, waveform, begin, end);
    return memory.briefly(() => {
      const address = memory.put(mel);
      const count = this.levels * 8 * (last - first);
      const codes = memory.take(2 * count);
      memory.kernel.encode(address, begin, end - begin, columns, first, last, codes);
      return new Uint16Array(memory.kernel.memory.buffer, codes, count).slice();
    });
  }

  /** The frames on which the codes of some columns depend. @param {number} first @param {number} last */
  #encodedFrames(first, last) {
    const widen = (/** @type {number[]} */ [a, b], /** @type {number} */ step) => [step * a - 1, step * b + 1];
    return timeSteps(this.timeStride).reduceRight(widen, [first - 1, last + 1]);
  }

  /** @param {number} grid */
  #grid(grid) {
    const kept = this.#grids.get(grid);
    if (!kept) throw new Error("This grid is not open.");
    return kept;
  }

  /** The grid, which must have these frames. @param {number} grid @param {number} first @param {number} last */
  #within(grid, first, last) {
    const kept = this.#grid(grid);
    if (!(0 <= first && first <= last && last <= kept.numFrames) || !Number.isInteger(first) || !Number.isInteger(last))
      throw new Error("These frames are not in the grid.");
    return kept;
  }

  /** @param {import("./stages.js").Grid} grid @param {number} levels */
  #cache(grid, levels) {
    if (!(levels >= 1 && levels <= this.levels))
      throw new Error(`levels must be from 1 to ${this.levels}, got ${levels}.`);
    const found = this.#caches.find((cache) => cache.grid === grid && cache.levels === levels);
    const cache = found ?? this.#caches.find((cache) => !cache.grid) ?? this.#freeCache();
    if (!found) cache.assign(grid, levels);
    this.#caches = this.#caches.filter((other) => other !== cache);
    this.#caches.push(cache);
    return cache;
  }

  /** A new cache, or the one that was not used for longest. */
  #freeCache() {
    if (this.#caches.length === CACHES) return this.#caches[0];
    try {
      return new Cache(this.#memory, this.#file);
    } catch (error) {
      if (!this.#caches.length) throw error;
      return this.#caches[0];
    }
  }

  /** @param {Cache} cache @param {number} first @param {number} last */
  #heard(cache, first, last) {
    const out = new Float32Array((last - first) * HOP);
    for (let from = first; from < last; from += MOST_FRAMES)
      out.set(cache.sound(from, Math.min(last, from + MOST_FRAMES)), (from - first) * HOP);
    return out;
  }
}
