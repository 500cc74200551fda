// @ts-check
// Bounds of what a codec's networks can give, so that no grid and no clip leads to numbers that are not finite.

/** @typedef {Map<string, Float32Array>} Tensors */

const LOUDEST_INPUT = 100;

/** @param {ArrayLike<number>} values */
function largestOf(values) {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

class Bounds {
  /** The largest magnitude that was met. */
  most = 0;

  /** @param {Tensors} tensors */
  constructor(tensors) {
    this.tensors = tensors;
  }

  /** @param {string} name @returns {Float32Array} */
  get(name) {
    return /** @type {Float32Array} */ (this.tensors.get(name));
  }

  /** @param {Float64Array} values @returns {Float64Array} */
  met(values) {
    this.most = Math.max(this.most, largestOf(values));
    return values;
  }

  /**
   * After a layer or a convolution [outputs][inputs][taps], its weights made positive so that no terms cancel.
   * @param {string} name
   * @param {Float64Array} x
   * @param {number} [taps]
   */
  layer(name, x, taps = 1) {
    const weight = this.get(`${name}.weight`);
    const bias = this.tensors.get(`${name}.bias`);
    const outputs = weight.length / x.length / taps;
    const out = new Float64Array(outputs);
    for (let o = 0, at = 0; o < outputs; o++) {
      for (let i = 0; i < x.length; i++) for (let tap = 0; tap < taps; tap++) out[o] += Math.abs(weight[at++]) * x[i];
      if (bias) out[o] += Math.abs(bias[o]);
    }
    return this.met(out);
  }

  /**
   * After a transposed convolution [inputs][outputs][4][width]: each result sees every second tap.
   * @param {string} name
   * @param {Float64Array} x
   * @param {number} width
   */
  transposed(name, x, width) {
    const weight = this.get(`${name}.weight`);
    const bias = this.get(`${name}.bias`);
    const times = width === 4 ? 2 : 1;
    const sums = Array.from({ length: 2 * times }, () => new Float64Array(bias.length));
    for (let i = 0, at = 0; i < x.length; i++)
      for (let o = 0; o < bias.length; o++)
        for (let tap = 0; tap < 4; tap++)
          for (let time = 0; time < width; time++)
            sums[(tap % 2) * times + (time % times)][o] += Math.abs(weight[at++]) * x[i];
    return this.met(Float64Array.from(bias, (b, o) => Math.abs(b) + Math.max(...sums.map((sum) => sum[o]))));
  }

  /** @param {string} name @param {Float64Array} x */
  banded(name, x) {
    const bias = this.get(`${name}.bias`);
    const rows = bias.length / x.length;
    return x.map((value, c) => value + largestOf(bias.subarray(c * rows, (c + 1) * rows)));
  }

  /** @param {string} name @param {Float64Array} x */
  batchNorm(name, x) {
    const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((part) =>
      this.get(`${name}.${part}`),
    );
    const scale = (/** @type {number} */ c) => Math.abs(weight[c]) / Math.sqrt(variance[c] + 1e-5);
    return this.met(x.map((value, c) => (value + Math.abs(mean[c])) * scale(c) + Math.abs(bias[c])));
  }

  /** After a layer norm, which limits its result whatever comes in. @param {string} name */
  layerNorm(name) {
    const [weight, bias] = ["weight", "bias"].map((part) => this.get(`${name}.${part}`));
    return Float64Array.from(weight, (w, c) => Math.sqrt(weight.length) * Math.abs(w) + Math.abs(bias[c]));
  }

  /** After a residual block. @param {string} name @param {Float64Array} x @param {number} width */
  block(name, x, width) {
    const y = this.batchNorm(`${name}.body.1`, this.layer(`${name}.body.0`, x, 3 * width));
    const z = this.batchNorm(`${name}.body.4`, this.layer(`${name}.body.3`, y, 3));
    return z.map((value, c) => value + x[c]);
  }
}

/**
 * The largest magnitude within the decoder for any grid.
 * @param {Tensors} tensors
 * @param {import("./codec_file.js").ModelSettings} settings
 */
export function largestDecoded(tensors, { num_quantizers: levels, codebook_dim: dim, codebook_size: size }) {
  const bounds = new Bounds(tensors);
  /** @type {Float64Array} */
  let x = new Float64Array(dim);
  for (let level = 0; level < levels; level++) {
    const book = bounds.get(`quantizer.rvq.layers.${level}._codebook.embed`);
    x = x.map((sum, d) => sum + largestOf(Float32Array.from({ length: size }, (_, code) => book[code * dim + d])));
  }
  x = bounds.batchNorm("decoder.stages.3", bounds.banded("decoder.stages.2", bounds.layer("decoder.stages.1", x)));
  x = bounds.block("decoder.stages.5", x, 1);
  for (const at of [6, 10, 14, 16]) {
    const outputs = bounds.get(`decoder.stages.${at}.bias`).length;
    const width = bounds.get(`decoder.stages.${at}.weight`).length / x.length / outputs / 4;
    x = bounds.transposed(`decoder.stages.${at}`, x, width);
    if (at > 10) continue;
    x = bounds.batchNorm(`decoder.stages.${at + 2}`, bounds.banded(`decoder.stages.${at + 1}`, x));
  }
  return Math.max(bounds.most, x[0] * largestOf(bounds.get("mel_std")));
}

/** The largest magnitude within the encoder for any clip. @param {Tensors} tensors */
export function largestEncoded(tensors) {
  const bounds = new Bounds(tensors);
  const std = bounds.get("mel_std");
  /** @type {Float64Array} */
  let x = Float64Array.of(
    bounds.get("mel_mean").reduce((most, m, b) => Math.max(most, (LOUDEST_INPUT + Math.abs(m)) / std[b]), 0),
  );
  for (const at of [0, 2, 6, 10]) {
    const { length } = bounds.get(`encoder.stages.${at}.weight`);
    x = bounds.layer(`encoder.stages.${at}`, x, length / x.length / bounds.get(`encoder.stages.${at}.bias`).length);
    if (at) x = bounds.batchNorm(`encoder.stages.${at + 2}`, bounds.banded(`encoder.stages.${at + 1}`, x));
  }
  bounds.layer("encoder.stages.15", bounds.block("encoder.stages.14", x, 3));
  return bounds.most;
}

/**
 * The largest magnitude within the vocoder, as `VocoderNetwork.largest` has it.
 * @param {Tensors} tensors
 * @param {import("./codec_file.js").VocoderSettings} settings
 */
export function largestDrawn(tensors, { blocks }) {
  const bounds = new Bounds(tensors);
  bounds.layer("vocoder.enter", new Float64Array(896).fill((LOUDEST_INPUT + 4) / 4));
  /** @type {Float64Array} */
  let x = bounds.layerNorm("vocoder.first_norm");
  for (let index = 0; index < blocks; index++) {
    const name = `vocoder.blocks.${index}`;
    bounds.met(inTime(bounds, name, x));
    const y = bounds.layer(`${name}.narrow`, bounds.layer(`${name}.widen`, bounds.layerNorm(`${name}.norm`)));
    const scale = bounds.get(`${name}.scale`);
    x = bounds.met(x.map((value, c) => value + y[c] * Math.abs(scale[c])));
  }
  bounds.layer("vocoder.draw", bounds.layerNorm("vocoder.last_norm"));
  return bounds.most;
}

/** After the convolution in time of each channel. @param {Bounds} bounds @param {string} name @param {Float64Array} x */
function inTime(bounds, name, x) {
  const weight = bounds.get(`${name}.in_time.weight`);
  const bias = bounds.get(`${name}.in_time.bias`);
  const sum = (/** @type {number} */ c) => weight.subarray(7 * c, 7 * c + 7).reduce((s, w) => s + Math.abs(w), 0);
  return x.map((value, c) => value * sum(c) + Math.abs(bias[c]));
}
