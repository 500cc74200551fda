// @ts-check
// The files that the page itself writes: sounds, grids and texts.

import { base64Of } from "../../../browser/base64.js";
import { mixOf } from "../../../browser/mixing.js";
import { HOP } from "../../../browser/units.js";

export { bytesOf, unpackCodes } from "../../../browser/base64.js";

/**
 * Encode a sound as a 16-bit WAV file, as `distill.audio.write_wav` does: it is scaled down if it is louder than full
 * scale.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 * @param {Points | null} [points] the loop and the tempo
 */
export function wavOf(samples, sampleRate, points = null) {
  const more = points ? chunksOf(points, samples.length, sampleRate) : new Uint8Array();
  const size = 44 + samples.length * 2;
  const view = new DataView(new ArrayBuffer(size + more.length));
  new Uint8Array(view.buffer).set(more, size);
  /** @type {(at: number, letters: string) => void} */
  const text = (at, letters) => {
    for (let index = 0; index < letters.length; index++) view.setUint8(at + index, letters.charCodeAt(index));
  };
  text(0, "RIFF");
  view.setUint32(4, size - 8 + more.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, samples.length * 2, true);
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
  for (let index = 0; index < samples.length; index++) {
    const steps = Math.floor(Math.round(Math.fround(samples[index] / loudest) * 2 ** 31) / 2 ** 16);
    view.setInt16(44 + index * 2, Math.min(steps, 32_767), true);
  }
  return view.buffer;
}

/**
 * The chunks that samplers and workstations read after the samples, as `distill/audio/wav_chunks.py` writes them: `smpl`
 * has the loop, `acid` the tempo.
 * @typedef {{loop: [number, number] | null, tempo: number, bar: number}} Points
 * @param {Points} points the loop's first sample, and the one after its last
 * @param {number} count number of samples
 * @param {number} sampleRate
 */
function chunksOf({ loop, tempo, bar }, count, sampleRate) {
  const [middleC, stretched] = [60, 4];
  const sizes = { smpl: loop ? 60 : 0, acid: 24 };
  const view = new DataView(new ArrayBuffer((loop ? 68 : 0) + 32));
  let at = 0;
  const begin = (/** @type {"smpl" | "acid"} */ name) => {
    for (const letter of name) view.setUint8(at++, letter.charCodeAt(0));
    view.setUint32(at, sizes[name], true);
    at += 4;
  };
  const put = (/** @type {number[]} */ ...numbers) => {
    for (const number of numbers) {
      view.setUint32(at, number, true);
      at += 4;
    }
  };
  if (loop) {
    begin("smpl");
    put(0, 0, Math.round(1e9 / sampleRate), middleC, 0, 0, 0, 1, 0);
    put(0, 0, loop[0], Math.max(loop[0], loop[1] - 1), 0, 0);
  }
  begin("acid");
  const beats = Math.max(1, Math.round(((count / sampleRate) * tempo) / 60));
  put(stretched, middleC | (0x8000 << 16), 0, beats, 4 | (bar << 16));
  view.setFloat32(at, tempo, true);
  return new Uint8Array(view.buffer);
}

/**
 * Encode a grid as the JSON file that the Edit tab opens.
 * @param {import("./types.js").GridValue} value
 * @param {Uint16Array} cells the codes, which faders may follow
 */
export function gridFileOf({ levels, rows, columns, format, num_frames, samples, time_stride, model_id, size }, cells) {
  const nestedOf = (/** @type {Uint16Array} */ flat) => {
    const row = (/** @type {number} */ number) => [...flat.subarray(number * columns, (number + 1) * columns)];
    return levels.map((_, level) => Array.from({ length: rows }, (_, index) => row(level * rows + index)));
  };
  const mix = mixOf(cells, levels.length * rows * columns);
  return JSON.stringify({
    format,
    indices: nestedOf(cells),
    ...(mix && { mix: nestedOf(mix) }),
    num_frames,
    model_id,
    codebook_size: size,
    num_samples: samples,
    time_stride,
  });
}

const TEXT_IN_FRAMES = "distill1";
const TEXT_IN_SAMPLES = "distill2";
const TEXT_WITH_STRIDE = "distill3";
const TEXT_WITH_MIX = "distill4";
const USUAL_STRIDE = 16; // what the first two texts stand for

/**
 * Encode a grid as one line of text, as `CodeGrid.to_text` writes it.
 * @param {Pick<import("./types.js").GridValue,
 *   "levels" | "rows" | "columns" | "num_frames" | "samples" | "time_stride" | "model_id" | "size">} value
 * @param {Uint16Array} cells the codes, which faders may follow
 * @returns {Promise<string>}
 */
export async function gridTextOf({ levels, rows, columns, num_frames, samples, time_stride, model_id, size }, cells) {
  const count = levels.length * rows * columns;
  const indices = cells.subarray(0, count);
  const width = Math.max(1, Math.ceil(Math.log2(size)));
  const packed = new Uint8Array(Math.ceil((indices.length * width) / 8));
  indices.forEach((code, index) => {
    for (let bit = 0; bit < width; bit++) {
      const at = index * width + bit;
      if ((code >> (width - 1 - bit)) & 1) packed[at >> 3] |= 0x80 >> (at & 7);
    }
  });
  const mix = mixOf(cells, count);
  const bodies = [await packedText(packed), ...(mix ? [await packedText(Uint8Array.from(mix))] : [])];
  const isWhole = samples === num_frames * HOP;
  let header = isWhole ? [TEXT_IN_FRAMES, num_frames] : [TEXT_IN_SAMPLES, samples];
  if (time_stride !== USUAL_STRIDE) header = [TEXT_WITH_STRIDE, samples, time_stride];
  if (mix) header = [TEXT_WITH_MIX, samples, time_stride];
  const [name, ...length] = header;
  return [name, model_id, size, ...length, levels.length, rows, ...bodies].join(".");
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<Uint8Array<ArrayBuffer>>} a zlib stream */
export async function deflated(bytes) {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<string>} a zlib stream in URL-safe base64 */
async function packedText(bytes) {
  return base64Of(await deflated(bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
