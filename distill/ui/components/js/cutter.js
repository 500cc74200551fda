// @ts-check
// The cutter: a recording's waveform with its cuts, which make several clips of it.
//
// element.cutter = {cuts, recording, view, ear} for scripts and tests.

import { clamp } from "./axes.js";
import { CutHistory, Cuts } from "./cuts.js";
import { CutterHands } from "./cutter_hands.js";
import { CutterSearch } from "./cutter_search.js";
import { CutterView, drawingOf } from "./cutter_view.js";
import { applyOf, nameOf, toldOf } from "./cutter_words.js";
import { drawAgainWith, find, findButton, findCanvas, make, showPressed } from "./dom.js";
import { answerTo, isRefusal } from "./server.js";
import { StripEar } from "./strip_ear.js";

/** @typedef {import("./types.js").Component<import("./types.js").CutterValue, import("./types.js").CutterServer>} Component */
/** @typedef {import("./types.js").Recording} Recording */

const CLOSER = 1.5;

/** @type {Record<string, [number, number][]>} */
let made = {};

/**
 * The inputs of the event: the pieces of each recording that is cut, and the secret of the set.
 * @param {unknown} _
 * @param {string} shown
 */
export function chosen(_, shown) {
  return [made, shown];
}

export class Cutter {
  cursor = 0; // sample
  mark = -1; // number of the chosen cut; -1 if none is chosen
  /** @type {Map<string, CutHistory>} */
  #histories = new Map();
  /** @type {Map<string, import("./cutter_view.js").Drawing>} */
  #drawings = new Map();
  #id = "";
  #frame = 0;
  #isApplying = false;

  /** @param {Component} component */
  constructor({ element, props, server, trigger }) {
    this.props = props;
    this.server = server;
    this.trigger = trigger;
    this.details = /** @type {HTMLDetailsElement} */ (find(element, "details"));
    this.select = /** @type {HTMLSelectElement} */ (find(element, "select"));
    this.readout = find(element, ".readout");
    this.message = find(element, ".message");
    this.head = find(element, ".head");
    const names = ["wider", "closer", "hear", "add", "remove", "leave", "undo", "clear", "apply", "all"];
    this.buttons = Object.fromEntries(names.map((name) => [name, findButton(element, `.${name}`)]));
    const elements = {
      scroller: find(element, ".scroller"),
      track: find(element, ".track"),
      canvas: findCanvas(element, ".wave"),
    };
    this.view = new CutterView(elements, props.value.sample_rate);
    this.ear = new StripEar(this.#pieces(), () => this.show());
    this.hands = new CutterHands(this);
    this.search = new CutterSearch(this, element);
    this.#connect();
    this.take();
  }

  /** The ear asks for clips by their ids; here an id names a piece. */
  #pieces() {
    /** @type {import("./types.js").StripServer["strip_sound"]} */
    const strip_sound = ({ id }) => this.server.cut_sound(JSON.parse(id));
    return /** @type {import("./types.js").StripServer} */ ({ strip_sound });
  }

  #connect() {
    const { buttons, select, view } = this;
    select.onchange = () => this.#turnTo(select.value);
    buttons.wider.onclick = () => this.zoom(1 / CLOSER, this.cursor);
    buttons.closer.onclick = () => this.zoom(CLOSER, this.cursor);
    buttons.hear.onclick = () => void this.hear();
    buttons.add.onclick = () => this.addAt(this.cursor);
    buttons.remove.onclick = () => this.removeMark();
    buttons.leave.onclick = () => this.leaveOut();
    buttons.undo.onclick = () => this.undo();
    buttons.clear.onclick = () => this.change(new Cuts(view.length));
    buttons.apply.onclick = () => this.apply();
    view.scroller.addEventListener("scroll", () => this.show(), { passive: true });
    this.details.addEventListener("toggle", () => this.show());
    drawAgainWith(view.scroller, () => {
      view.fit();
      this.show();
    });
  }

  get value() {
    return this.props.value;
  }

  /** @returns {Recording | undefined} */
  get recording() {
    return this.value.recordings.find(({ id }) => id === this.#id);
  }

  get history() {
    return this.#historyOf(this.recording);
  }

  get cuts() {
    return this.history.cuts;
  }

  /** @param {Recording | undefined} recording */
  #historyOf(recording) {
    const { id, num_samples, pieces } = recording ?? { id: "", num_samples: 1, pieces: [] };
    const known = this.#histories.get(id) ?? new CutHistory(Cuts.of(pieces, num_samples));
    this.#histories.set(id, known);
    return known;
  }

  /** Show other recordings, or the same ones as they stand in the set now. */
  take() {
    const { recordings } = this.value;
    this.#isApplying = false;
    const ids = new Set(recordings.map(({ id }) => id));
    const isOther = !ids.has(this.#id);
    for (const id of this.#histories.keys()) if (!ids.has(id)) this.#histories.delete(id);
    for (const id of this.#drawings.keys()) if (!ids.has(id)) this.#drawings.delete(id);
    this.details.hidden = !recordings.length;
    if (isOther) {
      this.message.textContent = "";
      this.details.open = recordings.some(({ is_long }) => is_long);
      const longest = recordings.reduce(
        (best, each) => (each.seconds > (best?.seconds ?? 0) ? each : best),
        recordings[0],
      );
      this.#turnTo(longest?.id ?? "");
    }
    this.show();
  }

  /** @param {string} id */
  #turnTo(id) {
    this.#id = id;
    this.ear.pause();
    this.#rest();
    this.view.length = this.recording?.num_samples ?? 1;
    this.view.zoom = 1;
    this.view.fit();
    this.view.scroller.scrollLeft = 0;
    this.show();
  }

  async #fetchDrawing() {
    const id = this.#id;
    if (!id || this.#drawings.has(id)) return;
    this.#drawings.set(id, { extremes: new Int8Array(0), block: 1 }); // asked for once
    const answer = await answerTo(this.server.cut_waveform({ id }));
    if (isRefusal(answer)) {
      this.#drawings.delete(id);
      this.message.textContent = answer.error;
      return;
    }
    this.#drawings.set(id, drawingOf(answer.extremes, answer.block));
    this.show();
  }

  /** Draw at the next frame. */
  show() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#showNow();
    });
  }

  #showNow() {
    const { buttons, cuts, recording, details } = this;
    if (!recording || !details.open) return;
    void this.#fetchDrawing();
    this.view.draw(this.#drawings.get(this.#id) ?? null, cuts, this.cursor);
    this.hands.showMarks();
    const part = cuts.partAt(this.cursor);
    const heard = this.ear.heard;
    showPressed(buttons.hear, heard !== null);
    this.#showHead(heard);
    showPressed(buttons.leave, !cuts.kept[part]);
    buttons.remove.disabled = this.mark < 0;
    buttons.undo.disabled = !this.history.canUndo;
    buttons.clear.disabled = cuts.isWhole;
    buttons.leave.disabled = !cuts.marks.length;
    buttons.all.hidden = this.value.recordings.length < 2;
    this.#showApply();
    this.readout.textContent = toldOf(cuts, part, this.mark, this.view.sampleRate);
    this.#list();
  }

  #showApply() {
    const { apply } = this.buttons;
    const listed = this.value.recordings.map((each) => ({ recording: each, cuts: this.#historyOf(each).cuts }));
    const { words, isReady } = applyOf(listed);
    apply.textContent = words;
    apply.disabled = !isReady || this.#isApplying;
  }

  #list() {
    const { select } = this;
    const words = this.value.recordings.map((each) => nameOf(each, this.#historyOf(each).cuts));
    if ([...select.options].map(({ text }) => text).join("\n") !== words.join("\n")) {
      const options = this.value.recordings.map(({ id }, at) => make("option", { value: id, textContent: words[at] }));
      select.replaceChildren(...options);
    }
    select.value = this.#id;
  }

  /** @param {StripEar["heard"]} heard */
  #showHead(heard) {
    const { head, view } = this;
    head.hidden = !heard?.buffer;
    if (!heard?.buffer) {
      for (const moving of head.getAnimations()) moving.cancel();
      return;
    }
    const { start } = JSON.parse(heard.id);
    const from = view.leftOf(start);
    const to = view.leftOf(start + heard.buffer.duration * view.sampleRate);
    const key = `${heard.id} ${from} ${to}`;
    if (head.dataset.key === key && head.getAnimations().length) return;
    const played = head.dataset.id === heard.id ? (head.getAnimations()[0]?.currentTime ?? 0) : 0;
    for (const moving of head.getAnimations()) moving.cancel();
    Object.assign(head.dataset, { key, id: heard.id });
    const moving = head.animate([{ left: `${from}px` }, { left: `${to}px` }], {
      duration: heard.buffer.duration * 1000,
      fill: "forwards",
    });
    moving.currentTime = played;
  }

  /** @param {number} sample */
  choose(sample) {
    this.cursor = clamp(Math.round(sample), 0, this.view.length - 1);
    this.mark = -1;
    this.view.reveal(this.cursor);
    this.show();
  }

  /** @param {number} number of a cut */
  chooseMark(number) {
    this.mark = number;
    this.cursor = this.cuts.marks[number] ?? this.cursor;
    this.view.reveal(this.cursor);
    this.show();
  }

  /** Choose the previous or the next cut from the cursor. @param {number} direction */
  stepMark(direction) {
    const { marks } = this.cuts;
    const { cursor } = this;
    const next = direction > 0 ? marks.findIndex((at) => at > cursor) : marks.findLastIndex((at) => at < cursor);
    if (next >= 0) this.chooseMark(next);
  }

  /** Take other cuts, as one step. @param {Cuts} cuts */
  change(cuts) {
    this.history.take(cuts);
    this.mark = -1;
    this.show();
  }

  /** @param {number} sample */
  addAt(sample) {
    const cuts = this.cuts.add(sample);
    this.message.textContent =
      cuts === this.cuts ? "There is a cut here already, or the piece would be too short." : "";
    this.change(cuts);
    this.chooseMark(cuts.near(sample, 0));
  }

  removeMark() {
    this.change(this.cuts.remove(this.mark));
  }

  /**
   * Move the chosen cut.
   * @param {number} sample
   * @param {{isOpen?: boolean}} gesture
   */
  moveMark(sample, gesture = {}) {
    this.history.take(this.cuts.move(this.mark, sample), gesture);
    this.chooseMark(this.mark);
  }

  leaveOut() {
    const { mark } = this;
    const cuts = this.cuts.toggle(this.cuts.partAt(this.cursor));
    this.message.textContent = cuts.count ? "" : "One piece at least stays of each recording.";
    if (!cuts.count) return;
    this.history.take(cuts);
    this.mark = mark;
    this.show();
  }

  undo() {
    this.history.undo();
    this.mark = -1;
    this.show();
  }

  /**
   * @param {number} factor
   * @param {number} around sample
   */
  zoom(factor, around) {
    this.view.zoomBy(factor, around);
    this.show();
  }

  async hear() {
    const [start, stop] = this.cuts.parts[this.cuts.partAt(this.cursor)];
    this.message.textContent = "";
    const id = JSON.stringify({ id: this.#id, start, stop });
    this.message.textContent = await this.ear.play(id, "original", { soundId: "", sampleRate: this.view.sampleRate });
  }

  /** @param {Recording} recording */
  cutsOf(recording) {
    return this.#historyOf(recording).cuts;
  }

  /**
   * Take the cuts that were found in a recording.
   * @param {Recording} recording
   * @param {Cuts} cuts
   */
  found(recording, cuts) {
    this.#historyOf(recording).take(cuts);
    if (recording.id === this.#id) this.#rest();
    this.show();
  }

  /** Put the cursor at the first clip, and choose no cut. */
  #rest() {
    this.mark = -1;
    this.cursor = this.cuts.parts[Math.max(0, this.cuts.kept.indexOf(true))][0];
  }

  apply() {
    const { recordings } = this.value;
    made = Object.fromEntries(recordings.map((each) => [each.id, this.#historyOf(each).cuts.pieces]));
    this.#isApplying = true;
    this.ear.pause();
    this.show();
    this.trigger("cut", {});
    setTimeout(() => {
      this.#isApplying = false; // if it was refused
      this.show();
    }, 10_000);
  }
}

/** @param {Component} component */
export function mount(component) {
  const cutter = new Cutter(component);
  Object.assign(component.element, { cutter });
  component.watch("value", () => {
    if (component.props.value) cutter.take();
  });
}
