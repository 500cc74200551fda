// @ts-check
// Notes that pads play over the running clip: when they are heard, which columns they fill, and how long they are held.

import { snapped } from "./beats.js";
import { columnOf, putsOfCode } from "./pads.js";

/**
 * A note; `column` is the last that it has filled, and `time` when that began, in milliseconds of the page.
 * @typedef {{column: number, time: number, code: number, level: number, rows: [number, number]}} Held
 */

export class HeldNotes {
  /** @type {Map<number, Held>} by pad */
  #held = new Map();

  /**
   * @param {import("./code_grid.js").CodeGrid} grid
   * @param {(puts: import("./grid_codes.js").Put[]) => void} put
   */
  constructor(grid, put) {
    this.grid = grid;
    this.put = put;
  }

  /** Whether the clip runs, not only an edited place. */
  get isRunning() {
    return this.grid.sound.playing === "all";
  }

  /**
   * The moment of the clip that was heard when something was played, before the page came to it.
   * @param {number} time in milliseconds of the page
   */
  heardAt(time) {
    const { deck, round } = this.grid.sound;
    if (!this.isRunning && !this.#held.size) return deck.moment;
    const moment = deck.moment - deck.latest.latency - Math.max(0, performance.now() - time) / 1000;
    return round && moment < round[0] ? moment + round[1] - round[0] : moment;
  }

  /** @param {number} moment in seconds */
  columnAt(moment) {
    const { measure } = this.grid.beat;
    return columnOf(snapped(measure, moment), { ...measure, loop: this.grid.sound.round });
  }

  /** @param {number} pad @param {Held} note */
  hold(pad, note) {
    this.#held.set(pad, note);
  }

  /** @param {number} pad @param {number} time in milliseconds of the page */
  release(pad, time) {
    const held = this.#held.get(pad);
    if (held) this.#fill(held, time);
    this.#held.delete(pad);
  }

  releaseAll() {
    for (const pad of [...this.#held.keys()]) this.release(pad, performance.now());
  }

  /** Write what is held so far; the notes go on while the clip runs. */
  write() {
    if (!this.#held.size) return;
    const now = performance.now();
    for (const held of this.#held.values()) this.#fill(held, now);
    if (!this.isRunning) this.clear();
  }

  clear() {
    this.#held.clear();
  }

  /**
   * Let a note reach to what is heard at a time; in a loop that went round meanwhile, over the loop's end.
   * @param {Held} held
   * @param {number} time in milliseconds of the page
   */
  #fill(held, time) {
    const { state, value, sound, beat } = this.grid;
    const { column_seconds: seconds } = value;
    const moment = this.heardAt(time);
    // Without a loop, a note may reach to the clip's end.
    const stop = sound.round ? this.columnAt(moment) : Math.round(snapped(beat.measure, moment) / seconds);
    let last = stop - 1;
    let spans = [[held.column + 1, last]];
    if (sound.round) {
      const [first, end] = sound.round.map((edge) => Math.round(edge / seconds));
      const length = Math.max(1, end - first);
      // Columns alone do not tell a note of a whole round from a short one, nor one over the end from one that was let
      // go a moment before its own line: the time that it was held does. In a loop that is new, it begins at its start.
      const isInside = held.column >= first && held.column < end;
      const from = isInside ? held.column : first - 1;
      const heldColumns = (time - held.time) / 1000 / seconds;
      const rounds = isInside ? Math.round((heldColumns - stop + from) / length) : 0;
      const reach = from + Math.min(stop - from + length * rounds, length) - 1;
      spans = [
        [from + 1, Math.min(reach, end - 1)],
        [first, reach - length],
      ];
      if (last < first) last = end - 1;
    }
    const puts = spans.flatMap(([from, to]) => putsOfCode(state.codes, held, [from, to]));
    if (!puts.length) return;
    this.put(puts);
    held.column = last;
    held.time = time - 1000 * seconds;
  }
}
