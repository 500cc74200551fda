// @ts-check
// The tools of the code grid: the request to the server for each button.

/** @typedef {{kind: string} & Record<string, unknown>} Asked */

/**
 * Values of the fields beside the tools.
 * @typedef {{times: number, rank: number, amount: number}} Fields
 */

const NO_SECOND = "Choose a second clip below the grid first.";
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
      return { kind: "repeat", ...region, times };
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
 * The message for an edit that changed nothing; empty for an edit that often changes nothing.
 * @param {string} kind
 * @param {number[] | null} positions where codes changed
 */
export function idleWords(kind, positions) {
  const isIdle = positions?.length === 0 && !["undo", "redo", "paint"].includes(kind);
  return isIdle ? "That changed nothing: the codes there are these already." : "";
}
