// @ts-check
// What the page and its worker both know of grids.

/**
 * Refuse a grid that does not fit a codec.
 * @param {{levels: number, timeStride: number}} codec
 * @param {Uint16Array} codes [levels][8][columns], which faders of the same shape may follow
 * @param {number} columns
 * @param {number} numFrames
 */
export function checkGrid({ levels, timeStride }, codes, columns, numFrames) {
  const count = levels * 8 * columns;
  if (
    columns < 1 ||
    (codes.length !== count && codes.length !== 2 * count) ||
    columns !== Math.ceil(numFrames / timeStride)
  )
    throw new Error("This grid does not fit the codec.");
}

/**
 * Columns in runs without gaps: the first of each run, and the one after its last.
 * @param {Iterable<number>} columns
 * @returns {[first: number, last: number][]}
 */
export function runsOf(columns) {
  /** @type {[first: number, last: number][]} */
  const runs = [];
  for (const column of [...new Set(columns)].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run?.[1] === column) run[1]++;
    else runs.push([column, column + 1]);
  }
  return runs;
}
