// @ts-check
// The bar of the strip: what can be done with the chosen clips, in words and buttons.

import { find, findButton, findInput, showPressed } from "./dom.js";
import { wordsOf } from "./strip_words.js";

/** @typedef {import("./types.js").StripClip} StripClip */
/** @typedef {import("./strip_errors.js").Known} Known */
/**
 * @typedef {object} Shown
 * @property {StripClip[]} clips that are chosen
 * @property {StripClip | undefined} clip the one that is heard and opened
 * @property {Known | null | undefined} known of this one
 * @property {Known | null | undefined} before of this one, in the codec that was in use before
 * @property {string} heard the track of this one that plays
 * @property {boolean} isMode
 * @property {import("./types.js").StripValue} value
 */
/**
 * What the bar can ask for.
 * @typedef {object} StripActs
 * @property {(track: import("./strip_ear.js").StripTrack) => void} hear
 * @property {() => void} open
 * @property {() => void} takeAsSecond
 * @property {() => void} switchMode
 * @property {() => void} layOut
 * @property {(weight: number) => void} weigh
 * @property {(sorting: import("./strip_list.js").Sorting) => void} sort
 * @property {(words: string) => void} search
 */

export class StripBar {
  /**
   * @param {HTMLElement} element
   * @param {StripActs} acts
   */
  constructor(element, acts) {
    this.told = find(element, ".told");
    this.search = findInput(element, ".search");
    this.weight = /** @type {HTMLSelectElement} */ (find(element, ".weight select"));
    this.weightLabel = find(element, ".weight");
    this.buttons = {
      hear: findButton(element, ".hear"),
      rebuilt: findButton(element, ".rebuilt"),
      before: findButton(element, ".before"),
      open: findButton(element, ".open"),
      second: findButton(element, ".second"),
      several: findButton(element, ".several"),
      layOut: findButton(element, ".lay-out"),
    };
    this.#connect(element, acts);
  }

  /**
   * @param {HTMLElement} element
   * @param {StripActs} acts
   */
  #connect(element, acts) {
    const { hear, rebuilt, before, open, second, several, layOut } = this.buttons;
    hear.onclick = () => acts.hear("original");
    rebuilt.onclick = () => acts.hear("codec");
    before.onclick = () => acts.hear("before");
    open.onclick = () => acts.open();
    second.onclick = () => acts.takeAsSecond();
    several.onclick = () => acts.switchMode();
    layOut.onclick = () => acts.layOut();
    this.weight.onchange = () => acts.weigh(Number(this.weight.value));
    const sort = /** @type {HTMLSelectElement} */ (find(element, ".sort select"));
    sort.onchange = () => acts.sort(/** @type {import("./strip_list.js").Sorting} */ (sort.value));
    this.search.oninput = () => acts.search(this.search.value);
  }

  /** @param {Shown} shown */
  show(shown) {
    const { clips, clip, heard, isMode, value } = shown;
    const { hear, rebuilt, before, open, second, several, layOut } = this.buttons;
    const words = wordsOf(shown);
    if (this.told.textContent !== words) this.told.textContent = words;
    this.told.title = words;
    for (const button of [hear, rebuilt, before, open, second]) button.disabled = !clip?.is_kept;
    showPressed(hear, heard === "original");
    showPressed(rebuilt, heard === "codec");
    showPressed(before, heard === "before");
    showPressed(second, Boolean(clip) && value.second === clip?.id);
    showPressed(several, isMode);
    before.hidden = !value.before;
    before.title = `Hear its reconstruction by codec ${value.before?.name}, which was in use before (B)`;
    layOut.hidden = clips.length < 2;
    layOut.disabled = clips.some(({ is_kept }) => !is_kept);
    const weights = new Set(clips.map(({ weight }) => weight));
    this.weightLabel.hidden = !clips.length || weights.has(null);
    this.weight.value = weights.size === 1 ? String([...weights][0]) : "";
  }
}
