// @ts-check
// Regions of a grid: what is in them, what is put into them, and what is repeated. As distill/codes/edits.py has them.

import { checkEnds, GridError, toIndex } from "./edit_refusals.js";

/** @typedef {import("./grid_edits.js").EditedClip} EditedClip */
/** @typedef {import("./grid_edits.js").Ends} Ends */
/** @typedef {import("./grid_edits.js").Region} Region */

/** @type {(clip: EditedClip, level: number, row: number, column: number) => number} */
export const at = (clip, level, row, column) => (level * clip.rows + row) * clip.columns + column;

/** @type {(ends: Ends) => number[]} */
export const each = ([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/**
 * @param {EditedClip} clip
 * @param {Region} region
 */
export function checkRegion(clip, { levels, rows, columns }) {
  checkEnds("Level", levels, clip.levels);
  checkEnds("Row", rows, clip.rows);
  checkEnds("Column", columns, clip.columns);
}

/**
 * The edited codes: for each cell of a region, what a function makes of it; undefined leaves it.
 * @param {EditedClip} clip
 * @param {Region} region
 * @param {(level: number, row: number, column: number, code: number) => number | undefined} codeOf
 */
export function withRegion(clip, { levels, rows, columns }, codeOf) {
  const indices = clip.indices.slice();
  for (const level of each(levels)) {
    for (const row of each(rows)) {
      for (const column of each(columns)) {
        const position = at(clip, level, row, column);
        const code = codeOf(level, row, column, clip.indices[position]);
        if (code !== undefined) indices[position] = code;
      }
    }
  }
  return indices;
}

/**
 * Put nested codes into a grid; what lies beyond its last row and column is left out.
 * @param {EditedClip} clip
 * @param {number[][][]} codes by level, row and column
 * @param {{level: number, row: number, column: number}} place
 */
export function pasted(clip, codes, { level, row, column }) {
  toIndex("Level", level, clip.levels);
  toIndex("Row", row, clip.rows);
  toIndex("Column", column, clip.columns);
  if (level + codes.length > clip.levels) {
    throw new GridError(`Copied codes of ${codes.length} levels do not fit at level ${level} of ${clip.levels}.`);
  }
  /** @type {Region} */
  const region = {
    levels: [level, level + codes.length - 1],
    rows: [row, Math.min(clip.rows, row + codes[0].length) - 1],
    columns: [column, Math.min(clip.columns, column + codes[0][0].length) - 1],
  };
  return withRegion(clip, region, (atLevel, atRow, atColumn) => codes[atLevel - level][atRow - row][atColumn - column]);
}

/**
 * Repeat a region to its right: each copy starts at the nearest column, and ends where the next one starts.
 * @param {EditedClip} clip
 * @param {Region} region
 * @param {number} times
 * @param {number} period columns from copy to copy; 0 for the width of the region
 */
export function repeated(clip, region, times, period) {
  if (period !== 0 && !(period >= 1)) {
    throw new GridError("period must be 0 or at least 1 column.");
  }
  const [start, last] = region.columns;
  const width = last - start + 1;
  const indices = clip.indices.slice();
  const step = period || width;
  const placeOf = (/** @type {number} */ count) => start + Math.floor(count * step + 0.5);
  for (let copy = 1; copy <= times && placeOf(copy) < clip.columns; copy++) {
    const first = placeOf(copy);
    const stop = Math.min(first + width, placeOf(copy + 1), clip.columns);
    for (const level of each(region.levels)) {
      for (const row of each(region.rows)) {
        for (let column = first; column < stop; column++)
          indices[at(clip, level, row, column)] = clip.indices[at(clip, level, row, start + column - first)];
      }
    }
  }
  return indices;
}
