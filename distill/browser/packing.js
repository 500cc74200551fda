// @ts-check
// Packs tensors for the kernel: what the networks' parts have in common.

/** @typedef {import("./codec_file.js").CodecFile} CodecFile */
/** @typedef {import("./memory.js").Memory} Memory */
/** @typedef {[weights: number, bias: number, inputs: number, outputs: number]} Layer as in kernel.h */

/** Outputs whose weights lie together, as in kernel/product.c. */
const PANEL = 8;
export const ROWS = 8;

/** @param {number} n @param {number} [multiple] */
export const padded = (n, multiple = 4) => Math.ceil(n / multiple) * multiple;

/** Numbers `from(0)`, `from(1)`, ... @param {number} length @param {(i: number) => number} from */
export const indices = (length, from) => Int32Array.from({ length }, (_, i) => from(i));

/** An array with zeros at its end. @param {Float32Array} values @param {number} length */
export function extended(values, length) {
  const out = new Float32Array(length);
  out.set(values);
  return out;
}

/**
 * Weights [inputs][outputs] in panels of 8 outputs. The value for an input and an output is
 * `weight[from[input] + to[output]]` times their scales; a negative index stands for padding.
 * @param {Float32Array} weight
 * @param {Int32Array} from
 * @param {Int32Array} to
 * @param {{inputs?: Float32Array, outputs?: Float32Array}} [scales]
 */
export function panels(weight, from, to, scales = {}) {
  const packed = new Float32Array(padded(to.length, PANEL) * from.length);
  for (let output = 0; output < to.length; output++) {
    if (to[output] < 0) continue;
    const scale = scales.outputs ? scales.outputs[output] : 1;
    let at = (output - (output % PANEL)) * from.length + (output % PANEL);
    for (let input = 0; input < from.length; input++, at += PANEL) {
      if (from[input] < 0) continue;
      packed[at] = weight[from[input] + to[output]] * scale * (scales.inputs ? scales.inputs[input] : 1);
    }
  }
  return packed;
}

/**
 * What a batch norm does in a trained network: a scale and a shift for each channel.
 * @param {Map<string, Float32Array>} tensors
 * @param {string} name
 */
export function normalization(tensors, name) {
  const [weight, bias, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map(
    (part) => /** @type {Float32Array} */ (tensors.get(`${name}.${part}`)),
  );
  const scale = weight.map((x, i) => x / Math.sqrt(variance[i] + 1e-5));
  return { scale, shift: bias.map((x, i) => x - mean[i] * scale[i]) };
}

/** Places tensors of a file in the kernel's memory. */
export class Packer {
  /** @param {Memory} memory @param {CodecFile} file */
  constructor(memory, file) {
    this.memory = memory;
    this.file = file;
  }

  /** @param {string} name @returns {Float32Array} */
  tensor(name) {
    return /** @type {Float32Array} */ (this.file.tensors.get(name));
  }

  /**
   * @param {Float32Array} packed
   * @param {Float32Array | number} bias values, or the address of a row of them for each row of the result
   * @param {number} inputs
   * @param {number} outputs with padding
   * @returns {Layer}
   */
  layer(packed, bias, inputs, outputs) {
    const address = typeof bias === "number" ? bias : this.memory.put(extended(bias, outputs));
    return [this.memory.put(packed), address, inputs, outputs];
  }

  /**
   * The bias of a convolution with that of its rows and its norm, [rows][channels].
   * @param {string} convolution
   * @param {string} band
   * @param {string} norm
   * @param {number} rows
   */
  rowBias(convolution, band, norm, rows) {
    const { scale, shift } = normalization(this.file.tensors, norm);
    const bias = this.tensor(`${convolution}.bias`);
    const banded = this.tensor(`${band}.bias`);
    const out = new Float32Array(rows * bias.length);
    for (let row = 0; row < rows; row++)
      for (let c = 0; c < bias.length; c++)
        out[row * bias.length + c] = (bias[c] + banded[c * rows + row]) * scale[c] + shift[c];
    return this.memory.put(out);
  }
}
