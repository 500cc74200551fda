// @ts-check
// What the code grid says of a cell and of the selection.

import { cellsOf } from "./cell_sets.js";

const LISTED = 4; // codes of a selection that are named
const MOST_COUNTED = 50_000; // cells

/**
 * Place, band and codes of a cell on each level.
 * @param {import("./types.js").GridValue} value
 * @param {import("./grid_codes.js").GridCodes} codes
 * @param {import("./selection.js").Cell & {level: number}} cell
 */
export function cellWords(value, codes, cell) {
  const each = value.column_seconds;
  const time = `${(cell.column * each).toFixed(2)} s`;
  const others = value.levels
    .map((name, level) => (level === cell.level ? "" : `${name} ${codes.codeAt(level, cell)}`))
    .filter(Boolean);
  const own = `${value.levels[cell.level]} code ${codes.codeAt(cell.level, cell)}`;
  return `${time}, ${value.bands[cell.row]}: ${[own, ...others].join(", ")}.`;
}

/**
 * Lower and upper frequency of rows, from their labels.
 * @param {string[]} bands
 * @param {[number, number]} rows
 */
export function bandWords(bands, [low, high]) {
  if (low === high) return bands[low];
  const [from, to] = [bands[low], bands[high]].map((band) => {
    const [, first, last, unit] = /^(.*)–(.*) (\S+)$/.exec(band) ?? ["", "", band, ""];
    return { first: `${first} ${unit}`, last: `${last} ${unit}` };
  });
  return `${from.first} to ${to.last}`;
}

/**
 * Length, band and codes of a selection.
 * @param {import("./types.js").GridValue} value
 * @param {import("./grid_codes.js").GridCodes} codes
 * @param {import("./selection.js").Region} selection
 * @param {number} level
 */
export function selectionWords(value, codes, selection, level) {
  const { rows, columns } = selection;
  const [wide, tall] = [columns[1] - columns[0] + 1, rows[1] - rows[0] + 1];
  const seconds = `${(wide * value.column_seconds).toFixed(2)} s`;
  const size = selection.cells ? `${selection.cells.size} cells in ${wide} × ${tall}` : `${wide} × ${tall}`;
  return `Selected: ${size}, ${seconds}, ${bandWords(value.bands, rows)}${codesWords(codes, selection, level)}.`;
}

/**
 * @param {import("./grid_codes.js").GridCodes} codes
 * @param {import("./selection.js").Region} selection
 * @param {number} level
 */
function codesWords(codes, selection, level) {
  const { rows, columns } = selection;
  if ((rows[1] - rows[0] + 1) * (columns[1] - columns[0] + 1) > MOST_COUNTED) return "";
  /** @type {Map<number, number>} */
  const counts = new Map();
  const first = level * codes.rows * codes.columns;
  for (const cell of cellsOf(selection, codes)) {
    const code = codes.indices[first + cell];
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const sorted = [...counts].sort((one, other) => other[1] - one[1] || one[0] - other[0]);
  const named = sorted.slice(0, LISTED).map(([code, count]) => (count > 1 ? `${code} (${count} ×)` : String(code)));
  const rest = sorted.length > LISTED ? ` and ${sorted.length - LISTED} more` : "";
  return `, codes ${named.join(", ")}${rest}`;
}
