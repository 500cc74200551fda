// @ts-check
// Edits of some cells of a region. Like distill/codes/masks.py.

import { GridError } from "./edit_refusals.js";
import { at } from "./grid_regions.js";
import { wholeCells } from "./mixing.js";

/** @typedef {import("./grid_edits.js").EditedClip} EditedClip */
/** @typedef {[row: number, column: number]} Place */

/**
 * @param {EditedClip} clip
 * @param {Place[]} cells
 */
function checkCells(clip, cells) {
  for (const [index, what] of /** @type {const} */ (["Row", "Column"]).entries()) {
    const size = index ? clip.columns : clip.rows;
    const numbers = cells.map((cell) => cell[index]);
    for (const number of [Math.min(...numbers), Math.max(...numbers)]) {
      if (number < 0 || number >= size) {
        throw new GridError(`${what} ${number} is not in this grid: it has ${what.toLowerCase()}s 0 to ${size - 1}.`);
      }
    }
  }
}

/**
 * Refuse cells that are not in the region of an edit.
 * @param {Place[]} cells
 * @param {[number, number]} rows
 * @param {[number, number]} columns
 */
export function checkInside(cells, rows, columns) {
  for (const [row, column] of cells) {
    if (row < rows[0] || row > rows[1] || column < columns[0] || column > columns[1]) {
      throw new GridError(`The cell in row ${row}, column ${column} is not in the region.`);
    }
  }
}

/**
 * The codes and faders before an edit, with those after it in some cells.
 * @param {EditedClip} clip
 * @param {Uint16Array} edited
 * @param {Place[]} cells
 */
function kept(clip, edited, cells) {
  const count = clip.levels * clip.rows * clip.columns;
  const indices = edited.length > clip.indices.length ? wholeCells(clip.indices, count) : clip.indices.slice();
  for (let level = 0; level < (indices.length / count) * clip.levels; level++) {
    for (const cell of cells) indices[at(clip, level, ...cell)] = edited[at(clip, level, ...cell)];
  }
  return indices;
}

/**
 * Cells that are copied elsewhere in the grid; those that would leave it are lost.
 * @param {EditedClip} clip
 * @param {Uint16Array} indices is changed
 * @param {Place[]} cells
 * @param {{levels: [number, number], byRows: number, byColumns: number}} how
 */
function copyCells(clip, indices, cells, { levels, byRows, byColumns }) {
  for (let level = levels[0]; level <= levels[1]; level++) {
    for (const [row, column] of cells) {
      /** @type {Place} */
      const to = [row + byRows, column + byColumns];
      const isInside = to[0] >= 0 && to[0] < clip.rows && to[1] >= 0 && to[1] < clip.columns;
      if (isInside) indices[at(clip, level, ...to)] = clip.indices[at(clip, level, row, column)];
    }
  }
}

/**
 * Limit an edit to the cells that are meant.
 * @param {import("./edit_requests.js").EditRequest} asked
 * @param {EditedClip} clip
 * @param {EditedClip} second
 * @param {import("./grid_edits.js").Edited} edited
 * @param {number[][]} quiet for a move, the codes of silence of each level and row
 * @returns {import("./grid_edits.js").Edited}
 */
export function masked(asked, clip, second, edited, quiet) {
  /** @type {Place[]} */
  const cells = asked.only;
  const many = `${cells.length} cells of `;
  const label = many + edited.label;
  checkCells(clip, cells);
  const { levels } = asked;
  if (asked.kind === "move") {
    const indices = clip.indices.slice();
    for (let level = levels[0]; level <= levels[1]; level++) {
      for (const cell of cells) indices[at(clip, level, ...cell)] = quiet[level][cell[0]];
    }
    const [byRows, byColumns] = [asked.row - asked.rows[0], asked.column - asked.columns[0]];
    copyCells(clip, indices, cells, { levels, byRows, byColumns });
    return { ...edited, label, indices };
  }
  if (asked.kind === "repeat") {
    const indices = clip.indices.slice();
    const [start, end] = asked.columns;
    const period = asked.period || end - start + 1;
    const firstOf = (/** @type {number} */ copy) => start + Math.floor(copy * period + 0.5);
    const times = Math.min(asked.times, Math.ceil((clip.columns - start) / period));
    for (let copy = 1; copy <= times; copy++) {
      const byColumns = firstOf(copy) - start;
      const inside = cells.filter(([, column]) => column + byColumns < firstOf(copy + 1));
      copyCells(clip, indices, inside, { levels, byRows: 0, byColumns });
    }
    return { ...edited, label, indices };
  }
  const indices = kept(clip, edited.indices, cells);
  if (!edited.second) return { ...edited, label, indices };
  const by = Math.min(asked.columns[0], second.columns - 1) - asked.columns[0];
  const theirs = cells.map(([row, column]) => /** @type {Place} */ ([row, column + by]));
  const inside = theirs.filter(([, column]) => column < second.columns);
  const other = { label: many + edited.second.label, indices: kept(second, edited.second.indices, inside) };
  return { ...edited, label, indices, second: other };
}
