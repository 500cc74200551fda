// @ts-check
// Takes: what the codec's prior draws for the selection, as small lanes below the grid. One press hears and chooses one.

import { unpackCodes } from "./bytes.js";
import { make, makeButton, showPressed } from "./dom.js";
import { newId } from "./edit_queue.js";
import { editsWaiting } from "./edits_waiting.js";
import { Seen } from "./seen.js";
import { answerTo, isRefusal } from "./server.js";
import { isStill, putsOfTake, regionOf } from "./takes_region.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */
/** @typedef {import("./takes_region.js").TakeTool} TakeTool */
/** @typedef {{seed: number, codes: Uint16Array, sure: number, copied: string, isCopy: boolean}} Take */

const COUNT = 4;
const MOST_SEED = 1e9;
const CELL = 5; // pixels of a cell in a lane
const NOTHING_THERE = "There are no columns on that side of the selection.";
const CHANGED = "The grid has changed since these takes were drawn: draw new ones.";
const DRAWING = "Drawing takes …";
const READY = "Press a take to hear it in its place; press another, or the clip as it was, to exchange it.";
const SAME = "As it was";

const BUTTONS = /** @type {{tool: TakeTool, words: string, title: string}[]} */ ([
  {
    tool: "vary",
    words: "Vary",
    title: "Four takes of the selection, as the codec's clips go on; nothing else changes",
  },
  {
    tool: "fill",
    words: "Fill",
    title: "Four takes of all of the selection, to fit both sides; at the end of the clip they lead to its beginning",
  },
  { tool: "left", words: "← Continue", title: "Four takes of what may come before the selection, as long as it is" },
  { tool: "right", words: "Continue →", title: "Four takes of what may come after the selection, as long as it is" },
]);

export class Takes {
  #grid;
  /** @type {Take[]} */
  #takes = [];
  /** @type {import("./takes_region.js").Asked | null} what the takes were drawn for */
  #asked = null;
  #base = new Uint16Array(); // the codes and faders when the takes were drawn
  /** @type {HTMLButtonElement[]} the lanes; the first is the clip as it was */
  #lanes = [];
  #gesture = ""; // the name of the edit that put the last take into the grid
  #made = 0; // number of edits with it
  #isDrawing = false;
  #clip = 0; // number of the clip
  #seen = new Seen();

  #server;

  /**
   * @param {CodeGrid} grid
   * @param {NonNullable<import("./types.js").GridServer["takes"]>} server
   */
  constructor(grid, server) {
    this.#grid = grid;
    this.#server = server;
    this.much = range("much", 5, 100, 100, "How much: in percent of the selected cells");
    this.wild = range("wild", 0, 20, 7, "How wild: 0 draws the likeliest codes");
    this.lanes = make("div", { className: "lanes" });
    this.lanes.setAttribute("role", "group");
    this.lanes.setAttribute("aria-label", "Takes");
    this.words = make("p", { className: "takes-words" });
    this.words.setAttribute("aria-live", "polite");
    this.buttons = BUTTONS.map(({ tool, words, title }) =>
      Object.assign(
        makeButton(words, () => void this.draw(tool)),
        { title },
      ),
    );
    this.buttons.at(-1)?.classList.add("last");
    const segment = make("div", { className: "segment" }, ...this.buttons);
    segment.setAttribute("role", "group");
    segment.setAttribute("aria-label", "Let the codec draw");
    const much = make("label", {
      title: "Vary: share of the cells that are drawn anew, the least expected ones first",
    });
    much.append("how much ", this.much);
    const wild = make("label", { title: "From the likeliest codes to wild ones" }, "how wild ", this.wild);
    this.element = make(
      "details",
      { className: "takes" },
      make("summary", { textContent: "Vary, fill, continue: let the codec draw" }),
      make("div", { className: "bar" }, segment, much, wild),
      this.lanes,
      this.words,
    );
  }

  /**
   * Ask for takes of the selection.
   * @param {TakeTool} tool
   */
  async draw(tool) {
    const grid = this.#grid;
    if (this.#isDrawing) return;
    grid.sound.wake();
    const asked = regionOf(tool, grid.state.region, grid.value.columns, Number(this.much.value) / 100);
    if (!asked) return this.#tell(NOTHING_THERE);
    const drawn = { ...asked, temperature: Number(this.wild.value) / 10 };
    this.#busy(true);
    const clip = this.#clip;
    await editsWaiting.settled();
    const { work } = grid.value;
    const base = grid.state.codes.cells.slice();
    const seed = Math.floor(Math.random() * MOST_SEED);
    const answer = await answerTo(this.#server({ ...drawn, work, count: COUNT, seed }));
    this.#busy(false);
    if (clip !== this.#clip) return this.#tell(""); // another one is open
    if (isRefusal(answer)) return this.#tell(answer.error);
    const { takes } = /** @type {{takes: any[]}} */ (answer);
    this.#takes = takes.map(({ seed, codes, sure, copied, copied_share: share }) => ({
      ...{ seed, codes: unpackCodes(codes), sure, copied, isCopy: share >= 0.5 },
    }));
    this.#asked = drawn;
    this.#base = base;
    this.#build(drawn);
    this.show();
    this.#tell(READY);
  }

  /** Another clip is open, for which no takes were drawn. */
  take() {
    this.#clip += 1;
    this.#asked = null;
    this.#takes = [];
    this.#lanes = [];
    this.lanes.replaceChildren();
    this.#tell("");
  }

  /** The take in the grid, -1 for the clip as it was; null if the grid is something else now. */
  get #chosen() {
    const { codes } = this.#grid.state;
    for (let number = -1; number < this.#takes.length; number++)
      if (isStill(this.#base, this.#putsOf(number), codes.cells)) return number;
    return null;
  }

  /** @param {number} number of a take */
  #putsOf(number) {
    const asked = this.#asked;
    return asked && number >= 0 ? putsOfTake(asked, this.#takes[number].codes, this.#grid.state.codes) : [];
  }

  /**
   * Put a take into the grid, in place of the one that is there; -1 takes that one back.
   * @param {number} number
   */
  choose(number) {
    const { editor } = this.#grid;
    const asked = this.#asked;
    const chosen = this.#chosen;
    if (!asked || number === chosen) return;
    const isLast = chosen === -1 || (this.#gesture && editor.made === this.#made);
    if (chosen === null || !isLast) return this.#tell(CHANGED);
    if (chosen >= 0) {
      const before = this.#putsOf(chosen).map(
        ([place]) => /** @type {[number, number]} */ ([place, this.#base[place]]),
      );
      editor.edit({ kind: "undo", gesture: this.#gesture }, number < 0 ? before : []);
    }
    if (number >= 0) {
      const { tool, ...fields } = asked;
      const take = this.#takes[number];
      this.#gesture = `take ${newId()}`;
      editor.edit({ ...fields, kind: tool, seed: take.seed, gesture: this.#gesture }, this.#putsOf(number));
      this.#made = editor.made;
      this.#tell(`${take.copied} The codec was ${Math.round(100 * take.sure)} % sure of its codes.`);
    } else this.#tell(READY);
    this.show();
  }

  /** @param {boolean} isDrawing */
  #busy(isDrawing) {
    this.#isDrawing = isDrawing;
    if (isDrawing) this.#tell(DRAWING);
    for (const button of this.buttons) button.disabled = isDrawing;
  }

  /** Show which take is in the grid now, also after edits, undo and redo. */
  show() {
    const { codes } = this.#grid.state;
    if (!this.#asked || !this.#seen.isNew(this.#asked, codes, codes.changes, codes.mixChanges)) return;
    const chosen = this.#chosen;
    for (const [place, button] of this.#lanes.entries()) showPressed(button, place - 1 === chosen);
  }

  /** @param {import("./takes_region.js").Asked} asked */
  #build(asked) {
    const lane = (/** @type {number} */ number, /** @type {string} */ words, /** @type {Node[]} */ ...picture) => {
      const button = makeButton("", () => this.choose(number), "take");
      button.append(...picture, make("span", { textContent: words }));
      return button;
    };
    const lanes = this.#takes.map(({ codes, copied, isCopy }, number) => {
      const button = lane(number, `Take ${number + 1}${isCopy ? " · copy" : ""}`, this.#picture(asked, codes));
      button.title = copied;
      return button;
    });
    this.#lanes = [lane(-1, SAME), ...lanes];
    this.lanes.replaceChildren(...this.#lanes);
  }

  /**
   * A small picture of a take: the colours of its codes on the coarsest of its levels.
   * @param {import("./takes_region.js").Asked} asked
   * @param {Uint16Array} codes
   */
  #picture({ levels, rows, columns }, codes) {
    const [height, width] = [rows[1] - rows[0] + 1, columns[1] - columns[0] + 1];
    const canvas = make("canvas", { width: width * CELL, height: height * CELL });
    const colours = this.#grid.pictures?.colours[levels[0]];
    const brush = canvas.getContext("2d");
    for (let row = 0; brush && colours && row < height; row++) {
      for (let column = 0; column < width; column++) {
        brush.fillStyle = colours[codes[row * width + column]];
        brush.fillRect(column * CELL, (height - 1 - row) * CELL, CELL, CELL);
      }
    }
    return canvas;
  }

  /** @param {string} words */
  #tell(words) {
    this.words.textContent = words;
  }
}

/**
 * @param {string} className
 * @param {number} min
 * @param {number} max
 * @param {number} value
 * @param {string} label
 */
function range(className, min, max, value, label) {
  const input = make("input", { type: "range", className, min: String(min), max: String(max) });
  input.value = String(value);
  input.setAttribute("aria-label", label);
  return input;
}

/**
 * Put the takes below a grid whose server draws them.
 * @param {CodeGrid} grid
 * @returns {Takes | null}
 */
export function addTakes(grid) {
  const { takes: draw } = grid.server;
  if (!draw) return null;
  const takes = new Takes(grid, draw);
  const history = grid.element.querySelector(".history")?.closest("details");
  history?.before(takes.element);
  return takes;
}
