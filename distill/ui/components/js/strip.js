// @ts-check
// The strip: the visitor's clips and the examples, to find, to hear, to open, to lay out and to blend with.
//
// element.strip = {clips, chosen, ear, cells} for scripts and tests.

import { Batches } from "./batches.js";
import { drawAgainWith, find, make, styleOf } from "./dom.js";
import { isRefusal } from "./server.js";
import { StripBar } from "./strip_bar.js";
import { CELL, StripCell } from "./strip_cell.js";
import { Choice } from "./strip_choice.js";
import { StripEar } from "./strip_ear.js";
import { StripErrors } from "./strip_errors.js";
import { StripHands } from "./strip_hands.js";
import { inView, matching, sortedClips, stretchesOf, takenAnew } from "./strip_list.js";
import { leaveTrain, showTab } from "./tabs.js";

/** @typedef {import("./types.js").Component<import("./types.js").StripValue, import("./types.js").StripServer>} Component */
/** @typedef {import("./types.js").StripClip} StripClip */

const EACH = CELL.width + CELL.gap;
const MOST_PICTURES = 24;
const REST = 60; // milliseconds without a scroll
const PATIENCE = 20_000; // milliseconds after which a clip no longer counts as being opened

let picked = "";

/**
 * The inputs of an event of the strip: the clip that was chosen, and the secret of the open clip.
 * @param {string} _
 * @param {string} shown
 */
export function chosen(_, shown) {
  return [picked, shown];
}

export class Strip {
  /** @type {StripClip[]} those that are shown */
  clips = [];
  /** @type {string[]} the ids of those that are shown */
  ids = [];
  /** @type {Map<string, StripCell>} */
  cells = new Map();
  choice = new Choice();
  /** @type {import("./strip_list.js").Sorting} */
  sorting = "given";
  #searched = "";
  /** @type {string[]} */
  #opening = []; // that are shown as being opened
  /** @type {string[]} */
  #asked = []; // that were to be opened, until another clip is open
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #late; // when what is being opened is given up
  #open = "";
  #frame = 0;
  #made = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #rest;
  #isStale = true; // whether more has changed than the scroll position
  #drawn = [0, 0]; // the numbers of the clips that are drawn
  /** @type {StripClip[]} all clips, in the order that is shown */
  #ordered = [];
  /** @type {Batches<string>} */
  #pictures;

  /** @param {Component} component */
  constructor({ element, props, server, trigger }) {
    this.props = props;
    this.server = server;
    this.trigger = trigger;
    this.reel = find(element, ".reel");
    this.film = find(element, ".film");
    this.note = find(element, ".note");
    this.message = find(element, ".message");
    this.bar = new StripBar(element, {
      hear: (track) => void this.hear(track),
      open: () => this.open(),
      takeAsSecond: () => this.takeAsSecond(),
      switchMode: () => this.#change(() => this.choice.switchMode()),
      layOut: () => this.layOut(),
      weigh: (weight) => this.weigh(weight),
      sort: (sorting) => this.#show(() => (this.sorting = sorting)),
      search: (words) => this.#show(() => (this.#searched = words)),
    });
    this.hands = new StripHands(this);
    this.ear = new StripEar(server, () => this.draw());
    this.#pictures = new Batches(
      (ids) => this.#askForPictures(ids),
      (refusal) => this.#arrived(refusal),
      MOST_PICTURES,
    );
    this.errors = new StripErrors(server, (refusal) => this.#arrived(refusal));
    this.reel.addEventListener("scroll", () => this.draw({ isScroll: true }), { passive: true });
    drawAgainWith(this.reel, () => this.draw());
    this.take();
  }

  get value() {
    return this.props.value;
  }

  /** Id of the clip that is heard and opened. */
  get chosen() {
    return this.choice.one;
  }

  /** The clip that is heard and opened. @returns {StripClip | undefined} */
  get clip() {
    return this.value.clips.find(({ id }) => id === this.chosen);
  }

  /** The clips that an action is about. */
  get #acted() {
    return this.choice.all.flatMap((id) => this.value.clips.filter((clip) => clip.id === id));
  }

  /** @param {string} id */
  #known(id) {
    return this.errors.of(this.value.sound_id, id);
  }

  /** Show the clips anew, because the value changed. */
  take() {
    const { value, choice } = this;
    this.errors.keep([value.sound_id, value.before?.sound_id ?? ""]);
    const isOther = value.open !== this.#open;
    const follows = isOther && choice.follows(this.#asked);
    if (isOther) this.#asked = [];
    [this.#open, this.#opening] = [value.open, []];
    this.message.textContent = "";
    choice.keep(new Set(value.clips.map(({ id }) => id)));
    if (!choice.isMode && (follows || !choice.one)) choice.only(value.open);
    for (const cell of this.cells.values()) cell.element.remove();
    this.cells.clear();
    this.#sort();
    if (follows) this.reveal();
  }

  /** @param {() => void} change */
  #change(change) {
    change();
    this.draw();
  }

  /** Show other clips, or in another order, from their beginning. @param {() => void} change */
  #show(change) {
    change();
    this.#sort();
    this.reel.scrollLeft = 0;
  }

  /** @param {string[]} ids */
  async #askForPictures(ids) {
    const answer = await this.server.strip_pictures({ ids });
    return answer && !isRefusal(answer) ? answer.pictures : answer;
  }

  /** @param {string} refusal */
  #arrived(refusal) {
    if (refusal) this.message.textContent = refusal;
    if (this.sorting === "error") this.#sort();
    else this.draw();
  }

  #sort() {
    const { clips, sound_id } = this.value;
    const isKnown = (/** @type {StripClip} */ { id, is_kept }) => !is_kept || this.#known(id) !== undefined;
    const missing = this.sorting === "error" ? clips.filter((clip) => !isKnown(clip)) : [];
    const errorOf = (/** @type {string} */ id) => this.#known(id)?.mel_l1 ?? null;
    // The order changes once, when all errors are there.
    this.#ordered = missing.length ? takenAnew(this.#ordered, clips) : sortedClips(clips, this.sorting, errorOf);
    this.clips = matching(this.#ordered, this.#searched);
    this.ids = this.clips.map(({ id }) => id);
    const listening = `Comparing each clip with its reconstruction: ${clips.length - missing.length} of ${clips.length}.`;
    const none = this.clips.length ? "" : "No clip has these words in its name.";
    this.note.textContent = missing.length ? listening : none || this.value.note;
    this.film.style.width = `${Math.max(0, this.clips.length * EACH - CELL.gap)}px`;
    this.#label();
    this.draw();
    if (missing.length)
      this.errors.want(
        sound_id,
        missing.map(({ id }) => id),
      );
  }

  #label() {
    for (const label of this.film.querySelectorAll(".group")) label.remove();
    for (const { name, first, count } of stretchesOf(this.clips)) {
      const label = make("div", { className: "group" }, make("span", { textContent: `${name} · ${count}` }));
      Object.assign(label.style, { left: `${first * EACH}px`, width: `${count * EACH - CELL.gap}px` });
      label.setAttribute("aria-hidden", "true");
      this.film.append(label);
    }
  }

  /**
   * Draw what is in view at the next frame; after a scroll only the clips that came into view.
   * @param {{isScroll?: boolean}} why
   */
  draw({ isScroll = false } = {}) {
    this.#isStale ||= !isScroll;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#drawNow();
    });
  }

  #drawNow() {
    const { reel } = this;
    if (!reel.clientWidth) return;
    const view = { left: reel.scrollLeft, width: reel.clientWidth, each: EACH, count: this.clips.length };
    const [first, last] = inView(view);
    if (!this.#isStale && first === this.#drawn[0] && last === this.#drawn[1]) return;
    const inks = { open: styleOf(reel, "--color-accent"), other: styleOf(reel, "color") }; // before anything is changed
    const shown = this.clips.slice(first, last);
    const kept = new Set(shown.map(({ id }) => id));
    const free = [...this.cells].filter(([id]) => !kept.has(id));
    for (const [id] of free) this.cells.delete(id);
    shown.forEach((clip, index) => {
      const { id } = clip;
      const known = this.cells.get(id);
      if (known && !this.#isStale) return;
      const cell = known ?? this.#newCell(clip, free.pop()?.[1]);
      cell.place(first + index, this.clips.length);
      cell.show(this.#lookOf(id));
      cell.draw(this.#pictures.of(id), id === this.value.open ? inks.open : inks.other);
    });
    for (const [, cell] of free) cell.element.remove();
    this.#fetchFor(shown);
    this.#showChosen();
    this.#drawn = [first, last];
    this.#isStale = false;
  }

  /**
   * @param {string} id
   * @returns {import("./strip_cell.js").Look}
   */
  #lookOf(id) {
    const { value, choice } = this;
    const { heard } = this.ear;
    return {
      isOpen: id === value.open,
      isSecond: id === value.second,
      isChosen: choice.several.length || choice.isMode ? choice.several.includes(id) : choice.has(id),
      isOpening: this.#opening.includes(id),
      heard: heard?.id === id ? (heard.buffer?.duration ?? 0) : 0,
      place: choice.placeOf(id),
      known: this.#known(id),
    };
  }

  /**
   * Fetch what is missing of the clips in view, once the strip has come to rest.
   * @param {StripClip[]} shown
   */
  #fetchFor(shown) {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => this.#fetchNow(shown), REST);
  }

  /** @param {StripClip[]} shown */
  #fetchNow(shown) {
    const { sound_id, is_own, before } = this.value;
    const ids = shown.filter(({ is_kept }) => is_kept).map(({ id }) => id);
    this.#pictures.want(ids);
    if (is_own && this.sorting !== "error") this.errors.want(sound_id, ids);
    if (before && this.clip?.is_kept) this.errors.want(before.sound_id, [this.chosen]);
  }

  /**
   * A cell for a clip: one that is free, because a browser styles a page anew when elements come and go.
   * @param {StripClip} clip
   * @param {StripCell | undefined} free
   */
  #newCell(clip, free) {
    const cell = free ?? new StripCell(`strip-clip-${++this.#made}`);
    cell.take(clip);
    this.cells.set(clip.id, cell);
    if (!free) this.film.append(cell.element);
    return cell;
  }

  #showChosen() {
    const cell = this.cells.get(this.chosen);
    if (cell) this.reel.setAttribute("aria-activedescendant", cell.element.id);
    else this.reel.removeAttribute("aria-activedescendant");
    if (!this.#isStale) return;
    const { clip, value, ear, choice } = this;
    this.bar.show({
      clips: this.#acted,
      clip: choice.isMode && !choice.several.length ? undefined : clip,
      known: this.#known(this.chosen),
      before: value.before ? this.errors.of(value.before.sound_id, this.chosen) : undefined,
      heard: ear.heard?.id === this.chosen ? ear.heard.track : "",
      isMode: choice.isMode,
      value,
    });
  }

  /** Scroll to the chosen clip. */
  reveal() {
    const { reel } = this;
    const number = this.ids.indexOf(this.chosen);
    const left = number * EACH;
    if (number < 0) return;
    if (left < reel.scrollLeft) reel.scrollLeft = left - EACH / 2;
    else if (left + EACH > reel.scrollLeft + reel.clientWidth) reel.scrollLeft = left + 1.5 * EACH - reel.clientWidth;
  }

  /** @param {import("./strip_ear.js").StripTrack} track */
  async hear(track) {
    const { clip } = this;
    this.message.textContent = "";
    if (!clip?.is_kept) {
      this.ear.pause();
      if (clip) this.message.textContent = `${clip.name}: ${clip.note}; drop the file again to hear it.`;
      this.draw();
      return;
    }
    const { sound_id, before, sample_rate } = this.value;
    const soundId = track === "before" ? (before?.sound_id ?? "") : sound_id;
    this.message.textContent = await this.ear.play(clip.id, track, { soundId, sampleRate: sample_rate });
  }

  open() {
    if (!this.clip?.is_kept) return;
    picked = this.chosen;
    this.#wait([picked]);
    this.trigger("open_clip", {});
    leaveTrain();
  }

  /** Open the chosen clips side by side, in the order in which they were chosen. */
  layOut() {
    const clips = this.#acted;
    if (clips.length < 2 || clips.some(({ is_kept }) => !is_kept)) return;
    const ids = clips.map(({ id }) => id);
    this.choice.end();
    this.#wait(ids);
    this.trigger("lay_out", { ids });
    showTab("Edit");
  }

  /** Let a training hear the chosen clips so often. @param {number} weight */
  weigh(weight) {
    this.trigger("weigh", { ids: this.#acted.map(({ id }) => id), weight });
  }

  /** Show that clips are being opened. @param {string[]} ids */
  #wait(ids) {
    this.#opening = this.#asked = ids;
    clearTimeout(this.#late);
    this.#late = setTimeout(() => this.#change(() => (this.#opening = [])), PATIENCE);
    this.draw();
  }

  takeAsSecond() {
    if (!this.clip?.is_kept) return;
    picked = this.value.second === this.chosen ? "" : this.chosen;
    this.trigger("as_second", {});
  }
}

/** @param {Component} component */
export function mount(component) {
  const strip = new Strip(component);
  Object.assign(component.element, { strip });
  component.watch("value", () => {
    if (component.props.value) strip.take();
  });
}
