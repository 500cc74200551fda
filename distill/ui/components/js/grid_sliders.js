// @ts-check
// Sliders that change the selection as they move: brighter, noisier, harder, louder, and the blend with the second clip.
// A drag is one edit. Each region keeps its amounts, and moves on from the codes it had before them.

import { find, findInput } from "./dom.js";
import { newId } from "./edit_queue.js";
import { Seen } from "./seen.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */

const SLIDES = ["brightness", "noisiness", "attack", "loudness"];

/**
 * What is kept of a region: its amounts, the number of edits before them, and the codes that they made.
 * @typedef {{amounts: Record<string, number>, since: number | null, made: string}} Kept
 */

export class RegionAmounts {
  /** @type {Map<string, Kept>} by kind and region */
  #kept = new Map();
  changes = 0;

  /**
   * The amounts of a region, as long as it has the codes that they made.
   * @param {string} key
   * @param {string} codes
   * @returns {Kept | null}
   */
  of(key, codes) {
    const kept = this.#kept.get(key);
    return kept && kept.made === codes ? kept : null;
  }

  /**
   * @param {string} key
   * @param {Kept} kept
   */
  keep(key, kept) {
    this.#kept.set(key, kept);
    this.changes += 1;
  }

  /**
   * Forget what was undone and can no longer be redone: an edit with another number took its place.
   * @param {number} edit number of edits before the new one
   */
  forgetFrom(edit) {
    for (const [key, { since }] of this.#kept) if (since !== null && since >= edit) this.#kept.delete(key);
    this.changes += 1;
  }

  clear() {
    this.#kept.clear();
    this.changes += 1;
  }
}

/**
 * A number that changes with the codes of a region.
 * @param {import("./grid_codes.js").GridCodes} codes
 * @param {import("./grid_state.js").LevelRegion} region
 */
export function hashOf(codes, { levels, rows, columns }) {
  let hash = 0;
  for (let level = levels[0]; level <= levels[1]; level++) {
    for (let row = rows[0]; row <= rows[1]; row++) {
      const first = codes.positionOf(level, row, 0);
      for (let column = columns[0]; column <= columns[1]; column++) {
        hash = (Math.imul(hash, 31) + codes.indices[first + column] + 1) | 0;
      }
    }
  }
  return hash;
}

export class GridSliders {
  #amounts = new RegionAmounts();
  #gesture = `slider ${newId()}`;
  #work = "";
  #seen = new Seen();

  /** @param {CodeGrid} grid */
  constructor(grid) {
    this.grid = grid;
    this.blend = findInput(grid.element, ".amount");
    this.off = find(grid.element, ".off");
    this.slides = SLIDES.map((name) => findInput(grid.element, `[data-slide=${name}]`));
    for (const input of [...this.slides, this.blend]) {
      const kind = input === this.blend ? "blend" : "slide";
      input.addEventListener("pointerdown", () => this.#begin());
      input.addEventListener("focus", () => this.#begin());
      input.addEventListener("input", () => this.#move(kind));
      input.addEventListener("dblclick", () => {
        input.value = kind === "blend" ? "50" : "0";
        this.#move(kind);
      });
    }
  }

  #begin() {
    this.#gesture = `slider ${newId()}`;
  }

  /** @param {"blend" | "slide"} kind */
  #keyOf(kind, region = this.grid.state.region) {
    const { second } = this.grid;
    return JSON.stringify([
      kind,
      kind === "blend" ? second?.work : "",
      region.levels,
      region.rows,
      region.columns,
      region.only,
    ]);
  }

  get #codes() {
    const { codes, region } = this.grid.state;
    return String(hashOf(codes, region));
  }

  /** @param {"blend" | "slide"} kind */
  #move(kind) {
    const { grid } = this;
    if (kind === "blend" && !grid.second) return;
    const amounts =
      kind === "blend"
        ? { amount: Number(this.blend.value) / 100 }
        : Object.fromEntries(this.slides.map((input, index) => [SLIDES[index], Number(input.value) / 100]));
    this.#send(kind, amounts);
  }

  /**
   * @param {"blend" | "slide"} kind
   * @param {Record<string, number>} amounts
   */
  #send(kind, amounts) {
    const { grid } = this;
    this.#forgetOther();
    const key = this.#keyOf(kind);
    const kept = this.#amounts.of(key, this.#codes);
    const since = kept?.since ?? null;
    const second = kind === "blend" ? { second: grid.second?.work } : {};
    grid.sound.wake();
    grid.editor.edit(
      { kind, ...grid.state.region, ...second, ...amounts, since, gesture: this.#gesture },
      [],
      (answer) => {
        this.#answered(key, amounts, since, answer);
      },
    );
  }

  #forgetOther() {
    if (this.#work !== this.grid.value.work) this.#amounts.clear();
    this.#work = this.grid.value.work;
  }

  /**
   * @param {string} key
   * @param {Record<string, number>} amounts
   * @param {number | null} since
   * @param {import("./types.js").EditAnswer} answer
   */
  #answered(key, amounts, since, answer) {
    this.#forgetOther();
    const kind = key.includes('"blend"') ? "blend" : "slide";
    if (answer.off !== undefined) this.off.textContent = `the nearest codes are ${(100 * answer.off).toFixed(0)} % off`;
    if (answer.since !== undefined) this.#amounts.forgetFrom(answer.since);
    if (this.#keyOf(kind) !== key) return; // another region is selected now
    this.#amounts.keep(key, { amounts, since: since ?? answer.since ?? null, made: this.#codes });
  }

  /**
   * An edit was made that is no slider's.
   * @param {import("./types.js").EditAnswer} answer
   */
  edited({ edits, positions }) {
    if (positions?.length !== 0) this.#amounts.forgetFrom(edits - 1);
  }

  /** Show the amounts of the selected region; while a slider is held, it stays where it is. */
  show() {
    const { editor, state, second } = this.grid;
    if (editor.queue.pending) {
      this.#seen.forget();
      return;
    }
    const held = document.activeElement;
    const { codes: grid, selection, cursor, everyLevel, level } = state;
    const seen = [grid, grid.changes, selection, selection ? null : cursor, everyLevel, level, second?.work];
    if (!this.#seen.isNew(...seen, this.#amounts.changes, held)) return;
    const { region } = state;
    const codes = String(hashOf(grid, region));
    const slides = this.#amounts.of(this.#keyOf("slide", region), codes);
    for (const [index, input] of this.slides.entries()) {
      if (input !== held) input.value = String(Math.round(100 * (slides?.amounts[SLIDES[index]] ?? 0)));
    }
    const blend = second && this.#amounts.of(this.#keyOf("blend", region), codes);
    this.blend.disabled = !second;
    if (blend && this.blend !== held) this.blend.value = String(Math.round(100 * blend.amounts.amount));
    if (!slides && !blend && !this.slides.includes(/** @type {any} */ (held)) && held !== this.blend)
      this.off.textContent = "";
  }
}
