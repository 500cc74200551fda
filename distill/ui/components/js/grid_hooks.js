// @ts-check
// The state of a code grid for scripts and tests.

/** @param {import("./code_grid.js").CodeGrid} grid */
export const hooksOf = (grid) => ({
  get indices() {
    return grid.state.codes.indices;
  },
  /** The fader of each code; see browser/mixing.js. */
  get faders() {
    return grid.state.codes.faders;
  },
  /** The sound of what is soloed, as far as it is made; null without a solo. */
  get soloSamples() {
    const tape = grid.sound.maker.tapes.solo;
    return tape?.isFull ? tape.samples : null;
  },
  get pending() {
    return grid.editor.queue.pending;
  },
  get samples() {
    return grid.sound.samples;
  },
  get stale() {
    return grid.sound.stale;
  },
  /** Whether the page makes the sound itself. */
  get isLocal() {
    return grid.sound.isLocal;
  },
  /** When playback last changed over to other sound; see deck.js. */
  get latest() {
    return grid.sound.deck.latest;
  },
  /** When playback last began, of the clip or of an edited place. */
  get first() {
    return grid.sound.deck.first;
  },
  get position() {
    return grid.sound.deck.moment;
  },
  get selection() {
    return grid.state.selection;
  },
});
