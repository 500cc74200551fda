// @ts-check
// What all codecs have in common: mel filters, the tables of the Fourier transform, and the vocoder's noise.

import { BANDS, hzOf, melOf, SAMPLE_RATE } from "./units.js";

export const BINS = 1025;
export const BINS_PADDED = 1028;
export const NOISE_FRAMES = 256;

/**
 * Slaney's mel filters. A bin lies in at most two bands: `band` and the next one.
 * @returns {{band: Int32Array, lower: Float32Array, upper: Float32Array}} for each bin, the weights of both bands
 */
export function melFilters() {
  const top = melOf(SAMPLE_RATE / 2);
  const points = Array.from({ length: BANDS + 2 }, (_, i) => hzOf((top * i) / (BANDS + 1)));
  const weight = (/** @type {number} */ band, /** @type {number} */ f) => {
    const [low, middle, high] = points.slice(band, band + 3);
    return (Math.max(0, Math.min((f - low) / (middle - low), (high - f) / (high - middle))) * 2) / (high - low);
  };
  const band = new Int32Array(BINS_PADDED);
  const lower = new Float32Array(BINS_PADDED);
  const upper = new Float32Array(BINS_PADDED);
  for (let bin = 0, at = 0; bin < BINS; bin++) {
    const f = (bin * SAMPLE_RATE) / 2 / (BINS - 1);
    while (at < BANDS - 2 && f >= points[at + 2]) at++;
    band[bin] = at;
    lower[bin] = weight(at, f);
    upper[bin] = weight(at + 1, f);
  }
  return { band, lower, upper };
}

/**
 * The shares of a bin's two bands in its mean. The first and the last bin lie in no band, and take their neighbour's.
 * @param {ReturnType<typeof melFilters>} filters
 */
export function bandShares({ band, lower, upper }) {
  const shares = { band: band.slice(), lower: lower.slice(), upper: upper.slice() };
  for (let bin = 0; bin < BINS; bin++) {
    const from = Math.min(Math.max(bin, 1), BINS - 2);
    const sum = lower[from] + upper[from];
    shares.band[bin] = band[from];
    shares.lower[bin] = lower[from] / sum;
    shares.upper[bin] = upper[from] / sum;
  }
  return shares;
}

/**
 * The tables of kernel/fourier.c, in its order.
 * @returns {Float32Array[]}
 */
export function fourierTables() {
  const turn = (/** @type {number} */ count, /** @type {number} */ period) =>
    Float32Array.from({ length: 2 * count }, (_, i) => {
      const angle = (-2 * Math.PI * (i >> 1)) / period;
      return i & 1 ? Math.sin(angle) : Math.cos(angle);
    });
  // The window has torch's last digits, which show in quiet bands beside loud ones.
  const step = Math.fround((2 * Math.PI) / 2048);
  const hann = Float32Array.from({ length: 2048 }, (_, i) => 0.5 - 0.5 * Math.fround(Math.cos(Math.fround(i * step))));
  return [turn(1024, 1024), turn(1025, 2048), hann];
}

/**
 * Uniform numbers from 0 to 1, with 24 bits, as torch draws them: Matsumoto & Nishimura, "Mersenne Twister", 1998.
 * @param {number} seed
 * @returns {() => number}
 */
function twister(seed) {
  const state = new Int32Array(624);
  state[0] = seed;
  for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  let at = 624;
  return () => {
    if (at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return (y & 0xffffff) / 2 ** 24;
  };
}

/**
 * Normal numbers as `torch.randn` draws them on a CPU with a seed of 0: Box & Muller's, sixteen at a time.
 * @param {number} count a multiple of 16
 * @returns {Float32Array}
 */
export function normalNumbers(count) {
  const uniform = twister(0);
  const numbers = Float32Array.from({ length: count }, uniform);
  for (let i = 0; i < count; i += 16) {
    for (let j = i; j < i + 8; j++) {
      const radius = Math.sqrt(-2 * Math.log(1 - numbers[j]));
      const angle = 2 * Math.PI * numbers[j + 8];
      numbers[j] = radius * Math.cos(angle);
      numbers[j + 8] = radius * Math.sin(angle);
    }
  }
  return numbers;
}
