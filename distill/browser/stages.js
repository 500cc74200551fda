// @ts-check
// The stages from codes to sound, and what is kept of each. A stage is computed for a range of frames when it is asked
// for, and only where it is not kept already. A changed code makes void what depends on it, and nothing else.

import { gainsIn } from "./mixing.js";
import { BINS_PADDED } from "./tables.js";
import { BANDS, HOP } from "./units.js";

/** @typedef {import("./memory.js").Memory} Memory */
/** @typedef {import("./codec_file.js").CodecFile} CodecFile */

const KERNEL_REACH = 3;
const SILENT_FRAMES = 4;
const COLUMN_FLOATS = 10 * 256;
const NOTHING = -(2 ** 30);
/** The longest range that is computed at once; with all that it depends on, it is shorter than any cache. */
export const MOST_FRAMES = 128;
const MOST_PLACES = 1024;
const LEAST_PLACES = 384;
const CACHE_BYTES = 24 * 2 ** 20;

/**
 * A stage: `first` to `last` of it needs `first - before` to `last + after` of earlier ones.
 * @typedef {object} Stage
 * @property {{stage: number, before: number, after: number}[]} needs
 * @property {(cache: number, grid: Grid, first: number, last: number) => void} compute
 * @property {(grid: Grid) => [number, number]} domain the range that exists
 */

/**
 * The codes that a cache belongs to, then their faders; `quiet` has the codes of silence [levels][8] if they are known.
 * @typedef {{codes: Uint16Array, columns: number, numFrames: number, quiet?: Int16Array}} Grid
 */

/**
 * The numbers of the stages of a codec whose vocoder has so many blocks and projections.
 * @param {{blocks: number, projections: number}} vocoder
 */
const numbersOf = ({ blocks, projections }) => ({
  columns: 0,
  mel: 1,
  layer: 2,
  spectrum: blocks + 3,
  wave: blocks + 4,
  last: blocks + 4 + projections,
});

/**
 * All stages after the columns.
 * @param {import("./memory.js").Kernel} kernel
 * @param {{blocks: number, projections: number}} vocoder
 * @returns {Stage[]}
 */
function stagesOf(kernel, vocoder) {
  const number = numbersOf(vocoder);
  const clip = (/** @type {Grid} */ grid) => /** @type {[number, number]} */ ([0, grid.numFrames]);
  const drawn = (/** @type {Grid} */ grid) =>
    /** @type {[number, number]} */ ([-SILENT_FRAMES - 1, grid.numFrames + SILENT_FRAMES + 1]);
  const hops = (/** @type {Grid} */ grid) =>
    /** @type {[number, number]} */ ([-SILENT_FRAMES, grid.numFrames + SILENT_FRAMES + 1]);
  const around = (/** @type {number} */ stage) => ({ stage, before: KERNEL_REACH, after: KERNEL_REACH });
  /** @type {Stage[]} */
  const stages = [];
  stages[number.mel] = {
    needs: [],
    compute: (cache, grid, first, last) => kernel.mel(cache, grid.columns, first, last),
    domain: clip,
  };
  stages[number.layer] = {
    needs: [around(number.mel)],
    compute: (cache, grid, first, last) => kernel.enter(cache, grid.numFrames, first, last),
    domain: drawn,
  };
  for (let index = 0; index < vocoder.blocks; index++)
    stages[number.layer + 1 + index] = {
      needs: [around(number.layer + index)],
      compute: (cache, grid, first, last) => kernel.block(cache, index, grid.numFrames, first, last),
      domain: drawn,
    };
  stages[number.spectrum] = {
    needs: [number.layer + vocoder.blocks, number.mel].map((stage) => ({ stage, before: 0, after: 0 })),
    compute: (cache, grid, first, last) => kernel.draw(cache, grid.numFrames, first, last),
    domain: drawn,
  };
  for (let index = 0; index <= vocoder.projections; index++)
    stages[number.wave + index] = {
      needs: [
        ...(index ? [{ stage: number.wave + index - 1, before: 3, after: 3 }] : []),
        { stage: number.spectrum, before: 2, after: 1 },
      ],
      compute: (cache, grid, first, last) => kernel.wave(cache, index, grid.numFrames, first, last),
      domain: hops,
    };
  return stages;
}

/** The results of all stages of one grid at a time, decoded with its first levels. */
export class Cache {
  /** @type {Grid | undefined} */
  grid;
  levels = 0;

  /**
   * @param {Memory} memory
   * @param {Pick<CodecFile, "settings" | "vocoder">} file
   * @param {number} [places] frames that it keeps
   */
  constructor(memory, file, places) {
    const vocoder = /** @type {import("./codec_file.js").VocoderSettings} */ (file.vocoder);
    const channels = Math.ceil(vocoder.channels / 4) * 4;
    const floats = [BANDS, (vocoder.blocks + 1) * channels, 2 * BINS_PADDED, (vocoder.projections + 1) * HOP];
    const bytes = 4 * floats.reduce((a, b) => a + b);
    this.places = places ?? Math.max(LEAST_PLACES, Math.min(MOST_PLACES, Math.floor(CACHE_BYTES / bytes)));
    this.memory = memory;
    this.stride = file.settings.time_stride;
    this.columnPlaces = Math.ceil(this.places / this.stride) + 4;
    this.allLevels = file.settings.num_quantizers;
    this.stages = stagesOf(memory.kernel, vocoder);
    this.held = this.stages.map(() => new Int32Array(this.places).fill(NOTHING));
    this.held[0] = new Int32Array(this.columnPlaces).fill(NOTHING);
    const rings = memory.wholly(() =>
      [COLUMN_FLOATS * this.columnPlaces, ...floats.map((count) => count * this.places)].map((count) =>
        memory.take(count * 4),
      ),
    );
    this.address = memory.put(Int32Array.from([this.places, this.columnPlaces, ...rings]));
    this.mels = rings[1];
    this.numbers = numbersOf(vocoder);
  }

  /** Begin with another grid, or with other levels. @param {Grid} grid @param {number} levels */
  assign(grid, levels) {
    for (const held of this.held) held.fill(NOTHING);
    this.grid = grid;
    this.levels = levels;
  }

  /**
   * Make sure that a range of a stage is kept.
   * @param {number} number
   * @param {number} first
   * @param {number} last
   */
  make(number, first, last) {
    const grid = /** @type {Grid} */ (this.grid);
    const stage = this.stages[number];
    const [begin, end] = stage.domain(grid);
    this.#missing(number, Math.max(begin, first), Math.min(end, last), (from, to) => {
      if (number === this.numbers.mel) this.#makeColumns(from, to);
      for (const need of stage.needs) this.make(need.stage, from - need.before, to + need.after);
      this.memory.briefly(() => stage.compute(this.address, grid, from, to));
    });
  }

  /** The samples of frames `first` to `last`. @param {number} first @param {number} last */
  sound(first, last) {
    const { memory, numbers } = this;
    this.make(numbers.last, first, last + 1);
    return memory.briefly(() => {
      const samples = memory.take((last - first) * HOP * 4);
      memory.kernel.samples(this.address, numbers.last - numbers.wave, first, last, samples);
      return memory.floats(samples, (last - first) * HOP).slice();
    });
  }

  /** The log-mel of a frame that is kept; a view. @param {number} frame */
  logMel(frame) {
    return this.memory.floats(this.mels + (frame % this.places) * BANDS * 4, BANDS);
  }

  /** The columns on which frames `first` to `last` depend. @param {number} first @param {number} last */
  #makeColumns(first, last) {
    const { columns, codes, quiet } = /** @type {Grid} */ (this.grid);
    const from = Math.max(0, Math.ceil((first + 2) / this.stride) - 2);
    const to = Math.min(columns, Math.floor((last - 2) / this.stride) + 2);
    this.#missing(0, from, to, (begin, end) => {
      const part = new Int16Array(this.allLevels * 8 * (end - begin)).fill(-1);
      for (let row = 0; row < this.levels * 8; row++)
        part.set(codes.subarray(row * columns + begin, row * columns + end), row * (end - begin));
      const gains = gainsIn(codes, columns, begin, end);
      const { memory } = this;
      memory.briefly(() => {
        const [mix, silence] = [gains ? memory.put(gains) : 0, gains && quiet ? memory.put(quiet) : 0];
        memory.kernel.columns(this.address, memory.put(part), mix, silence, begin, end - begin);
      });
    });
  }

  /**
   * Do something for each run of frames that is not kept, and note that it is kept then.
   * @param {number} number
   * @param {number} first
   * @param {number} last
   * @param {(from: number, to: number) => void} compute
   */
  #missing(number, first, last, compute) {
    const held = this.held[number];
    const at = (/** @type {number} */ frame) => ((frame % held.length) + held.length) % held.length;
    for (let from = first; from < last; from++) {
      if (held[at(from)] === from) continue;
      let to = from + 1;
      while (to < last && held[at(to)] !== to) to++;
      // If this fails, the places hold neither what they held nor what they should.
      for (let frame = from; frame < to; frame++) held[at(frame)] = NOTHING;
      compute(from, to);
      for (let frame = from; frame < to; frame++) held[at(frame)] = frame;
      from = to;
    }
  }

  /** Forget what depends on the codes of some columns. @param {number} first @param {number} last */
  forget(first, last) {
    /** @type {[number, number][]} */
    const changed = [[first, last]];
    changed[this.numbers.mel] = [(first - 1) * this.stride + 1, (last + 1) * this.stride - 1];
    for (let number = this.numbers.layer; number < this.stages.length; number++) {
      const ranges = this.stages[number].needs.map(({ stage, before, after }) => [
        changed[stage][0] - after,
        changed[stage][1] + before,
      ]);
      changed[number] = [Math.min(...ranges.map((r) => r[0])), Math.max(...ranges.map((r) => r[1]))];
    }
    for (const [number, [from, to]] of changed.entries()) {
      const held = this.held[number];
      for (let i = 0; i < held.length; i++) if (held[i] >= from && held[i] < to) held[i] = NOTHING;
    }
  }
}
