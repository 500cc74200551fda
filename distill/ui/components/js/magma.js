// @ts-check
// The colours of spectrograms: from black by red to yellow, as matplotlib's "magma" has them.

const MAGMA =
  "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 d0416f e75263 f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf"
    .split(" ")
    .map((colour) => [0, 2, 4].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)));

/**
 * @param {number} share 0 to 1
 * @returns {number[]} red, green and blue, 0 to 255
 */
export function magma(share) {
  const place = share * (MAGMA.length - 1);
  const below = Math.min(MAGMA.length - 2, Math.floor(place));
  return MAGMA[below].map((value, channel) => value + (MAGMA[below + 1][channel] - value) * (place - below));
}
