// @ts-check
// The codebook: a small picture of each code's sound; a press plays the code.
//
// element.codebook.heard = {level, code, flac, samples} of the code that was played last, for scripts and tests; flac is
// null if the page made the sound itself.

import { codesInOrder, makeTile } from "./code_tiles.js";
import { picturesOfCodecs } from "./codec_pictures.js";
import { find, make, makeButton, showPressed } from "./dom.js";
import { keepChoiceOf } from "./kept_choices.js";
import { pageCodecs } from "./page_codecs.js";
import { answerTo, isRefusal } from "./server.js";
import { decode, playOnce, sound } from "./sound.js";
import { codeInWords, sortedCodes } from "./usage.js";

/** @typedef {import("./types.js").Component<import("./types.js").CodebookValue, import("./types.js").CodebookServer>} Component */

const MOST_USE = 14; // pixels
const HINT = "Each tile is one code's own sound: time goes right, frequency up. Press one to hear it.";

class Codebook {
  level = 0;
  /** @type {import("./usage.js").Sorting} */
  sorting = "similarity";
  /** @type {import("./types.js").CodecPictures | null} */
  pictures = null;
  /** @type {{level: number, code: number, flac: string | null, samples: Float32Array} | null} */
  heard = null;
  #request = 0;

  /** @param {Component} component */
  constructor({ element, props, server }) {
    this.props = props;
    this.server = server;
    this.levels = find(element, ".levels");
    this.tiles = find(element, ".tiles");
    this.readout = find(element, ".readout");
    sound.onTrouble((words) => {
      this.readout.textContent = words || HINT;
    });
    const sorting = /** @type {HTMLSelectElement} */ (find(element, "select"));
    keepChoiceOf(sorting, "sorting");
    this.sorting = /** @type {import("./usage.js").Sorting} */ (sorting.value || this.sorting);
    sorting.onchange = () => {
      this.sorting = /** @type {import("./usage.js").Sorting} */ (sorting.value);
      this.draw();
    };
  }

  get value() {
    return this.props.value;
  }

  get counts() {
    return { here: this.value.here[this.level], trained: this.value.trained?.[this.level] ?? null };
  }

  async take() {
    const { work, model_id: modelId } = this.value;
    this.level = Math.min(this.level, this.value.levels.length - 1);
    this.pictures = null;
    this.levels.replaceChildren(...this.value.levels.map((name, level) => this.#makeLevel(name, level)));
    const asked = picturesOfCodecs.of(modelId, () => this.server.codec_pictures({ work }));
    const late = setTimeout(() => this.draw(), 50); // cached pictures arrive earlier
    this.tiles.ariaBusy = "true";
    const pictures = await asked;
    clearTimeout(late);
    if (modelId !== this.value.model_id) return;
    this.tiles.ariaBusy = "false";
    this.pictures = isRefusal(pictures) ? null : pictures;
    this.draw();
    if (isRefusal(pictures)) this.readout.textContent = pictures.error;
  }

  draw() {
    const { here, trained } = this.counts;
    [...this.levels.children].forEach((button, level) => {
      showPressed(button, level === this.level);
    });
    const order = codesInOrder(this.pictures, this.level, this.value.size);
    const codes = sortedCodes(order, this.sorting, here, trained);
    this.tiles.replaceChildren(...codes.map((code) => this.#makeTile(code)));
    this.readout.textContent = HINT;
  }

  /**
   * @param {string} name
   * @param {number} level
   */
  #makeLevel(name, level) {
    return makeButton(name, () => {
      this.level = level;
      this.draw();
    });
  }

  /** @param {number} code */
  #makeTile(code) {
    const { here, trained } = this.counts;
    const isDead = trained !== null && !trained[code];
    const tile = makeTile(this.pictures, this.level, code, this.value.size);
    if (isDead) tile.classList.add("dead");
    else if (!here[code]) tile.classList.add("unused");
    tile.setAttribute("aria-label", `Code ${code}${isDead ? ", dead" : ""}, ${here[code]} cells of this clip`);
    const use = make("i");
    use.style.height = `${Math.round((MOST_USE * here[code]) / Math.max(1, ...here))}px`;
    tile.prepend(use);
    tile.onclick = () => this.play(code);
    tile.onfocus = tile.onpointerenter = () => this.say(code);
    return tile;
  }

  /** @param {number} code */
  say(code) {
    const { here, trained } = this.counts;
    this.readout.textContent = codeInWords(this.value.levels[this.level], code, here, trained);
  }

  /** @param {number} code */
  async play(code) {
    this.#request += 1;
    const [mine, { level }, { work, sample_rate }] = [this.#request, this, this.value];
    sound.wake(sample_rate);
    sound.stopSingle();
    const made = await pageCodecs
      .readyFor(this.value)
      ?.audition(level, code)
      .catch(() => null);
    const answer = made ? null : await answerTo(this.server.audition({ work, level, code }));
    if (mine !== this.#request) return;
    if (answer && isRefusal(answer)) {
      this.readout.textContent = answer.error;
      return;
    }
    const samples = made ?? (answer && (await decode(answer.flac, sample_rate)).getChannelData(0));
    if (mine !== this.#request || !samples) return;
    playOnce(samples, sample_rate);
    this.heard = { level, code, flac: answer?.flac ?? null, samples };
    this.say(code);
  }
}

/** @param {Component} component */
export function mount(component) {
  const codebook = new Codebook(component);
  Object.assign(component.element, { codebook });
  component.watch("value", () => {
    if (component.props.value) void codebook.take();
  });
  void codebook.take();
}
