// @ts-check
// The front end: waveforms to log-mels, as distill/audio/logmel.py has it.

import { BANDS, HOP } from "./units.js";

const MARGIN = 768;
const FLOOR = 1e-5;

/**
 * The log-mel [frames][128] of frames `first` to `last` of a clip.
 * @param {import("./memory.js").Memory} memory
 * @param {Float32Array} waveform
 * @param {number} first
 * @param {number} last
 */
export function logMelOf(memory, waveform, first, last) {
  const around = samplesAround(waveform, first, last);
  return memory.briefly(() => {
    const samples = memory.put(around);
    const mel = memory.take((last - first) * BANDS * 4);
    memory.kernel.analyse(samples, last - first, mel);
    return memory.floats(mel, (last - first) * BANDS).map((x) => Math.log(Math.max(x, FLOOR)));
  });
}

/**
 * The samples under the windows of some frames. Before and after a clip, which is filled with silence to whole frames,
 * it is reflected.
 * @param {Float32Array} waveform
 * @param {number} first
 * @param {number} last
 */
function samplesAround(waveform, first, last) {
  const length = Math.max(Math.ceil(waveform.length / HOP) * HOP, MARGIN + HOP);
  const begin = first * HOP - MARGIN;
  const out = new Float32Array((last - first) * HOP + 2 * MARGIN);
  const from = Math.max(0, begin);
  out.set(waveform.subarray(from, begin + out.length), from - begin);
  for (let i = begin; i < 0; i++) out[i - begin] = waveform[-i] ?? 0;
  for (let i = length; i < begin + out.length; i++) out[i - begin] = waveform[2 * (length - 1) - i] ?? 0;
  return out;
}
