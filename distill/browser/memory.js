// @ts-check
// The kernel and its memory, in which arrays are placed one after another.

/**
 * What kernel.wasm exports.
 * @typedef {object} Kernel
 * @property {WebAssembly.Memory} memory
 * @property {(bytes: number) => number} alloc
 * @property {() => number} mark
 * @property {(to: number) => void} release
 * @property {() => number} decoder the address of the decoder's description
 * @property {() => number} vocoder
 * @property {() => number} encoder
 * @property {(which: number) => number} fourier_tables
 * @property {(inputs: number, rows: number, layer: number, out: number) => void} apply
 * @property {(samples: number) => void} noise
 * @property {(cache: number, codes: number, gains: number, quiet: number, first: number, count: number) => void} columns
 * @property {(cache: number, columns: number, first: number, last: number) => void} mel
 * @property {(cache: number, frames: number, first: number, last: number) => void} enter
 * @property {(cache: number, index: number, frames: number, first: number, last: number) => void} block
 * @property {(cache: number, frames: number, first: number, last: number) => void} draw
 * @property {(cache: number, index: number, frames: number, first: number, last: number) => void} wave
 * @property {(cache: number, index: number, first: number, last: number, out: number) => void} samples
 * @property {(samples: number, frames: number, mel: number) => void} analyse
 * @property {(mel: number, melFirst: number, melCount: number, columns: number, first: number, last: number, codes: number) => void} encode
 */

/** @typedef {Float32Array | Int32Array | Int16Array} Numbers */

export class Memory {
  /** @param {Kernel} kernel */
  constructor(kernel) {
    this.kernel = kernel;
  }

  /** Take memory, and return its address. @param {number} bytes */
  take(bytes) {
    return refusing(() => this.kernel.alloc(bytes) >>> 0);
  }

  /** Copy an array into the kernel's memory, and return its address. @param {Numbers} numbers */
  put(numbers) {
    const address = this.take(numbers.byteLength);
    this.write(address, numbers);
    return address;
  }

  /** @param {number} address @param {Numbers} numbers */
  write(address, numbers) {
    new Uint8Array(this.kernel.memory.buffer, address).set(
      new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength),
    );
  }

  /** A view of floats; it is gone when the memory grows. @param {number} address @param {number} count */
  floats(address, count) {
    return new Float32Array(this.kernel.memory.buffer, address, count);
  }

  /**
   * Do something, and give back the memory that it took.
   * @template T
   * @param {() => T} work
   */
  briefly(work) {
    const before = this.kernel.mark();
    try {
      return refusing(work);
    } finally {
      this.kernel.release(before);
    }
  }

  /**
   * Do something, and give back the memory that it took if it fails.
   * @template T
   * @param {() => T} work
   */
  wholly(work) {
    const before = this.kernel.mark();
    try {
      return refusing(work);
    } catch (error) {
      this.kernel.release(before);
      throw error;
    }
  }
}

/**
 * The kernel stops itself where the browser gives it no more memory.
 * @template T
 * @param {() => T} work
 */
function refusing(work) {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
    throw new Error("There is not enough memory for the codec in this page.", { cause: error });
  }
}
