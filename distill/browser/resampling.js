// @ts-check
// Resampling by a windowed sinc, as finely as soxr does on the server: what lies below 91 % of the lower of both
// Nyquist frequencies stays, what lies above it is gone (-120 dB).

const PASSED = 0.913; // share of the lower Nyquist frequency up to which all is kept
const ATTENUATION = 120; // dB
const MOST_PHASES = 640; // of the filter; the usual rates need 441 at most
const SLICE = 65_536; // samples that are made before other work may go first

/** @param {number} a @param {number} b @returns {number} */
const divisor = (a, b) => (b ? divisor(b, a % b) : a);

/**
 * Whether two rates, in Hz, stand in a ratio for which a sound can be resampled here.
 * @param {number} from
 * @param {number} to
 */
export const isResampled = (from, to) => Number.isInteger(from) && from > 0 && to / divisor(from, to) <= MOST_PHASES;

/** The modified Bessel function of the first kind, of order 0. @param {number} x */
function bessel(x) {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/**
 * The filter at a distance, for a sinc that falls to zero at every whole number (Kaiser window).
 * @param {number} half zeros on each side
 */
function windowedSinc(half) {
  const beta = 0.1102 * (ATTENUATION - 8.7);
  const most = bessel(beta);
  return (/** @type {number} */ x) => {
    if (Math.abs(x) >= half) return 0;
    const window = bessel(beta * Math.sqrt(1 - (x / half) ** 2)) / most;
    return x === 0 ? window : (window * Math.sin(Math.PI * x)) / (Math.PI * x);
  };
}

/**
 * The weights of the samples around each phase between two of them.
 * @param {number} phases
 * @param {number} ratio of the rates, to / from
 */
function filterOf(phases, ratio) {
  const cutoff = ((1 + PASSED) / 2) * Math.min(1, ratio); // relative to the Nyquist frequency of the first rate
  const width = (ATTENUATION - 7.95) / (2.285 * Math.PI * (1 - PASSED) * Math.min(1, ratio)); // of the filter, in samples
  const reach = Math.ceil(width / 2); // samples on each side
  const sinc = windowedSinc(reach * cutoff);
  const taps = 2 * reach;
  const weights = new Float32Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    for (let tap = 0; tap < taps; tap++) {
      weights[phase * taps + tap] = cutoff * sinc(cutoff * (tap - reach + 1 - phase / phases));
    }
  }
  return { weights, taps, reach };
}

/**
 * Resample a sound. The result begins at the same moment and lasts as long.
 * @param {Float32Array} samples
 * @param {number} from rate of the samples, in Hz
 * @param {number} to rate of the result, in Hz; see `isResampled`
 * @param {() => Promise<unknown>} [pause] awaited again and again, so that other work is not held up
 * @returns {Promise<Float32Array<ArrayBuffer>>}
 */
export async function resampled(samples, from, to, pause = async () => {}) {
  if (from === to) return new Float32Array(samples);
  const common = divisor(from, to);
  const [phases, step] = [to / common, from / common];
  const { weights, taps, reach } = filterOf(phases, to / from);
  const out = new Float32Array(Math.round((samples.length * to) / from));
  for (let begin = 0; begin < out.length; begin += SLICE) {
    for (let index = begin; index < Math.min(out.length, begin + SLICE); index++) {
      const place = index * step;
      const first = Math.floor(place / phases) - reach + 1;
      const at = (place % phases) * taps - first;
      const last = Math.min(samples.length, first + taps);
      let sum = 0;
      for (let sample = Math.max(0, first); sample < last; sample++) sum += samples[sample] * weights[at + sample];
      out[index] = sum;
    }
    await pause();
  }
  return out;
}
