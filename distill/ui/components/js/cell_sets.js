// @ts-check
// Sets of cells of the code grid: a selection need not be a rectangle. A cell is the number row * columns + column.

/** @typedef {import("./selection.js").Cell} Cell */
/** @typedef {import("./selection.js").Region} Region */
/** @typedef {{rows: number, columns: number}} Size */

/**
 * The selection of some cells: the box around them and, unless they fill it, the cells themselves; null without cells.
 * @param {Set<number>} cells
 * @param {Size} size
 * @returns {Region | null}
 */
export function selectionOf(cells, { columns: wide }) {
  if (!cells.size) return null;
  let [low, high, first, last] = [Number.POSITIVE_INFINITY, -1, Number.POSITIVE_INFINITY, -1];
  for (const cell of cells) {
    const [row, column] = [Math.floor(cell / wide), cell % wide];
    [low, high, first, last] = [
      Math.min(low, row),
      Math.max(high, row),
      Math.min(first, column),
      Math.max(last, column),
    ];
  }
  const isFull = cells.size === (high - low + 1) * (last - first + 1);
  return { rows: [low, high], columns: [first, last], ...(isFull ? {} : { cells }) };
}

/** @type {(region: Region | null, size: Size) => Set<number>} */
export function cellsOf(region, { columns: wide }) {
  if (!region) return new Set();
  if (region.cells) return region.cells;
  const cells = new Set();
  for (let row = region.rows[0]; row <= region.rows[1]; row++) {
    for (let column = region.columns[0]; column <= region.columns[1]; column++) cells.add(row * wide + column);
  }
  return cells;
}

/** @type {(cells: Iterable<number>, wide: number) => [number, number][]} rows and columns */
export const placesOf = (cells, wide) => Array.from(cells, (cell) => [Math.floor(cell / wide), cell % wide]);

/**
 * All cells of a level that have one of some codes.
 * @param {import("./grid_codes.js").GridCodes} codes
 * @param {number} level
 * @param {Set<number>} wanted
 */
export function cellsWith(codes, level, wanted) {
  const each = codes.rows * codes.columns;
  const cells = new Set();
  for (let cell = 0; cell < each; cell++) if (wanted.has(codes.indices[level * each + cell])) cells.add(cell);
  return cells;
}

/** @type {[number, number][]} */
const BESIDE = [
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
];

/**
 * Whether all neighbours of a cell that the grid has are chosen.
 * @param {Set<number>} cells
 * @param {number} cell
 * @param {Size} size
 */
const isInner = (cells, cell, size) => neighboursOf(cell, size).every((each) => cells.has(each));

/** @type {(cell: number, size: Size) => number[]} */
function neighboursOf(cell, { rows, columns }) {
  const [row, column] = [Math.floor(cell / columns), cell % columns];
  return BESIDE.map(([up, right]) => [row + up, column + right])
    .filter(([r, c]) => r >= 0 && r < rows && c >= 0 && c < columns)
    .map(([r, c]) => r * columns + c);
}

/** @type {(cells: Set<number>, size: Size) => Set<number>} */
export const grown = (cells, size) => new Set([...cells, ...[...cells].flatMap((cell) => neighboursOf(cell, size))]);

/** @type {(cells: Set<number>, size: Size) => Set<number>} */
export const shrunk = (cells, size) => new Set([...cells].filter((cell) => isInner(cells, cell, size)));

/** @type {(cells: Set<number>, size: Size) => Set<number>} */
export function inverted(cells, { rows, columns }) {
  const others = new Set();
  for (let cell = 0; cell < rows * columns; cell++) if (!cells.has(cell)) others.add(cell);
  return others;
}

/**
 * The cells that a loop drawn around them holds: those whose middle is inside, and those that it runs through.
 * @param {Cell[]} points cells on the loop, in order
 * @param {Size} size
 */
export function lassoed(points, { columns: wide }) {
  const cells = new Set(points.map(({ row, column }) => row * wide + column));
  const rows = points.map(({ row }) => row);
  for (let row = Math.min(...rows); row <= Math.max(...rows); row++) {
    /** @type {number[]} */
    const crossings = [];
    for (const [index, one] of points.entries()) {
      const other = points[(index + 1) % points.length];
      if (one.row > row === other.row > row) continue;
      crossings.push(one.column + ((row - one.row) / (other.row - one.row)) * (other.column - one.column));
    }
    crossings.sort((one, other) => one - other);
    for (let pair = 0; pair + 1 < crossings.length; pair += 2) {
      for (let column = Math.ceil(crossings[pair]); column <= crossings[pair + 1]; column++)
        cells.add(row * wide + column);
    }
  }
  return cells;
}

/**
 * Cells moved with their region, without those that leave the grid.
 * @param {Set<number>} cells
 * @param {{rows: number, columns: number}} by
 * @param {Size} size
 */
export function movedCells(cells, by, { rows, columns }) {
  const places = placesOf(cells, columns).map(([row, column]) => [row + by.rows, column + by.columns]);
  const inside = places.filter(([row, column]) => row >= 0 && row < rows && column >= 0 && column < columns);
  return new Set(inside.map(([row, column]) => row * columns + column));
}
