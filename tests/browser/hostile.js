// @ts-check
// What becomes of each file that the folder's cases.json lists: the sentence in which it is refused, null if it opens
// and works, or what went wrong.

import { Codec } from "../../distill/browser/codec.js";
import { CodecFileError } from "../../distill/browser/codec_file.js";
import { HOP } from "../../distill/browser/units.js";
import { kernel, read, readJson } from "./files.js";

const compiled = await WebAssembly.compile(kernel("kernel.wasm"));
const clip = Float32Array.from({ length: 13_000 }, (_, i) => 0.5 * Math.sin((i * 2 * Math.PI * 440) / 44_100));

/** @param {string} file @returns {Promise<{refused: string} | {problem: string} | null>} */
async function attempt(file) {
  try {
    const codec = await Codec.open(read(file), compiled);
    const numFrames = Math.ceil(clip.length / HOP);
    const columns = Math.ceil(numFrames / codec.timeStride);
    const codes = codec.encode(clip, 0, columns);
    const sound = codec.sound(codec.openGrid(codes, columns, numFrames), 0, numFrames);
    const code = codec.audition(codec.levels - 1, codec.size - 1);
    return [...sound, ...code].every(Number.isFinite) ? null : { problem: "sound that is no number" };
  } catch (error) {
    if (error instanceof CodecFileError) return { refused: error.message };
    return { problem: error instanceof Error ? `${error.stack}` : String(error) };
  }
}

const outcomes = [];
for (const file of readJson("cases.json")) outcomes.push(await attempt(file));
console.log(JSON.stringify(outcomes));
