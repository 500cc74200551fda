// @ts-check
// A codec in a worker of the page, which is never held up by it.

import { checkGrid, runsOf } from "./grids.js";
import { wholeCells } from "./mixing.js";
import { bestKernel } from "./support.js";
import { HOP } from "./units.js";
import { WorkQueue } from "./work_queue.js";

/** @typedef {import("./codec_worker.js").Request} Request */

/** Frames of the first part of an urgent sound (93 ms), and of all other parts: short, so that nothing urgent waits. */
const FIRST_FRAMES = 8;
const PART_FRAMES = 16;
/** Frames of a log-mel, and of a clip, that are computed at a time. */
const MEL_FRAMES = 64;
const ENCODED_FRAMES = 256;

/** @param {string} name @returns {URL} */
const beside = (name) => new URL(name, import.meta.url);

/**
 * @typedef {object} Options
 * @property {() => Worker} [makeWorker] by default, of codec_worker.js beside this module
 * @property {(name: "kernel.wasm" | "kernel_relaxed.wasm") => Promise<BufferSource>} [kernel] gives the bytes of a kernel; by
 *   default, of the file beside this module
 * @property {() => void} [onclosed] called when the codec is closed, by whoever uses it or because it was lost
 * @property {number} [patience] seconds after which a worker that does not answer is replaced; 20 by default
 */

/** @returns {Worker} */
const makeWorker = () => new Worker(beside("codec_worker.js"), { type: "module" });

/** @param {string} name */
async function fetchKernel(name) {
  const response = await fetch(beside(name)).catch(() => null);
  if (!response?.ok) throw new Error("The codec of this page cannot be loaded.");
  return response.arrayBuffer();
}

export class PageCodec {
  /** Called with a sentence when the codec stopped for good. @type {(sentence: string) => void} */
  onlost = () => {};
  /** @type {Set<PageGrid>} */
  #grids = new Set();
  /** @type {Map<number, Float32Array>} */
  #clips = new Map();
  #count = 0;
  /** @type {WorkQueue} */
  #queue;
  #closed;

  /**
   * Open a codec: start a worker, and read the file there.
   * @param {ArrayBuffer} file a .distill file
   * @param {Options} [options]
   * @returns {Promise<PageCodec>} rejects with a sentence if the file is refused, or the browser cannot run it
   */
  static async open(file, options = {}) {
    const name = bestKernel();
    if (!name) throw new Error("This browser is too old to run the codec in the page.");
    const kernel = await WebAssembly.compile(await (options.kernel ?? fetchKernel)(name));
    const codec = new PageCodec(file, kernel, options);
    return Object.assign(codec, await codec.#queue.open());
  }

  /** @param {ArrayBuffer} file @param {WebAssembly.Module} kernel @param {Options} options */
  constructor(file, kernel, options) {
    this.levels = 0;
    this.size = 0;
    this.dim = 0;
    this.timeStride = 16;
    this.hasEncoder = false;
    this.reach = { before: 0, after: 0 };
    this.#closed = options.onclosed ?? (() => {});
    this.#queue = new WorkQueue({
      makeWorker: options.makeWorker ?? makeWorker,
      patience: options.patience ?? 20,
      onlost: (sentence) => {
        this.#tellClosed();
        this.onlost(sentence);
      },
      opening: () => [
        { kind: "open", file, kernel },
        ...[...this.#grids].map((grid) => grid.opening()),
        ...[...this.#clips].map(([clip, waveform]) => /** @type {Request} */ ({ kind: "clip", clip, waveform })),
      ],
    });
  }

  /**
   * @param {Uint16Array} codes [levels][8][columns], which faders of the same shape may follow
   * @param {number} columns
   * @param {number} numFrames
   * @param {Uint16Array} [quiet] codes of silence [levels][8], which faders need
   */
  openGrid(codes, columns, numFrames, quiet) {
    checkGrid(this, codes, columns, numFrames);
    const cells = wholeCells(codes, this.levels * 8 * columns);
    const grid = new PageGrid(this, this.#queue, ++this.#count, { codes: cells, columns, numFrames, quiet }, () =>
      this.#grids.delete(grid),
    );
    this.#grids.add(grid);
    this.#queue.tell(grid.opening());
    return grid;
  }

  /**
   * The sound of a single code.
   * @param {number} level
   * @param {number} code
   * @returns {Promise<Float32Array>}
   */
  audition(level, code) {
    return this.#queue.ask(() => ({ kind: "audition", level, code }), { urgent: true });
  }

  /**
   * The codes of a mono clip at 44 100 Hz.
   * @param {Float32Array} waveform
   * @param {{signal?: AbortSignal, onprogress?: (share: number) => void}} [options]
   * @returns {Promise<{codes: Uint16Array, columns: number, numFrames: number}>}
   */
  async encode(waveform, { signal, onprogress = () => {} } = {}) {
    const numFrames = Math.ceil(waveform.length / HOP);
    const columns = Math.ceil(numFrames / this.timeStride);
    const codes = new Uint16Array(this.levels * 8 * columns);
    await this.#withClip(waveform, async (clip) => {
      const step = ENCODED_FRAMES / this.timeStride;
      for (let first = 0; first < columns; first += step) {
        const last = Math.min(columns, first + step);
        /** @type {Uint16Array} */
        const part = await this.#queue.ask(() => ({ kind: "encode", clip, first, last }), { signal });
        for (let row = 0; row < this.levels * 8; row++)
          codes.set(part.subarray(row * (last - first), (row + 1) * (last - first)), row * columns + first);
        onprogress(last / columns);
      }
    });
    return { codes, columns, numFrames };
  }

  /** The log-mel [frames][128] of a mono clip at 44 100 Hz. @param {Float32Array} waveform */
  async logMelOf(waveform) {
    const frames = Math.ceil(waveform.length / HOP);
    const out = new Float32Array(frames * 128);
    await this.#withClip(waveform, async (clip) => {
      for (let first = 0; first < frames; first += ENCODED_FRAMES) {
        const last = Math.min(frames, first + ENCODED_FRAMES);
        out.set(await this.#queue.ask(() => ({ kind: "clipLogMel", clip, first, last })), first * 128);
      }
    });
    return out;
  }

  /**
   * Let the worker have a clip for a while.
   * @param {Float32Array} waveform
   * @param {(clip: number) => Promise<void>} act
   */
  async #withClip(waveform, act) {
    const clip = ++this.#count;
    this.#clips.set(clip, waveform);
    this.#queue.tell({ kind: "clip", clip, waveform });
    try {
      await act(clip);
    } finally {
      this.#clips.delete(clip);
      this.#queue.tell({ kind: "forget", clip });
    }
  }

  close() {
    this.#queue.close();
    this.#tellClosed();
  }

  #tellClosed() {
    this.#closed();
    this.#closed = () => {};
  }
}

/** A grid that is open in a codec. Its codes are kept here as well, so that a new worker can be told of them. */
export class PageGrid {
  /** The columns that were changed while parts are asked for, in runs. @type {[first: number, last: number][]} */
  #changes = [];
  #asked = 0; // parts
  #codec;
  #queue;
  #number;
  #grid;
  #forget;

  /**
   * @param {PageCodec} codec
   * @param {WorkQueue} queue
   * @param {number} number
   * @param {{codes: Uint16Array, columns: number, numFrames: number, quiet?: Uint16Array}} grid
   * @param {() => void} forget
   */
  constructor(codec, queue, number, grid, forget) {
    this.#codec = codec;
    this.#queue = queue;
    this.#number = number;
    this.#grid = grid;
    this.#forget = forget;
  }

  /** What a worker is told of the grid. @returns {Request} */
  opening() {
    return { kind: "grid", grid: this.#number, ...this.#grid };
  }

  /**
   * Change codes; what is heard from now on has them. A position is (level * 8 + row) * columns + column; those of
   * faders follow.
   * @param {[position: number, code: number][]} puts
   */
  put(puts) {
    const positions = Uint32Array.from(puts, ([position]) => position);
    const codes = Uint16Array.from(puts, ([, code]) => code);
    for (const [position, code] of puts) this.#grid.codes[position] = code;
    if (this.#asked) this.#changes.push(...runsOf(positions.map((position) => position % this.#grid.columns)));
    this.#queue.tell({ kind: "put", grid: this.#number, positions, codes });
  }

  /**
   * The frames whose sound depends on the codes of columns `first` to `last`.
   * @param {[first: number, last: number]} columns
   * @returns {[first: number, last: number]}
   */
  heardFrames([first, last]) {
    const { reach, timeStride } = this.#codec;
    const end = last * timeStride + reach.after;
    return [Math.max(0, first * timeStride - reach.before), Math.min(this.#grid.numFrames, end)];
  }

  /**
   * The sound of frames `first` to `last` in order, part by part, always with the latest codes. It ends early when the
   * signal aborts. If it is urgent, the first part is short and comes before all that is not.
   * @param {number} first
   * @param {number} last
   * @param {{urgent?: boolean, levels?: number, signal?: AbortSignal}} [options]
   * @returns {AsyncGenerator<{first: number, samples: Float32Array}, void, void>}
   */
  async *sound(first, last, { urgent = false, levels, signal } = {}) {
    for (let from = first, frames = urgent ? FIRST_FRAMES : PART_FRAMES; from < last; frames = PART_FRAMES) {
      const to = Math.min(last, from + frames);
      try {
        yield { first: from, samples: await this.#part("sound", from, to, { urgent, levels, signal }) };
      } catch (error) {
        if (signal?.aborted) return;
        throw error;
      }
      from = to;
    }
  }

  /**
   * The log-mel [frames][128] of frames `first` to `last`.
   * @param {number} first
   * @param {number} last
   * @param {{levels?: number}} [options]
   */
  async logMel(first, last, options = {}) {
    const out = new Float32Array((last - first) * 128);
    for (let from = first; from < last; from += MEL_FRAMES)
      out.set(await this.#part("logMel", from, Math.min(last, from + MEL_FRAMES), options), (from - first) * 128);
    return out;
  }

  close() {
    this.#forget();
    this.#queue.tell({ kind: "close", grid: this.#number });
  }

  /**
   * @param {"sound" | "logMel"} kind
   * @param {number} first
   * @param {number} last
   * @param {{urgent?: boolean, levels?: number, signal?: AbortSignal}} options
   * @returns {Promise<Float32Array>}
   */
  async #part(kind, first, last, { urgent, levels, signal }) {
    let known = 0;
    const request = () => {
      known = this.#changes.length;
      return /** @type {Request} */ ({ kind, grid: this.#number, first, last, levels });
    };
    const isStale = () =>
      !urgent && // what is urgent is heard while the brush goes on, and made again after that
      this.#changes.slice(known).some((columns) => {
        const [begin, end] = this.heardFrames(columns);
        return begin < last && end > first;
      });
    this.#asked += 1;
    try {
      return await this.#queue.ask(request, { urgent, signal, isStale });
    } finally {
      this.#asked -= 1;
      if (!this.#asked) this.#changes = [];
    }
  }
}
