// @ts-check
// The codec in a worker: answers one request after another, in the order in which they come.

import { Codec } from "./codec.js";

/**
 * A request without an `id` is not answered.
 * @typedef {{id?: number} & (
 *   {kind: "open", file: ArrayBuffer, kernel: WebAssembly.Module} |
 *   {kind: "grid", grid: number, codes: Uint16Array, columns: number, numFrames: number, quiet?: Uint16Array} |
 *   {kind: "close", grid: number} |
 *   {kind: "put", grid: number, positions: Uint32Array, codes: Uint16Array} |
 *   {kind: "sound", grid: number, first: number, last: number, levels?: number} |
 *   {kind: "logMel", grid: number, first: number, last: number, levels?: number} |
 *   {kind: "audition", level: number, code: number} |
 *   {kind: "clip", clip: number, waveform: Float32Array} |
 *   {kind: "forget", clip: number} |
 *   {kind: "encode", clip: number, first: number, last: number} |
 *   {kind: "clipLogMel", clip: number, first: number, last: number}
 * )} Request
 */

/** @typedef {{id: number, result?: any, error?: string}} Answer */

/** The codec, and the grids and clips of the page by the numbers that the page gave them. */
class Desk {
  /** @type {Codec | undefined} */
  #codec;
  /** The codec's handles of the page's grids. @type {Map<number, number>} */
  #grids = new Map();
  /** Waveforms that are encoded part by part. @type {Map<number, Float32Array>} */
  #clips = new Map();

  /** @param {Request} request @returns {Promise<any>} */
  async answer(request) {
    if (request.kind === "open") {
      this.#codec = await Codec.open(request.file, request.kernel);
      const { levels, size, dim, timeStride, reach, hasEncoder, modelId } = this.#codec;
      return { levels, size, dim, timeStride, reach, hasEncoder, modelId };
    }
    const codec = /** @type {Codec} */ (this.#codec);
    switch (request.kind) {
      case "grid":
        this.#grids.set(request.grid, codec.openGrid(request.codes, request.columns, request.numFrames, request.quiet));
        return null;
      case "close":
        codec.closeGrid(this.#grid(request.grid));
        this.#grids.delete(request.grid);
        return null;
      case "put":
        codec.put(this.#grid(request.grid), request.positions, request.codes);
        return null;
      case "sound":
        return codec.sound(this.#grid(request.grid), request.first, request.last, request.levels);
      case "logMel":
        return codec.logMel(this.#grid(request.grid), request.first, request.last, request.levels);
      case "audition":
        return codec.audition(request.level, request.code);
      case "clip":
        this.#clips.set(request.clip, request.waveform);
        return null;
      case "forget":
        this.#clips.delete(request.clip);
        return null;
      case "encode":
        return codec.encode(this.#clips.get(request.clip) ?? new Float32Array(), request.first, request.last);
      case "clipLogMel":
        return codec.logMelOf(this.#clips.get(request.clip) ?? new Float32Array(), request.first, request.last);
    }
  }

  /** @param {number} grid */
  #grid(grid) {
    return this.#grids.get(grid) ?? -1;
  }
}

const desk = new Desk();
/** @type {Promise<void>} */
let before = Promise.resolve();

/** @param {Request} request */
async function respond(request) {
  /** @type {Answer} */
  const answer = { id: request.id ?? 0 };
  try {
    answer.result = await desk.answer(request);
  } catch (error) {
    answer.error = error instanceof Error ? error.message : String(error);
  }
  if (request.id === undefined) return;
  const transfer = ArrayBuffer.isView(answer.result) ? [answer.result.buffer] : [];
  postMessage(answer, { transfer });
}

addEventListener("message", ({ data }) => {
  before = before.then(() => respond(data));
});
