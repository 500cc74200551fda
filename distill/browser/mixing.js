// @ts-check
// The mix of a grid: a fader and a mute for each code, as distill/codes/mixing.py has them. The cells of a grid are its
// codes followed by its faders, which may be missing.

export const FULL = 50; // a fader at 1
export const HIGHEST = 75; // a fader at 1.5
export const MUTED = 128; // what a mute adds
export const LOUDEST = 1.5;

/** The gain of a fader, from 0 to 1.5. @param {number} fader */
export const gainOf = (fader) => (fader >= MUTED ? 0 : (fader % MUTED) / FULL);

/**
 * A fader with a gain or a mute changed; undefined leaves either.
 * @param {number} fader
 * @param {number | null | undefined} gain from 0 to 1.5
 * @param {boolean | null | undefined} mute
 */
export function mixed(fader, gain, mute) {
  const position = gain === undefined || gain === null ? fader % MUTED : faderOf(gain);
  const muted = mute === undefined || mute === null ? fader >= MUTED : mute;
  return position + (muted ? MUTED : 0);
}

/** The position of a fader for a gain. @param {number} gain */
export function faderOf(gain) {
  return halfToEven(gain / 0.02);
}

/** @param {number} value rounded to a whole number, half to even as Python does */
function halfToEven(value) {
  const below = Math.floor(value);
  const isUp = value - below > 0.5 || (value - below === 0.5 && below % 2 === 1);
  return isUp ? below + 1 : below;
}

/**
 * The cells of a grid: its codes, then its faders.
 * @param {Uint16Array} cells codes, or codes and faders
 * @param {number} count number of codes
 */
export function wholeCells(cells, count) {
  if (cells.length === 2 * count) return cells.slice();
  const whole = new Uint16Array(2 * count).fill(FULL, count);
  whole.set(cells);
  return whole;
}

/**
 * The faders of a grid; null if all are at 1 and nothing is muted.
 * @param {Uint16Array} cells
 * @param {number} count number of codes
 */
export function mixOf(cells, count) {
  const mix = cells.subarray(count);
  return mix.some((fader) => fader !== FULL) ? mix : null;
}

/**
 * The gains of some columns [rows of all levels][last - first]; null if all are 1.
 * @param {Uint16Array} cells codes and faders
 * @param {number} columns
 * @param {number} first
 * @param {number} last
 */
export function gainsIn(cells, columns, first, last) {
  const count = cells.length / 2;
  const width = last - first;
  const gains = new Float32Array((count / columns) * width);
  let isPlain = true;
  for (let row = 0; row < count / columns; row++)
    for (let column = 0; column < width; column++) {
      const fader = cells[count + row * columns + first + column];
      isPlain &&= fader === FULL;
      gains[row * width + column] = gainOf(fader);
    }
  return isPlain ? null : gains;
}

/**
 * The cells with all muted outside a region.
 * @param {Uint16Array} cells codes and faders
 * @param {{rows: number, columns: number}} shape
 * @param {{levels: [number, number], rows: [number, number], columns: [number, number], only?: [number, number][]}} region
 *   ends are included; if not all of its cells are heard, `only` has their rows and columns
 */
export function soloCells(cells, shape, region) {
  const isHeard = heardIn(shape, region);
  const alone = cells.slice();
  const count = cells.length / 2;
  for (let index = 0; index < count; index++)
    if (!isHeard(index)) alone[count + index] = (alone[count + index] % MUTED) + MUTED;
  return alone;
}

/**
 * Whether a code is in a region, by its position.
 * @param {{rows: number, columns: number}} shape
 * @param {{levels: [number, number], rows: [number, number], columns: [number, number], only?: [number, number][]}} region
 *   as in `soloCells`
 * @returns {(position: number) => boolean}
 */
export function heardIn({ rows, columns }, region) {
  const meant = region.only && new Set(region.only.map(([row, column]) => row * columns + column));
  return (position) => {
    const column = position % columns;
    const row = Math.floor(position / columns) % rows;
    const level = Math.floor(position / (rows * columns));
    const isWithin = within(level, region.levels) && within(row, region.rows) && within(column, region.columns);
    return isWithin && (!meant || meant.has(row * columns + column));
  };
}

/** @type {(place: number, ends: [number, number]) => boolean} */
const within = (place, [first, last]) => place >= first && place <= last;
