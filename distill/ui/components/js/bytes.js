// @ts-check
// Bytes: encoded codes and sounds, and the files that the page itself writes.

/**
 * @param {string} base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/**
 * Decode codes from 16-bit little-endian numbers in base64.
 * @param {string} packed
 */
export function unpackCodes(packed) {
  const view = new DataView(bytesOf(packed).buffer);
  return Uint16Array.from({ length: view.byteLength / 2 }, (_, index) => view.getUint16(2 * index, true));
}

/**
 * Encode a sound as a 16-bit WAV file, clipped at full scale.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 */
export function wavOf(samples, sampleRate) {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  /** @type {(at: number, letters: string) => void} */
  const text = (at, letters) => {
    for (let index = 0; index < letters.length; index++) view.setUint8(at + index, letters.charCodeAt(index));
  };
  text(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
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
  for (let index = 0; index < samples.length; index++) {
    view.setInt16(44 + index * 2, Math.max(-1, Math.min(1, samples[index])) * 32767, true);
  }
  return view.buffer;
}

/**
 * Encode a grid as the JSON file that the Edit tab opens.
 * @param {import("./types.js").GridValue} value
 * @param {Uint16Array} indices
 */
export function gridFileOf(
  { levels, rows, columns, format, num_frames, samples, time_stride, model_id, size },
  indices,
) {
  const row = (/** @type {number} */ number) => [...indices.subarray(number * columns, (number + 1) * columns)];
  const nested = levels.map((_, level) => Array.from({ length: rows }, (_, index) => row(level * rows + index)));
  return JSON.stringify({
    format,
    indices: nested,
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
const USUAL_STRIDE = 16; // what the first two texts stand for
const SAMPLES_PER_FRAME = 512;

/**
 * Encode a grid as one line of text, as `CodeGrid.to_text` writes it.
 * @param {Pick<import("./types.js").GridValue,
 *   "levels" | "rows" | "num_frames" | "samples" | "time_stride" | "model_id" | "size">} value
 * @param {Uint16Array} indices
 * @returns {Promise<string>}
 */
export async function gridTextOf({ levels, rows, num_frames, samples, time_stride, model_id, size }, indices) {
  const width = Math.max(1, Math.ceil(Math.log2(size)));
  const packed = new Uint8Array(Math.ceil((indices.length * width) / 8));
  indices.forEach((code, index) => {
    for (let bit = 0; bit < width; bit++) {
      const at = index * width + bit;
      if ((code >> (width - 1 - bit)) & 1) packed[at >> 3] |= 0x80 >> (at & 7);
    }
  });
  const deflated = new Blob([packed]).stream().pipeThrough(new CompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(deflated).arrayBuffer());
  const letters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const body = btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const isWhole = samples === num_frames * SAMPLES_PER_FRAME;
  let header = isWhole ? [TEXT_IN_FRAMES, num_frames] : [TEXT_IN_SAMPLES, samples];
  if (time_stride !== USUAL_STRIDE) header = [TEXT_WITH_STRIDE, samples, time_stride];
  const [name, ...length] = header;
  return [name, model_id, size, ...length, levels.length, rows, body].join(".");
}
