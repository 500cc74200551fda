// @ts-check
// Tempo, beat and loop of the clip on the code grid, and their controls. The server finds the beat, and keeps all of it.

import { clamp } from "./axes.js";
import { BeatRuler } from "./beat_ruler.js";
import {
  FASTEST,
  loopInWords,
  movedLoop,
  periodOf,
  SLOWEST,
  secondsOfBeat,
  snapped,
  snappedColumn,
  snappedColumns,
  Taps,
  USUAL,
  withOffset,
} from "./beats.js";
import { wavOf } from "./bytes.js";
import { find, findButton, findInput, followChoice, saveFile } from "./dom.js";
import { editsWaiting } from "./edits_waiting.js";
import { keepChoiceOf } from "./kept_choices.js";
import { answerTo, isRefusal, NO_ANSWER, wait } from "./server.js";

/** @typedef {import("./axes.js").Span} Span */
/** @typedef {import("./beats.js").Beat} Beat */
/** @typedef {{tempo: number, offset: number, bar: number, loop: number[], note?: string}} Timing */

const FINDING = "Finding the beat …";
const RETRIES = 3;
const RETRY = 1_500; // milliseconds until changes are sent again that were not answered

export class GridBeat {
  /** @type {Beat} */
  beat = USUAL;
  /** @type {Span | null} in seconds */
  loop = null;
  /** @type {import("./beats.js").Snap} */
  snap = "off";
  isKnown = false; // whether the beat was found or set
  #isFinding = false;
  /** @type {"" | "known" | "anew"} what was asked for while the beat was being found */
  #wanted = "";
  #clip = 0; // number of the clip; the example and the page's copy of it may be one
  #taps = new Taps();
  #isUnsent = false; // whether the example has changes that wait for a clip of the page's own
  /** @type {Map<string, Record<string, unknown>>} the latest changes that wait to be sent, by clip */
  #waiting = new Map();
  #isSending = false;

  /** @param {import("./code_grid.js").CodeGrid} grid */
  constructor(grid) {
    const { element } = grid;
    this.grid = grid;
    this.ruler = new BeatRuler(element, this);
    this.tempo = findInput(element, ".tempo");
    this.bar = findInput(element, ".bar-beats");
    this.words = find(element, ".loop-words");
    this.findButton = findButton(element, ".find-beat");
    this.findButton.hidden = typeof grid.server.timing !== "function";
    this.findButton.onclick = () => void this.#find(true);
    this.tempo.onchange = () => this.setTempo(Number(this.tempo.value));
    this.bar.onchange = () =>
      this.#change({ ...this.beat, bar: clamp(Math.round(Number(this.bar.value)) || 4, 1, 16) });
    findButton(element, ".tap").onclick = () => this.tap(performance.now() / 1000);
    const snap = /** @type {HTMLSelectElement} */ (find(element, ".snap"));
    keepChoiceOf(snap, "snap");
    this.snap = /** @type {import("./beats.js").Snap} */ (snap.value || "off");
    followChoice(snap, grid.canvas, () => {
      this.snap = /** @type {import("./beats.js").Snap} */ (snap.value);
      if (this.snap !== "off") this.find();
      grid.show();
    });
    findButton(element, ".loop-selection").onclick = () => this.loopSelection();
    findButton(element, ".save-loop").onclick = () => void this.saveLoop();
    const { state } = grid;
    state.snapRegion = (region) => ({ ...region, columns: snappedColumns(this.measure, region.columns) });
    state.snapColumn = (column) => snappedColumn(this.measure, column);
    state.repeatPeriod = (columns) => periodOf(this.measure, columns);
  }

  // ---- a clip

  /** Another clip is open. */
  take() {
    const { timing } = this.grid.value;
    this.ruler.leave();
    this.#clip += 1;
    this.#wanted = "";
    this.beat = USUAL;
    this.loop = null;
    this.isKnown = this.#isUnsent = false;
    if (timing) this.#show(timing);
  }

  /** The page has a clip of its own in place of the example: a new one, or that of an earlier page with its beat. */
  adopt() {
    const { timing } = this.grid.value;
    if (this.#isUnsent) this.#send();
    else if (timing) this.#show(timing);
  }

  /** @param {Timing} timing */
  #show({ tempo, offset, bar, loop }) {
    this.beat = { tempo, offset, bar };
    this.loop = loop.length ? [loop[0], loop[1]] : null;
    this.isKnown = true;
  }

  /** Find the beat, unless it is known. */
  find() {
    if (!this.isKnown) void this.#find(false);
  }

  /** @param {boolean} isAnew whether it is found although it is known */
  async #find(isAnew) {
    const { grid } = this;
    const { work } = grid.value;
    const clip = this.#clip;
    if (this.#isFinding) {
      if (this.#wanted !== "anew") this.#wanted = isAnew ? "anew" : "known";
      return;
    }
    if (typeof grid.server.timing !== "function") {
      this.isKnown = true;
      grid.show();
      return;
    }
    this.#isFinding = true;
    this.show();
    const answer = await answerTo(grid.server.timing(isAnew ? { work, find: true } : { work }));
    this.#isFinding = false;
    const wanted = this.#wanted;
    this.#wanted = "";
    this.show();
    if (wanted === "anew" && !(isAnew && clip === this.#clip)) {
      void this.#find(true);
      return;
    }
    if (clip !== this.#clip) {
      if (wanted) this.find(); // it was asked for in the clip that is open now
      return;
    }
    if (isRefusal(answer)) {
      grid.tell(answer.error);
      return;
    }
    if (this.isKnown && !isAnew) return; // set by hand meanwhile
    const { loop } = this;
    this.#show(answer);
    this.loop = loop ?? this.loop;
    if (answer.note) grid.tell(answer.note);
    if (isAnew && !grid.value.editable) this.#isUnsent = true;
    grid.show();
  }

  // ---- what others ask

  /** @returns {import("./beats.js").Measure} */
  get measure() {
    const { column_seconds: columnSeconds, columns } = this.grid.value;
    return { beat: this.beat, snap: this.snap, columnSeconds, columns, seconds: this.seconds };
  }

  get seconds() {
    return this.grid.value.samples / this.grid.value.sample_rate;
  }

  get pixelsPerSecond() {
    return this.grid.layout.widthOfColumn(this.grid.view) / this.grid.value.column_seconds;
  }

  /** Pixels from the first column to the end of the last one, which may end later than the clip. */
  get width() {
    return this.grid.value.columns * this.grid.layout.widthOfColumn(this.grid.view);
  }

  get scrollLeft() {
    return this.grid.view.scrollLeft;
  }

  get isLooping() {
    return this.grid.sound.isLooping;
  }

  get loopWords() {
    return loopInWords(this.beat, this.loop);
  }

  get tempoWords() {
    return `${Number(this.beat.tempo.toFixed(2))} beats per minute, ${this.beat.bar} in a bar`;
  }

  // ---- changes

  state() {
    return { beat: this.beat, loop: this.loop };
  }

  /** @param {{beat: Beat, loop: Span | null}} state */
  restore({ beat, loop }) {
    this.beat = beat;
    this.loop = loop;
    this.grid.show();
  }

  /** @param {number} tempo beats per minute */
  setTempo(tempo) {
    if (!Number.isFinite(tempo) || tempo <= 0) {
      this.show();
      return;
    }
    this.#change({ ...this.beat, tempo: clamp(tempo, SLOWEST, FASTEST) });
  }

  /** @param {number} moment of a tap, in seconds; while the clip plays, the first beat is put there too */
  tap(moment) {
    const tempo = this.#taps.add(moment);
    if (tempo === null) return;
    const { deck } = this.grid.sound;
    const beat = { ...this.beat, tempo };
    this.#change(deck.isPlaying ? withOffset(beat, deck.moment) : beat);
  }

  /** @param {Beat} beat */
  #change(beat) {
    this.isKnown = true;
    this.beat = beat.offset < secondsOfBeat(beat) * beat.bar ? beat : withOffset(beat, beat.offset);
    this.commit();
  }

  /**
   * Move the beat, without sending it.
   * @param {Beat} beat as it was before
   * @param {number} by seconds
   */
  moveBeat(beat, by) {
    this.isKnown = true;
    this.beat = withOffset(beat, beat.offset + by);
    this.grid.show();
  }

  /**
   * Move a part of the loop, without sending it.
   * @param {Span} loop as it was before
   * @param {import("./beats.js").Part} part
   * @param {number} by seconds
   */
  moveLoop(loop, part, by) {
    this.loop = movedLoop(this.measure, loop, part, by);
    this.grid.show();
  }

  /**
   * Draw a new loop, without sending it.
   * @param {number} from seconds
   * @param {number} to seconds
   */
  drawLoop(from, to) {
    const start = snapped(this.measure, from);
    this.moveLoop([start, start], to < from ? "start" : "stop", to - start);
  }

  /** @param {Span | null} loop in seconds */
  setLoop(loop) {
    this.loop = loop;
    this.commit();
  }

  /** Loop the selection, grown to whole parts of the beat while it snaps; without one, the whole clip. */
  loopSelection() {
    const { state, value } = this.grid;
    const [first, last] = state.selection?.columns ?? [0, value.columns - 1];
    const end = Math.min(this.seconds, (last + 1) * value.column_seconds);
    const span = /** @type {Span} */ ([first * value.column_seconds, end]);
    const [from, to] = span.map((moment) => snapped(this.measure, moment));
    this.setLoop(to > from ? [from, to] : span);
  }

  /** Put the playhead somewhere. @param {number} moment in seconds */
  goTo(moment) {
    const { grid } = this;
    const { state, sound, value } = grid;
    const place = this.snap === "off" ? moment : snapped(this.measure, moment);
    const column = clamp(Math.floor(place / value.column_seconds + 1e-6), 0, value.columns - 1);
    state.cursor = { ...state.cursor, column };
    if (sound.playing === "all") sound.play(grid.part, place);
    else sound.deck.moment = place;
    grid.show();
  }

  /** What was changed by hand is done: it is heard and sent. */
  commit() {
    const { grid } = this;
    const { sound } = grid;
    if (sound.playing === "all" && sound.isLooping) sound.play(grid.part);
    grid.show();
    if (grid.value.editable) this.#send();
    else this.#isUnsent = true;
  }

  #send() {
    const { grid } = this;
    const { work } = grid.value;
    this.#isUnsent = false;
    if (typeof grid.server.timing !== "function") return;
    const { tempo, offset, bar } = this.beat;
    // A loop alone does not make the beat known: it is found when it is needed.
    const known = this.isKnown ? { tempo, offset, bar } : {};
    this.#waiting.set(work, { work, ...known, loop: this.loop ?? [] });
    if (!this.#isSending) editsWaiting.hold(this.#sendWaiting());
  }

  /** Send the latest changes of each clip, one request at a time, until each is answered or was sent often enough. */
  async #sendWaiting() {
    const { grid } = this;
    this.#isSending = true;
    let retries = 0; // since the latest answer
    for (let next = first(this.#waiting); next; next = first(this.#waiting)) {
      const [work, request] = next;
      this.#waiting.delete(work);
      const answer = await answerTo(grid.server.timing?.(request) ?? Promise.resolve(null));
      if (answer !== NO_ANSWER && retries) {
        retries = 0;
        grid.tell("");
      }
      if (isRefusal(answer) && work === grid.value.work) grid.tell(answer.error);
      if (answer !== NO_ANSWER || retries === RETRIES) continue;
      retries += 1;
      if (!this.#waiting.has(work)) this.#waiting.set(work, request);
      await wait(RETRY);
    }
    this.#isSending = false;
  }

  /** Save the loop, or the selection, or all, as a WAV file with the tempo and the points of the loop. */
  async saveLoop() {
    const { grid } = this;
    const { value, sound } = grid;
    const [from, to] = grid.part ?? [0, this.seconds];
    const rate = value.sample_rate;
    const [first, stop] = [Math.round(from * rate), Math.min(Math.round(to * rate), value.samples)];
    const samples = await sound.whole([first, stop]);
    if (!samples) {
      grid.tell("The sound is still being made; please try again in a moment.");
      return;
    }
    const stem = value.name.replace(/\.[^.]*$/, "");
    const points = { loop: [0, samples.length], tempo: this.beat.tempo, bar: this.beat.bar };
    const name = `${stem}-loop-${Number(this.beat.tempo.toFixed(2))}bpm.wav`;
    saveFile(wavOf(samples, rate, /** @type {any} */ (points)), "audio/wav", name);
  }

  // ---- showing

  show() {
    const { tempo, bar } = this.beat;
    if (document.activeElement !== this.tempo) this.tempo.value = String(Number(tempo.toFixed(2)));
    if (document.activeElement !== this.bar) this.bar.value = String(bar);
    this.words.textContent = this.#isFinding ? FINDING : this.loopWords;
  }
}

/** @template Key, Value @param {Map<Key, Value>} map @returns {[Key, Value] | undefined} its oldest entry */
const first = (map) => map.entries().next().value;
