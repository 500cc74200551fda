// @ts-check
// Whether a browser can run the codec, and which of the two kernels is for it.

// (module (func (result v128) v128.const 0 (i8x16.popcnt)))
const VECTORS = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
];
// (module (func (result v128) i32.const 0 (i8x16.splat) three times (f32x4.relaxed_madd)))
const RELAXED = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 15, 65, 0, 253, 15, 65,
  0, 253, 15, 253, 133, 2, 11,
];

/**
 * The file name of the kernel that this browser runs fastest; null if it runs none.
 * @returns {"kernel.wasm" | "kernel_relaxed.wasm" | null}
 */
export function bestKernel() {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(Uint8Array.from(VECTORS))) return null;
  return WebAssembly.validate(Uint8Array.from(RELAXED)) ? "kernel_relaxed.wasm" : "kernel.wasm";
}
