// @ts-check
// Packs the encoder and the front end for the kernel.

import { timeSteps } from "./codec_tensors.js";
import { extended, indices, normalization, Packer, padded, panels } from "./packing.js";
import { BINS, melFilters } from "./tables.js";
import { BANDS } from "./units.js";

/** @typedef {import("./codec_file.js").CodecFile} CodecFile */
/** @typedef {import("./memory.js").Memory} Memory */

const CHANNELS = [1, 16, 32, 64, 128];
const WIDE = 128;

/**
 * Place the front end in the kernel's memory, and the encoder if the file has one.
 * @param {Memory} memory
 * @param {CodecFile} file
 */
export function packEncoder(memory, file) {
  const packer = new EncoderPacker(memory, file);
  const { num_quantizers: levels, codebook_size: size, codebook_dim: dim, time_stride: stride } = file.settings;
  const steps = timeSteps(stride);
  const filters = melFilters();
  const networks = file.hasEncoder ? packer.networks(steps) : Array(28).fill(0);
  const description = [
    levels,
    size,
    padded(dim),
    ...steps,
    ...networks,
    ...packer.books(),
    memory.put(packer.tensor("mel_mean")),
    memory.put(packer.tensor("mel_std")),
    memory.put(filters.lower),
    memory.put(filters.upper),
    memory.put(indices(BANDS, (band) => (band < BANDS - 1 ? filters.band.subarray(0, BINS).indexOf(band) : BINS))),
  ];
  memory.write(memory.kernel.encoder(), Int32Array.from(description));
}

class EncoderPacker extends Packer {
  /** @param {number[]} steps */
  networks(steps) {
    return [
      ...steps.flatMap((step, stage) => this.strided(stage, step)),
      ...this.convolution("encoder.stages.14.body.0", "encoder.stages.14.body.1", 3),
      ...this.convolution("encoder.stages.14.body.3", "encoder.stages.14.body.4", 1),
      ...this.projection(),
    ];
  }

  /** @param {number} stage @param {number} step of time: 2 or 1 */
  strided(stage, step) {
    const at = stage ? 4 * stage - 2 : 0;
    const [before, after] = CHANNELS.slice(stage, stage + 2);
    const [name, band, norm] = [at, at + 1, at + 2].map((n) => `encoder.stages.${n}`);
    const width = 2 + step;
    const taps = 4 * width;
    const inputs = indices(before * taps, (i) => {
      const [inTime, inFrequency] = [Math.floor(i / (4 * before)), Math.floor(i / before) % 4];
      return (i % before) * taps + inFrequency * width + inTime;
    });
    const outputs = indices(after, (o) => o * before * taps);
    const scale = stage ? normalization(this.file.tensors, norm).scale : undefined;
    const bias = stage ? this.rowBias(name, band, norm, BANDS >> (stage + 1)) : this.tensor(`${name}.bias`);
    const weights = panels(this.tensor(`${name}.weight`), inputs, outputs, { outputs: scale });
    return this.layer(weights, bias, inputs.length, after);
  }

  /** A convolution over three rows and some columns, with its norm. @param {string} name @param {string} norm @param {number} width */
  convolution(name, norm, width) {
    const { scale, shift } = normalization(this.file.tensors, norm);
    const inputs = indices(WIDE * 3 * width, (i) => {
      const [inTime, inFrequency] = [Math.floor(i / (3 * WIDE)), Math.floor(i / WIDE) % 3];
      return (i % WIDE) * 3 * width + inFrequency * width + inTime;
    });
    const outputs = indices(WIDE, (o) => o * WIDE * 3 * width);
    const weights = panels(this.tensor(`${name}.weight`), inputs, outputs, { outputs: scale });
    return this.layer(weights, shift, inputs.length, WIDE);
  }

  projection() {
    const { codebook_dim: dim } = this.file.settings;
    const outputs = indices(padded(dim), (o) => (o < dim ? o * WIDE : -1));
    const weights = panels(
      this.tensor("encoder.stages.15.weight"),
      indices(WIDE, (i) => i),
      outputs,
    );
    const bias = extended(this.tensor("encoder.stages.15.bias"), outputs.length);
    return this.layer(weights, bias, WIDE, outputs.length);
  }

  /** The codebooks as layers that score entries, and their entries. */
  books() {
    const { num_quantizers: levels, codebook_size: size, codebook_dim: dim } = this.file.settings;
    const wide = padded(dim);
    const entries = new Float32Array(levels * size * wide);
    const layers = Array.from({ length: 4 }, (_, level) => {
      if (level >= levels) return [0, 0, 0, 0];
      const book = this.tensor(`quantizer.rvq.layers.${level}._codebook.embed`);
      const bias = new Float32Array(padded(size));
      for (let code = 0; code < size; code++) {
        const entry = book.subarray(code * dim, (code + 1) * dim);
        entries.set(entry, (level * size + code) * wide);
        bias[code] = -entry.reduce((sum, x) => sum + x * x, 0) / 2;
      }
      const inputs = indices(wide, (i) => (i < dim ? i : -1));
      const outputs = indices(padded(size), (o) => (o < size ? o * dim : -1));
      return this.layer(panels(book, inputs, outputs), bias, wide, outputs.length);
    });
    return [...layers.flat(), this.memory.put(entries)];
  }
}
