// @ts-check
// The tools of the code grid: the request to the server for each button.

/** @typedef {{kind: string} & Record<string, unknown>} Asked */

/**
 * Values of the fields beside the tools.
 * @typedef {{times: number, rank: number, amount: number}} Fields
 */

const NO_SECOND = "Choose a second clip first.";
const SAME_CODE = "Pick another code in the palette first: it takes the place of the one under the cursor.";

/**
 * The request of a tool for the current selection; a sentence if the tool cannot be used on it.
 * @param {string} tool
 * @param {import("./grid_state.js").GridState} state
 * @param {Fields} fields
 * @param {string | null} second the secret of the second clip
 * @returns {Asked | string | null} null if the name is no tool's
 */
export function editOf(tool, state, { times, rank, amount }, second) {
  const { region, regionOfLevel: ofLevel, brush: code, level } = state;
  switch (tool) {
    case "clear":
    case "reverse":
      return { kind: tool, ...region };
    case "clear-level":
      return { kind: "clear", ...state.wholeLevel };
    case "set":
      return { kind: "set", ...ofLevel, code };
    case "repeat":
      return { kind: "repeat", ...region, times, period: state.repeatPeriod(region.columns) };
    case "left":
    case "right":
      return { kind: "shift", ...region, by_columns: tool === "left" ? -1 : 1 };
    case "up":
    case "down":
      return { kind: "shift", ...region, by_rows: tool === "up" ? 1 : -1 };
    case "similar":
      return { kind: "similar", ...ofLevel, rank };
    case "random":
      return { kind: "random", ...ofLevel, among: Math.max(2, rank), seed: Math.floor(Math.random() * 1e9) };
    case "replace":
      if (state.codeUnderCursor === code) return SAME_CODE;
      return { kind: "replace", level, code: state.codeUnderCursor, replacement: code };
    case "blend":
      return second ? { kind: "blend", ...region, second, amount } : NO_SECOND;
    case "swap":
      return second ? { kind: "swap", ...region, second } : NO_SECOND;
    case "undo":
    case "redo":
    case "reset":
      return { kind: tool };
    default:
      return null;
  }
}

/**
 * The codes that an edit puts, for edits whose result needs no more than the request: the page shows and plays them at
 * once. An empty list for other edits.
 * @param {Asked} asked
 * @param {import("./grid_codes.js").GridCodes} codes
 * @returns {import("./grid_codes.js").Put[]}
 */
export function putsOf(asked, codes) {
  /** @type {import("./grid_codes.js").Put[]} */
  const puts = [];
  const { only } = /** @type {{only?: [number, number][]}} */ (asked);
  const meant = only && new Set(only.map((cell) => cell.join()));
  const put = (/** @type {number[]} */ [level, row, column], /** @type {number} */ code) => {
    if (level < codes.levels && row < codes.rows && column < codes.columns && (!meant || meant.has(`${row},${column}`)))
      puts.push([codes.positionOf(level, row, column), code]);
  };
  if (asked.kind === "set") {
    const { levels, rows, columns, code } = /** @type {any} */ (asked);
    for (let row = rows[0]; row <= rows[1]; row++) {
      for (let column = columns[0]; column <= columns[1]; column++) put([levels[0], row, column], code);
    }
  } else if (asked.kind === "paste") {
    const { level, row, column, codes: copied } = /** @type {any} */ (asked);
    for (const [plane, rows] of copied.entries()) {
      for (const [up, line] of rows.entries()) {
        for (const [right, code] of line.entries()) put([level + plane, row + up, column + right], code);
      }
    }
  }
  return puts;
}

/**
 * The message for an edit that changed nothing; empty for an edit that often changes nothing.
 * @param {string} kind
 * @param {number[] | null} positions where codes changed
 */
export function idleWords(kind, positions) {
  const isIdle = positions?.length === 0 && !["undo", "redo", "paint", "mix"].includes(kind);
  return isIdle ? "That changed nothing: the codes there are these already." : "";
}
