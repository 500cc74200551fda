// @ts-check
// Packs the decoder for the kernel. Batch norms become part of the convolutions before them, and codes rows of a table.

import { timeSteps } from "./codec_tensors.js";
import { extended, indices, normalization, Packer, padded, panels, ROWS } from "./packing.js";

/** @typedef {import("./codec_file.js").CodecFile} CodecFile */
/** @typedef {import("./memory.js").Memory} Memory */

const CHANNELS = [256, 96, 48, 24];

/**
 * Place the decoder in the kernel's memory.
 * @param {Memory} memory
 * @param {CodecFile} file
 */
export function packDecoder(memory, file) {
  const packer = new DecoderPacker(memory, file);
  const { num_quantizers: levels, codebook_size: size, time_stride: stride } = file.settings;
  const steps = timeSteps(stride).reverse();
  const std = packer.tensor("mel_std");
  const [lastBias] = packer.tensor("decoder.stages.16.bias");
  const offset = packer.tensor("mel_mean").map((mean, band) => mean + lastBias * std[band]);
  const description = [
    levels,
    size,
    packer.table(),
    packer.rowBias("decoder.stages.1", "decoder.stages.2", "decoder.stages.3", ROWS),
    ...packer.inFrequency("decoder.stages.5.body.0", "decoder.stages.5.body.1"),
    ...packer.inFrequency("decoder.stages.5.body.3", "decoder.stages.5.body.4"),
    ...steps,
    ...[0, 1, 2].flatMap((stage) => packer.upsampling(stage, steps[stage])),
    ...packer.last(),
    memory.put(std),
    memory.put(offset),
  ];
  memory.write(memory.kernel.decoder(), Int32Array.from(description));
}

class DecoderPacker extends Packer {
  /** What each code adds after the first layer and its norm, [levels][size][256]. */
  table() {
    const { num_quantizers: levels, codebook_size: size, codebook_dim: dim } = this.file.settings;
    const { memory } = this;
    const { scale } = normalization(this.file.tensors, "decoder.stages.3");
    const rows = padded(size);
    const address = memory.take((levels * size + 3) * CHANNELS[0] * 4);
    memory.briefly(() => {
      const inputs = indices(dim, (i) => i);
      const outputs = indices(CHANNELS[0], (i) => i * dim);
      const weights = panels(this.tensor("decoder.stages.1.weight"), inputs, outputs, { outputs: scale });
      const layer = memory.put(Int32Array.from(this.layer(weights, new Float32Array(CHANNELS[0]), dim, CHANNELS[0])));
      for (let level = 0; level < levels; level++) {
        const book = extended(this.tensor(`quantizer.rvq.layers.${level}._codebook.embed`), rows * dim);
        memory.kernel.apply(memory.put(book), rows, layer, address + level * size * CHANNELS[0] * 4);
      }
    });
    return address;
  }

  /** A convolution over three rows, with its norm. @param {string} convolution @param {string} norm */
  inFrequency(convolution, norm) {
    const { scale, shift } = normalization(this.file.tensors, norm);
    const channels = scale.length;
    const inputs = indices(3 * channels, (i) => (i % channels) * 3 + Math.floor(i / channels));
    const outputs = indices(channels, (i) => i * channels * 3);
    const weights = panels(this.tensor(`${convolution}.weight`), inputs, outputs, { outputs: scale });
    return this.layer(weights, shift, 3 * channels, channels);
  }

  /**
   * The four parts of a transposed convolution: for even and odd rows, and for even and odd times.
   * @param {number} stage
   * @param {number} step of time: 2 or 1
   */
  upsampling(stage, step) {
    const name = `decoder.stages.${6 + 4 * stage}`;
    const [before, after] = CHANNELS.slice(stage, stage + 2);
    const rows = (2 * ROWS) << stage;
    const normed = stage < 2;
    const [band, norm] = [7 + 4 * stage, 8 + 4 * stage].map((n) => `decoder.stages.${n}`);
    const scale = normed ? normalization(this.file.tensors, norm).scale : undefined;
    const bias = normed ? this.rowBias(name, band, norm, rows) : this.memory.put(this.tensor(`${name}.bias`));
    const outputs = indices(after, (o) => o * 4 * (3 * step - 2));
    return [0, 1].flatMap((row) =>
      [0, 1].flatMap((time) => {
        if (time >= step) return [0, 0, 0, 0];
        const inputs = tapsOf(before, after, row, time, step);
        const weights = panels(this.tensor(`${name}.weight`), inputs, outputs, { outputs: scale });
        return this.layer(weights, bias + (normed ? row * after * 4 : 0), inputs.length, after);
      }),
    );
  }

  /** The weights of the last transposed convolution, for even and odd bands and times. */
  last() {
    const weight = this.tensor("decoder.stages.16.weight");
    return [0, 1].flatMap((row) =>
      [0, 1].map((time) => this.memory.put(Float32Array.from(tapsOf(CHANNELS[3], 1, row, time, 2), (i) => weight[i]))),
    );
  }
}

/** The taps of a kernel of 4 that an even or odd output sees, in the order of its inputs. */
const TAPS = [
  [3, 1],
  [2, 0],
];

/**
 * Where the weights of the inputs are that an output of a transposed convolution sees: [time][row][channel].
 * @param {number} before
 * @param {number} after
 * @param {number} row
 * @param {number} time
 * @param {number} step
 */
function tapsOf(before, after, row, time, step) {
  const width = 3 * step - 2;
  return indices(step * 2 * before, (i) => {
    const inTime = step === 2 ? TAPS[time][Math.floor(i / (2 * before))] : 0;
    const inFrequency = TAPS[row][Math.floor(i / before) % 2];
    return ((i % before) * after * 4 + inFrequency) * width + inTime;
  });
}
