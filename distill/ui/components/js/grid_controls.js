// @ts-check
// The controls around the code grid's canvas: buttons, palette, history and messages. They are drawn from the state.

import { codesInOrder, makeTile } from "./code_tiles.js";
import { find, findButton, findInput, make, makeButton, showPressed } from "./dom.js";
import { ZOOM } from "./grid_layout.js";
import { mixWords } from "./grid_mix.js";
import { cellWords, selectionWords } from "./grid_words.js";
import { followHelp } from "./help_line.js";
import { historyShown } from "./history.js";
import { Seen } from "./seen.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */

const TOOLS = /** @type {const} */ (["brush", "select", "lasso", "pick", "scroll"]);
const CURSORS = { brush: "crosshair", select: "cell", lasso: "crosshair", pick: "copy", scroll: "grab" };

export class GridControls {
  #said = new Seen();
  #selected = ""; // what was said last of the selection

  /**
   * @param {HTMLElement} element
   * @param {CodeGrid} grid
   */
  constructor(element, grid) {
    this.grid = grid;
    this.play = findButton(element, ".play");
    this.loop = findButton(element, ".loop");
    this.before = findButton(element, ".before");
    this.levels = find(element, ".levels");
    this.palette = find(element, ".palette");
    this.readout = find(element, ".readout");
    this.message = find(element, ".message");
    this.history = /** @type {HTMLOListElement} */ (find(element, ".history"));
    this.noHistory = find(element, ".none");
    this.bands = find(element, ".bands");
    this.second = find(element, ".second");
    this.clip = find(element, ".clip");
    this.fields = Object.fromEntries(["times", "rank", "amount"].map((name) => [name, findInput(element, `.${name}`)]));
    this.acts = /** @type {NodeListOf<HTMLButtonElement>} */ (element.querySelectorAll("[data-act]"));
    this.tools = TOOLS.map((tool) => ({ tool, button: findButton(element, `[data-tool=${tool}]`) }));
    this.#connect(element);
    followHelp(element, find(element, ".help"));
  }

  /** @param {HTMLElement} element */
  #connect(element) {
    const { grid } = this;
    const { state } = grid;
    for (const { tool, button } of this.tools) {
      button.onclick = () => {
        state.tool = tool;
        grid.show();
      };
    }
    for (const button of this.acts) button.onclick = () => grid.editor.act(button.dataset.act ?? "");
    this.play.onclick = () => grid.playOrPause();
    this.loop.onclick = () => grid.switchLoop();
    this.before.onclick = () => grid.compare();
    find(element, ".closer").onclick = () => grid.zoom(ZOOM);
    find(element, ".wider").onclick = () => grid.zoom(1 / ZOOM);
    const [opacity, every, hears] = [".mix", ".all input", ".hear input"].map((name) => findInput(element, name));
    opacity.oninput =
      every.onchange =
      hears.onchange =
        () => {
          state.opacity = Number(opacity.value) / 100;
          state.everyLevel = every.checked;
          state.hearsEdits = hears.checked;
          grid.draw();
        };
  }

  /** @returns {import("./grid_tools.js").Fields} */
  get numbers() {
    const { times, rank, amount } = this.fields;
    return { times: Number(times.value), rank: Number(rank.value), amount: Number(amount.value) / 100 };
  }

  /** @param {(string | Node)[]} words */
  tell(...words) {
    this.message.replaceChildren(...words.filter((word) => word !== ""));
  }

  /** Build the controls that depend on the clip. */
  build() {
    const { value, state } = this.grid;
    this.clip.textContent = value.name;
    const every = () => {
      state.isStacked = true;
      this.grid.show();
    };
    const levels = value.levels.map((name, level) => makeButton(name, () => this.grid.chooseLevel(level)));
    this.levels.replaceChildren(...levels, makeButton("All levels", every));
    this.bands.replaceChildren(...[...value.bands].reverse().map(makeBand));
    this.buildPalette();
  }

  buildPalette() {
    const { value, state, pictures } = this.grid;
    const tiles = codesInOrder(pictures, state.level, value.size).map((code) => {
      const tile = makeTile(pictures, state.level, code, value.size);
      tile.dataset.code = String(code);
      tile.setAttribute("aria-label", `Code ${code}`);
      tile.title = `Code ${code}: ${value.usage[state.level][code]} cells of this clip`;
      tile.onclick = () => {
        if (state.tool === "scroll") state.tool = "brush"; // on a touch screen: a code is taken to be painted with
        this.grid.chooseCode(code);
        this.grid.audition(code);
      };
      return tile;
    });
    this.palette.replaceChildren(...tiles);
  }

  scrollToBrush() {
    const tile = this.palette.querySelector(`[data-code="${this.grid.state.brush}"]`);
    if (!tile) return;
    const [box, room] = [tile.getBoundingClientRect(), this.palette.getBoundingClientRect()];
    // Not scrollIntoView: it would also scroll the page away from the grid.
    this.palette.scrollTop += Math.min(0, box.top - room.top) + Math.max(0, box.bottom - room.bottom);
  }

  /** @param {boolean} isWaiting whether edits of this clip wait for an answer */
  show(isWaiting) {
    const { state, value, sound, second } = this.grid;
    for (const { tool, button } of this.tools) showPressed(button, tool === state.tool);
    [...this.levels.children].forEach((button, level) => {
      showPressed(button, state.isStacked ? level === value.levels.length : level === state.level);
    });
    for (const tile of /** @type {HTMLCollectionOf<HTMLElement>} */ (this.palette.children)) {
      showPressed(tile, Number(tile.dataset.code) === state.brush);
    }
    const shown = historyShown(value, isWaiting);
    this.#enable({ undo: shown.canUndo, redo: shown.canRedo, reset: shown.canUndo, paste: state.clipboard !== null });
    this.#enable({ blend: second !== null, swap: second !== null });
    this.second.textContent = second
      ? `with ${second.name}`
      : "with a second clip: none yet; choose one by “Second” or “Second clip”";
    this.play.textContent = sound.playing === "all" ? "Pause" : "Play";
    showPressed(this.loop, sound.isLooping);
    showPressed(this.before, sound.isComparing);
    this.grid.canvas.style.cursor = CURSORS[state.tool];
    this.grid.canvas.style.touchAction = state.tool === "scroll" ? "pan-x pan-y" : "none";
    this.history.replaceChildren(...shown.labels.map((label) => make("li", { textContent: label })));
    this.history.start = shown.first;
    this.noHistory.hidden = !shown.isEmpty;
    this.bands.hidden = state.isStacked;
    this.say();
  }

  /** @param {Record<string, boolean>} acts */
  #enable(acts) {
    for (const button of this.acts) {
      const isEnabled = acts[button.dataset.act ?? ""];
      if (isEnabled !== undefined) button.disabled = !isEnabled;
    }
  }

  /** Describe the cell under the pointer or the cursor, and the selection. */
  say() {
    const { state, value, lens } = this.grid;
    const { selection, level, codes, brush } = state;
    const place = `${cellWords(value, codes, lens.cell)} Brush: code ${brush}.${mixWords(state)}`;
    if (this.#said.isNew(value, codes, codes.changes, selection, level))
      this.#selected = selection ? ` ${selectionWords(value, codes, selection, level)}` : "";
    this.readout.textContent = place + this.#selected;
  }
}

/** The label of a band; where there is little room, its unit goes below its numbers. @param {string} label */
function makeBand(label) {
  const [numbers, ...unit] = label.split(" ");
  return make("span", {}, make("b", { textContent: numbers }), ` ${unit.join(" ")}`);
}
