// @ts-check
// The mixer below the levels: a fader and a mute for each level and each row, and a solo of the selection. A drag of a
// fader is heard while it moves, where the page makes the sound, and is one edit.

import { LOUDEST } from "../../../browser/mixing.js";
import { find, findButton, make, makeButton, showPressed } from "./dom.js";
import { newId } from "./edit_queue.js";
import { fadersIn, mixPuts, reachOf, standOf, standWords } from "./grid_mix.js";
import { Seen } from "./seen.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */
/** @typedef {import("./grid_mix.js").Strip} Strip */
/** @typedef {import("./grid_state.js").LevelRegion} LevelRegion */
/** @typedef {{region: LevelRegion, before: import("./grid_codes.js").Put[], codes: object}} Drag of a fader */
/**
 * @typedef {{strip: Strip, name: string, fader: HTMLInputElement, mute: HTMLButtonElement, stand: HTMLElement,
 *   drag: Drag | null, gesture: string}} Channel `gesture` is what makes the steps of a held key one edit
 */

const UNTOUCHED = { low: 1, high: 1, isMuted: false };
const HELP = "Double press: back to 100 %. It reaches the selection, or the whole clip.";

export class Mixer {
  /** @type {Channel[]} */
  #channels = [];
  #soloed = ""; // the region that is heard alone
  #seen = new Seen();

  /**
   * @param {HTMLElement} element
   * @param {CodeGrid} grid
   */
  constructor(element, grid) {
    this.grid = grid;
    this.panel = /** @type {HTMLDetailsElement} */ (find(element, ".mixer"));
    this.channels = find(element, ".channels");
    this.reach = find(element, ".mixer .reach");
    this.mute = findButton(element, ".mute-selection");
    this.solo = findButton(element, ".solo");
    this.mute.onclick = () => this.switchMute();
    this.solo.onclick = () => this.switchSolo();
    findButton(element, ".unmix").onclick = () => this.#unmix();
    this.panel.ontoggle = () => this.show();
  }

  /** Build the channels of a clip. */
  build() {
    const { value } = this.grid;
    this.#seen.forget();
    const levels = value.levels.map((name, index) => this.#channel({ name: "level", index }, name));
    const rows = value.bands.map((name, index) => this.#channel({ name: "row", index }, name)).reverse();
    this.#channels = [...levels, ...rows];
    this.channels.replaceChildren(
      ...[levels, rows].map((group, index) =>
        make("div", { className: "group" }, ...group.map((channel) => this.#line(channel, index ? "Band" : "Level"))),
      ),
    );
  }

  /**
   * @param {Strip} strip
   * @param {string} name
   * @returns {Channel}
   */
  #channel(strip, name) {
    const fader = make("input", { type: "range", min: "0", max: String(100 * LOUDEST), step: "2", value: "100" });
    const mute = makeButton("M", () => this.#mute(reachOf(strip, this.grid.state)));
    const stand = make("output");
    /** @type {Channel} */
    const channel = { strip, name, fader, mute, stand, drag: null, gesture: "" };
    fader.title = HELP;
    fader.oninput = () => this.#fade(channel, Number(fader.value) / 100);
    fader.onchange = () => this.#settle(channel, Number(fader.value) / 100);
    fader.onpointerup = fader.onchange; // a drag that ends where it began may be no change to the browser
    fader.ondblclick = () => {
      const region = reachOf(strip, this.grid.state);
      if (region) this.#mix({ ...region, gain: 1 });
    };
    const begin = () => {
      channel.gesture = `fader ${newId()}`;
    };
    fader.onpointerdown = begin;
    fader.onkeydown = (event) => {
      if (!event.repeat) begin();
      if (event.key !== "Escape" || !channel.drag) return;
      event.stopPropagation();
      this.#takeBack(channel);
    };
    return channel;
  }

  /** @param {Channel} channel @param {string} what */
  #line({ name, fader, mute, stand }, what) {
    fader.setAttribute("aria-label", `${what} ${name}: fader in percent`);
    mute.setAttribute("aria-label", `${what} ${name}: mute`);
    mute.title = `Mute ${name} in the selection, or in the whole clip; its fader stays`;
    return make("div", { className: "channel" }, make("span", { textContent: name }), mute, fader, stand);
  }

  /** @param {Channel} channel @param {number} gain */
  #fade(channel, gain) {
    const { state } = this.grid;
    const { codes } = state;
    if (channel.drag?.codes !== codes) {
      const region = reachOf(channel.strip, state);
      channel.drag = region && { region, before: fadersIn(codes, region), codes };
    }
    if (!channel.drag) return;
    state.isFading = true;
    codes.put(mixPuts(codes, { ...channel.drag.region, gain }));
    state.isFading = false;
    this.grid.show();
  }

  /** The fader was let go. @param {Channel} channel @param {number} gain */
  #settle(channel, gain) {
    const { drag } = channel;
    channel.drag = null;
    if (!drag || drag.codes !== this.grid.state.codes) return;
    // All of its faders, because they stand there already: the answer to an edit before this one must not move them.
    this.#mix({ ...drag.region, gain, gesture: channel.gesture }, fadersIn(this.grid.state.codes, drag.region));
    this.grid.sound.hearColumns(drag.region.columns, this.grid.state.hearsEdits);
  }

  /** @param {Channel} channel */
  #takeBack(channel) {
    const { drag } = channel;
    channel.drag = null;
    if (drag?.codes === this.grid.state.codes) this.grid.state.codes.put(drag.before);
    this.grid.show();
  }

  /** @param {LevelRegion & {gain?: number, mute?: boolean, gesture?: string}} asked */
  #mix(asked, puts = mixPuts(this.grid.state.codes, asked)) {
    this.grid.editor.edit({ kind: "mix", ...asked }, puts);
    this.grid.show();
  }

  /** Mute a region, or let it be heard again if all of it is muted. @param {LevelRegion | null} region */
  #mute(region) {
    if (region) this.#mix({ ...region, mute: !standOf(this.grid.state.codes, region).isMuted });
  }

  switchMute() {
    this.#mute(this.#chosen);
  }

  #unmix() {
    const { selection, region, wholeClip } = this.grid.state;
    this.#mix({ ...(selection ? region : wholeClip), gain: 1, mute: false });
  }

  /** The selection, on the levels that tools reach; without one, the whole clip on the levels that are shown. */
  get #chosen() {
    const { selection, region, isStacked, wholeClip, wholeLevel } = this.grid.state;
    return selection ? region : isStacked ? wholeClip : wholeLevel;
  }

  switchSolo() {
    const { sound } = this.grid;
    this.#soloed = "";
    sound.solo(sound.soloed ? null : this.#chosen);
    if (sound.soloed) this.#soloed = JSON.stringify(this.#chosen);
    this.grid.show();
  }

  /** Show where faders and mutes stand, and let a solo follow the selection. */
  show() {
    const { state, sound } = this.grid;
    const { codes, selection, everyLevel, level, isStacked, isSelecting } = state;
    const drags = this.#channels.filter(({ drag }) => drag).length;
    const where = [selection, everyLevel, level, isStacked, isSelecting];
    const seen = [codes, codes.mixChanges, ...where, sound.soloed, drags];
    if (!this.#seen.isNew(...seen, this.panel.open)) return;
    const chosen = this.#chosen;
    showPressed(this.mute, standOf(state.codes, chosen).isMuted);
    showPressed(this.solo, sound.soloed !== null);
    if (sound.soloed && !isSelecting && this.#soloed !== JSON.stringify(chosen)) {
      this.#soloed = JSON.stringify(chosen);
      sound.solo(chosen);
    }
    if (!this.panel.open) return;
    this.reach.textContent = selection ? "in the selection" : "in the whole clip";
    for (const { strip, fader, mute, stand, drag } of this.#channels) {
      const region = drag?.region ?? reachOf(strip, state);
      fader.disabled = mute.disabled = !region;
      const stands = region ? standOf(codes, region) : UNTOUCHED;
      if (!drag) fader.value = String(Math.round(50 * (stands.low + stands.high)));
      stand.textContent = region ? standWords({ ...stands, isMuted: false }) : "";
      fader.setAttribute("aria-valuetext", standWords(stands));
      showPressed(mute, stands.isMuted);
    }
  }
}
