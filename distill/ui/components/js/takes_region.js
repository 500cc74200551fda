// @ts-check
// What takes are drawn for, and where their codes go.

/** @typedef {"vary" | "fill" | "left" | "right"} TakeTool */
/**
 * @typedef {{tool: string, levels: [number, number], rows: [number, number], columns: [number, number]}
 *   & Record<string, unknown>} Asked
 */

/**
 * The region that a tool draws, and what it asks for; null if there are no columns.
 * @param {TakeTool} tool
 * @param {{levels: number[], rows: number[], columns: number[], only?: [number, number][]}} selected
 * @param {number} columns of the clip
 * @param {number} amount share of the cells, for "vary"
 * @returns {Asked | null}
 */
export function regionOf(tool, { levels, rows, columns: [first, last], only }, columns, amount) {
  const region = { levels: pair(levels), rows: pair(rows) };
  const width = last - first + 1;
  /** @type {{columns: [number, number], only?: [number, number][]}} */
  const here = { columns: [first, last], ...(only && { only }) };
  if (tool === "vary") return { tool, ...region, ...here, amount };
  if (tool === "fill") return { tool, ...region, ...here, loop: first === 0 || last === columns - 1 };
  /** @type {[number, number]} */
  const beside =
    tool === "left" ? [Math.max(first - width, 0), first - 1] : [last + 1, Math.min(last + width, columns - 1)];
  return beside[0] > beside[1] ? null : { tool: "continue", ...region, columns: beside, side: tool };
}

/**
 * The codes of a take as the page puts them into the grid.
 * @param {Asked} asked
 * @param {Uint16Array} codes [levels, rows, columns] of the region
 * @param {{positionOf: (level: number, row: number, column: number) => number}} grid
 * @returns {[number, number][]}
 */
export function putsOfTake({ levels, rows, columns }, codes, grid) {
  const [height, width] = [rows[1] - rows[0] + 1, columns[1] - columns[0] + 1];
  return Array.from(codes, (code, place) => {
    const level = levels[0] + Math.floor(place / (height * width));
    const row = rows[0] + (Math.floor(place / width) % height);
    return [grid.positionOf(level, row, columns[0] + (place % width)), code];
  });
}

/**
 * Whether a grid is what it was, but for some codes.
 * @param {Uint16Array} base
 * @param {[number, number][]} puts
 * @param {Uint16Array} cells codes and faders
 */
export function isStill(base, puts, cells) {
  const expected = base.slice();
  for (const [position, code] of puts) expected[position] = code;
  return expected.length === cells.length && expected.every((code, position) => code === cells[position]);
}

/** @param {number[]} ends @returns {[number, number]} */
const pair = ([first, last]) => [first, last];
