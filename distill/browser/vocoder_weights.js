// @ts-check
// Packs the vocoder for the kernel. The scale and shift of a norm become part of the layer after it.

import { extended, indices, Packer, padded, panels } from "./packing.js";
import { BINS, BINS_PADDED, bandShares, melFilters, NOISE_FRAMES, normalNumbers } from "./tables.js";
import { BANDS, HOP } from "./units.js";

/** @typedef {import("./codec_file.js").CodecFile} CodecFile */
/** @typedef {import("./memory.js").Memory} Memory */

/**
 * Place the vocoder in the kernel's memory.
 * @param {Memory} memory
 * @param {CodecFile} file
 */
export function packVocoder(memory, file) {
  const packer = new VocoderPacker(memory, file);
  const { blocks } = packer.settings;
  const shares = bandShares(melFilters());
  const none = Array(10 * (16 - blocks)).fill(0);
  const noise = memory.take(NOISE_FRAMES * 2 * BINS_PADDED * 4);
  const description = [
    packer.settings.channels,
    blocks,
    ...["weight", "bias"].map((part) => packer.vector(`vocoder.first_norm.${part}`)),
    ...packer.enter(),
    ...packer.draw(),
    ...Array.from({ length: blocks }, (_, index) => packer.block(index)).flat(),
    ...none,
    memory.put(shares.band),
    memory.put(shares.lower),
    memory.put(shares.upper),
    noise,
  ];
  memory.write(memory.kernel.vocoder(), Int32Array.from(description));
  memory.floats(noise, NOISE_FRAMES * 2 * BINS_PADDED).fill(0);
  memory.briefly(() => {
    const numbers = normalNumbers(NOISE_FRAMES * HOP);
    const around = new Float32Array(numbers.length + 3 * HOP);
    around.set(numbers, 1.5 * HOP);
    around.set(numbers.subarray(-1.5 * HOP));
    around.set(numbers.subarray(0, 1.5 * HOP), numbers.length + 1.5 * HOP);
    memory.kernel.noise(memory.put(around));
  });
}

class VocoderPacker extends Packer {
  get settings() {
    return /** @type {import("./codec_file.js").VocoderSettings} */ (this.file.vocoder);
  }

  /** A vector with a value for each channel, and zeros for padding. @param {string} name */
  vector(name) {
    return this.memory.put(extended(this.tensor(name), padded(this.settings.channels)));
  }

  enter() {
    const { channels } = this.settings;
    const taps = 7;
    const inputs = indices(taps * BANDS, (i) => (i % BANDS) * taps + Math.floor(i / BANDS));
    const outputs = indices(padded(channels), (o) => (o < channels ? o * BANDS * taps : -1));
    const weights = panels(this.tensor("vocoder.enter.weight"), inputs, outputs);
    return this.layer(weights, this.tensor("vocoder.enter.bias"), inputs.length, outputs.length);
  }

  /**
   * A layer after a norm, whose scale and shift become part of it.
   * @param {string} name
   * @param {string} norm
   * @param {Int32Array} rows which output stands where; -1 for none
   */
  normed(name, norm, rows) {
    const { channels } = this.settings;
    const [weight, bias] = ["weight", "bias"].map((part) => this.tensor(`${name}.${part}`));
    const [scale, shift] = ["weight", "bias"].map((part) => this.tensor(`${norm}.${part}`));
    const inputs = indices(padded(channels), (i) => (i < channels ? i : -1));
    const outputs = rows.map((row) => (row < 0 ? -1 : row * channels));
    const shifted = Float32Array.from(rows, (row) => {
      if (row < 0) return 0;
      let sum = bias[row];
      for (let c = 0; c < channels; c++) sum += weight[row * channels + c] * shift[c];
      return sum;
    });
    const packed = panels(weight, inputs, outputs, { inputs: extended(scale, inputs.length) });
    return this.layer(packed, shifted, inputs.length, outputs.length);
  }

  /** Levels, then phases, then levels of noise; levels and phases are padded to 1028. */
  draw() {
    const rows = indices(2 * BINS_PADDED + BANDS, (i) => {
      if (i >= 2 * BINS_PADDED) return 2 * BINS + i - 2 * BINS_PADDED;
      const bin = i % BINS_PADDED;
      return bin < BINS ? (i < BINS_PADDED ? 0 : BINS) + bin : -1;
    });
    return this.normed("vocoder.draw", "vocoder.last_norm", rows);
  }

  /** @param {number} index */
  block(index) {
    const name = `vocoder.blocks.${index}`;
    const { channels, hidden } = this.settings;
    const wide = padded(channels);
    const kernel = this.tensor(`${name}.in_time.weight`);
    const inTime = new Float32Array(7 * wide);
    for (let c = 0; c < channels; c++) for (let tap = 0; tap < 7; tap++) inTime[tap * wide + c] = kernel[c * 7 + tap];
    const scale = extended(this.tensor(`${name}.scale`), wide);
    const bias = extended(this.tensor(`${name}.narrow.bias`), wide).map((b, c) => b * scale[c]);
    const inputs = indices(padded(hidden), (i) => (i < hidden ? i : -1));
    const outputs = indices(wide, (o) => (o < channels ? o * hidden : -1));
    const narrow = panels(this.tensor(`${name}.narrow.weight`), inputs, outputs, { outputs: scale });
    const rows = indices(padded(hidden), (i) => (i < hidden ? i : -1));
    return [
      this.memory.put(inTime),
      this.vector(`${name}.in_time.bias`),
      ...this.normed(`${name}.widen`, `${name}.norm`, rows),
      ...this.layer(narrow, bias, inputs.length, wide),
    ];
  }
}
