// @ts-check
// The state of a code grid for scripts and tests.

/** @param {import("./code_grid.js").CodeGrid} grid */
export const hooksOf = (grid) => ({
  get indices() {
    return grid.state.codes.indices;
  },
  get pending() {
    return grid.queue.pending;
  },
  get samples() {
    return grid.sound.samples;
  },
  get stale() {
    return [...grid.sound.pieces.stale];
  },
  get position() {
    return grid.sound.deck.moment;
  },
  get selection() {
    return grid.state.selection;
  },
});
