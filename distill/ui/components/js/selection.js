// @ts-check
// Regions of the code grid: how they are chosen, moved, copied, and split into edits of a size that the server accepts.

import { clamp, ordered } from "./axes.js";

/** @typedef {{row: number, column: number}} Cell rows count upwards from the lowest band */
/**
 * First and last row and column, both included; unless all of them are chosen, also the cells that are: see cell_sets.js.
 * @typedef {{rows: [number, number], columns: [number, number], cells?: Set<number>}} Region
 */
/** @typedef {{levels: number, rows: number, columns: number}} Shape */
/** @typedef {number[][][]} Codes by level, row and column */

/** @type {(one: Cell, other: Cell) => Region} */
export function regionBetween(one, other) {
  return { rows: ordered(one.row, other.row), columns: ordered(one.column, other.column) };
}

/** @type {(shape: Shape) => Region} */
export function wholeGrid({ rows, columns }) {
  return { rows: [0, rows - 1], columns: [0, columns - 1] };
}

/** @type {(region: Region | null, cell: Cell, wide?: number) => boolean} */
export function contains(region, { row, column }, wide = 0) {
  if (!region) return false;
  if (region.cells && wide) return region.cells.has(row * wide + column);
  const { rows, columns } = region;
  return row >= rows[0] && row <= rows[1] && column >= columns[0] && column <= columns[1];
}

/** @type {(region: Region) => {tall: number, wide: number}} */
export function sizeOf({ rows, columns }) {
  return { tall: rows[1] - rows[0] + 1, wide: columns[1] - columns[0] + 1 };
}

/**
 * The new first cell of a region that is dragged from one cell to another; null if it does not move.
 * @type {(region: Region, from: Cell, to: Cell) => Cell | null}
 */
export function draggedTo({ rows, columns }, from, to) {
  const row = Math.max(0, rows[0] + to.row - from.row);
  const column = Math.max(0, columns[0] + to.column - from.column);
  return row === rows[0] && column === columns[0] ? null : { row, column };
}

/**
 * A region of the same size at another cell, clipped at the grid's ends.
 * @type {(region: Region, cell: Cell, shape: Shape) => Region}
 */
export function placedAt(region, { row, column }, shape) {
  const { tall, wide } = sizeOf(region);
  return {
    rows: [row, Math.min(shape.rows - 1, row + tall - 1)],
    columns: [column, Math.min(shape.columns - 1, column + wide - 1)],
  };
}

/** @type {(cell: Cell, rows: number, columns: number, shape: Shape) => Cell} */
export function stepped(cell, rows, columns, shape) {
  return {
    row: clamp(cell.row + rows, 0, shape.rows - 1),
    column: clamp(cell.column + columns, 0, shape.columns - 1),
  };
}

/**
 * The cells on a line between two cells, without gaps. The first is left out, unless both are the same.
 * @type {(from: Cell, to: Cell) => Cell[]}
 */
export function cellsBetween(from, to) {
  const [rows, columns] = [to.row - from.row, to.column - from.column];
  const steps = Math.max(Math.abs(rows), Math.abs(columns), 1);
  return Array.from({ length: steps }, (_, index) => ({
    row: Math.round(from.row + (rows * (index + 1)) / steps),
    column: Math.round(from.column + (columns * (index + 1)) / steps),
  }));
}

/**
 * The codes of a region.
 * @param {Uint16Array} indices
 * @param {Shape} shape
 * @param {Region & {levels: [number, number]}} region
 * @returns {Codes}
 */
export function codesIn(indices, shape, { levels, rows, columns }) {
  const { tall, wide } = sizeOf({ rows, columns });
  return Array.from({ length: levels[1] - levels[0] + 1 }, (_, level) =>
    Array.from({ length: tall }, (_unused, row) => {
      const first = ((levels[0] + level) * shape.rows + rows[0] + row) * shape.columns + columns[0];
      return [...indices.subarray(first, first + wide)];
    }),
  );
}

/**
 * Split a list into parts of a maximum length.
 * @template T
 * @param {T[]} list
 * @param {number} most
 */
export function parts(list, most) {
  return Array.from({ length: Math.ceil(list.length / most) }, (_, index) =>
    list.slice(index * most, (index + 1) * most),
  );
}

/**
 * Split codes into parts by columns, each with no more cells than one edit may name. Columns after the grid's end are
 * left out.
 * @param {Codes} codes
 * @param {number} column column of the first code
 * @param {Shape} shape
 * @param {number} mostCells
 * @returns {{codes: Codes, column: number}[]}
 */
export function pasteParts(codes, column, shape, mostCells) {
  const [tall, wide] = [codes[0].length, codes[0][0].length];
  const step = Math.max(1, Math.floor(mostCells / (codes.length * tall)));
  const firsts = Array.from({ length: Math.ceil(wide / step) }, (_, index) => index * step);
  return firsts
    .filter((first) => column + first < shape.columns)
    .map((first) => ({
      codes: codes.map((plane) => plane.map((row) => row.slice(first, first + step))),
      column: column + first,
    }));
}
