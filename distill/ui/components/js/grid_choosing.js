// @ts-check
// Selecting by meaning: all cells of a code, all like it; a selection grown, shrunk or turned round.

import { cellsOf, cellsWith, grown, inverted, selectionOf, shrunk } from "./cell_sets.js";

/** @typedef {"same" | "like" | "grow" | "shrink" | "invert"} Choosing */

const NOTHING_LEFT = "Nothing is left to select.";

/**
 * The new selection.
 * @param {Choosing} name
 * @param {import("./grid_state.js").GridState} state
 * @param {number[]} near codes like the one under the cursor, the nearest first
 */
export function chosenBy(name, state, near) {
  const { codes } = state;
  const cells = cellsOf(state.chosen, codes);
  const wanted = new Set([state.codeUnderCursor, ...(name === "like" ? near : [])]);
  if (name === "same" || name === "like") return selectionOf(cellsWith(codes, state.level, wanted), codes);
  const made = { grow: grown, shrink: shrunk, invert: inverted }[name](
    name === "invert" ? cellsOf(state.selection, codes) : cells,
    codes,
  );
  return selectionOf(made, codes);
}

/** @param {import("./code_grid.js").CodeGrid} grid @param {Choosing} name */
export function choose(grid, name) {
  const { state, lens } = grid;
  const near = lens.near(state.level, state.codeUnderCursor).slice(0, Math.max(1, grid.controls.numbers.rank));
  const selection = chosenBy(name, state, near);
  state.select(selection);
  grid.tell(selection ? "" : NOTHING_LEFT);
  grid.show();
}

/** @param {import("./code_grid.js").CodeGrid} grid */
export function connectChoosing(grid) {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (grid.element.querySelectorAll("[data-choose]"))) {
    button.onclick = () => choose(grid, /** @type {Choosing} */ (button.dataset.choose));
  }
}
