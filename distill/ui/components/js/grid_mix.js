// @ts-check
// The mix of the code grid: which cells a fader reaches, where they stand, and what a fader or a mute changes.

import { gainOf, MUTED, mixed } from "../../../browser/mixing.js";

/** @typedef {import("./grid_state.js").LevelRegion} LevelRegion */
/** @typedef {import("./grid_codes.js").GridCodes} GridCodes */
/** @typedef {{name: "level" | "row", index: number}} Strip a fader of a level or of a row */

/**
 * The cells that a fader reaches: those of its level or row within the selection; without one, in the whole clip. Null
 * if none of them is selected.
 * @param {Strip} strip
 * @param {import("./grid_state.js").GridState} state
 * @returns {LevelRegion | null}
 */
export function reachOf({ name, index }, { codes, selection, region, everyLevel, level }) {
  const columns = selection?.columns ?? [0, codes.columns - 1];
  const rows = selection?.rows ?? /** @type {[number, number]} */ ([0, codes.rows - 1]);
  const selected = selection ? region.only : undefined;
  if (name === "level") return { levels: [index, index], rows, columns, ...(selected && { only: selected }) };
  const only = selected?.filter(([row]) => row === index);
  if (index < rows[0] || index > rows[1] || only?.length === 0) return null;
  const levels = /** @type {[number, number]} */ (everyLevel ? [0, codes.levels - 1] : [level, level]);
  return { levels, rows: [index, index], columns, ...(only && { only }) };
}

/**
 * Visit the cells of a region.
 * @param {GridCodes} codes
 * @param {LevelRegion} region
 * @param {(position: number) => void} visit
 */
function eachOf(codes, { levels, rows, columns, only }, visit) {
  for (let level = levels[0]; only && level <= levels[1]; level++)
    for (const [row, column] of only) visit(codes.positionOf(level, row, column));
  if (only) return;
  for (let level = levels[0]; level <= levels[1]; level++)
    for (let row = rows[0]; row <= rows[1]; row++)
      for (let column = columns[0]; column <= columns[1]; column++) visit(codes.positionOf(level, row, column));
}

/**
 * Where the faders of a region stand: the lowest and the highest, 0 to 1.5, and whether all are muted.
 * @param {GridCodes} codes
 * @param {LevelRegion} region
 */
export function standOf(codes, region) {
  let [low, high, isMuted] = [Number.POSITIVE_INFINITY, 0, true];
  eachOf(codes, region, (position) => {
    const fader = codes.faders[position];
    const gain = gainOf(fader % MUTED);
    low = Math.min(low, gain);
    high = Math.max(high, gain);
    isMuted &&= fader >= MUTED;
  });
  return { low, high, isMuted };
}

/**
 * The faders that an edit of the kind mix puts.
 * @param {GridCodes} codes
 * @param {LevelRegion & {gain?: number, mute?: boolean}} asked
 * @returns {import("./grid_codes.js").Put[]}
 */
export function mixPuts(codes, { gain, mute, ...region }) {
  /** @type {import("./grid_codes.js").Put[]} */
  const puts = [];
  eachOf(codes, region, (position) => {
    const fader = codes.faders[position];
    const changed = mixed(fader, gain, mute);
    if (changed !== fader) puts.push([codes.count + position, changed]);
  });
  return puts;
}

/** The faders of a region as they stand. @param {GridCodes} codes @param {LevelRegion} region */
export function fadersIn(codes, region) {
  /** @type {import("./grid_codes.js").Put[]} */
  const puts = [];
  eachOf(codes, region, (position) => puts.push([codes.count + position, codes.faders[position]]));
  return puts;
}

/** @type {(stand: {low: number, high: number, isMuted: boolean}) => string} */
export function standWords({ low, high, isMuted }) {
  const percent = (/** @type {number} */ gain) => Math.round(100 * gain);
  const where = low === high ? `${percent(low)} %` : `${percent(low)}–${percent(high)} %`;
  return isMuted ? `${where}, muted` : where;
}

/** What the mix does to the cursor's cell, in words; "" if nothing. @param {import("./grid_state.js").GridState} state */
export function mixWords({ codes, cursor, level }) {
  const fader = codes.faders[codes.positionOf(level, cursor.row, cursor.column)];
  const gain = gainOf(fader % MUTED);
  if (fader < MUTED && gain === 1) return "";
  return ` Mix: ${standWords({ low: gain, high: gain, isMuted: fader >= MUTED })}.`;
}
