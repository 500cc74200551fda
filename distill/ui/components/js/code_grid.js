// @ts-check
// The code grid, an instrument: shows the codes of a clip over its spectrogram, and sends a visitor's edits.
//
// element.grid has the state for scripts and tests: see grid_hooks.js.

import { picturesOfCodecs } from "./codec_pictures.js";
import { drawAgainWith, find, findCanvas } from "./dom.js";
import { EditQueue } from "./edit_queue.js";
import { editsWaiting } from "./edits_waiting.js";
import { GridCodes } from "./grid_codes.js";
import { GridControls } from "./grid_controls.js";
import { followKeys, followPointer } from "./grid_hands.js";
import { hooksOf } from "./grid_hooks.js";
import { GridLayout } from "./grid_layout.js";
import { GridPainter } from "./grid_painter.js";
import { GridSound } from "./grid_sound.js";
import { GridState } from "./grid_state.js";
import { editOf, idleWords } from "./grid_tools.js";
import { offersOf } from "./rescue.js";
import { parts } from "./selection.js";
import { answerTo, isRefusal } from "./server.js";
import { decode } from "./sound.js";

/** @typedef {import("./types.js").GridValue} GridValue */
/** @typedef {import("./types.js").Component<GridValue, import("./types.js").GridServer>} Component */

const NOTHING_COPIED = "There is nothing to paste yet: select some cells and copy them.";
const KEPT_HERE = "The server does not answer. Your edits are still on this page: trying again …";
const FOLLOW_MARGIN = 40; // pixels left of the playhead after the grid scrolls to it

export class CodeGrid {
  /** @type {import("./types.js").CodecPictures | null} */
  pictures = null;
  #modelId = ""; // identifies the codec of the pictures
  #frame = 0;

  /** @param {Component} component */
  constructor({ element, props, server }) {
    this.element = element;
    this.props = props;
    this.server = server;
    this.canvas = findCanvas(element, ".cells");
    this.scroller = find(element, ".scroller");
    this.track = find(element, ".track");
    this.value = { ...props.value };
    this.state = new GridState(new GridCodes(this.value));
    this.layout = new GridLayout(this.state);
    this.painter = new GridPainter(this.canvas, this.state, this.layout);
    this.sound = new GridSound(this.value, server, {
      changed: () => this.show(),
      tell: (words) => this.tell(words),
      refused: (refusal) => this.#refuse(refusal),
    });
    this.controls = new GridControls(element, this);
    this.queue = new EditQueue((request) => server.edit(request), {
      done: (edit, answer) => this.#done(edit, answer),
      refused: (edit, refusal) => this.#refused(edit, refusal),
      gone: (edit, refusal) => this.#gone(edit, refusal),
      retrying: () => this.tell(KEPT_HERE),
      changed: () => {
        editsWaiting.set(this.queue.length);
        this.show();
      },
    });
    followPointer(this.canvas, this);
    followKeys(this.canvas, this);
    this.#open(true);
  }

  // ---- a clip arrives

  /** The value changed: another clip, a change from elsewhere, or the page's own copy of the example. */
  take() {
    const { value } = this.props;
    const isAdopted = !this.value.editable && value.editable && isSameClip(this.value, value);
    if (isAdopted && value.indices === this.value.indices) {
      Object.assign(this.value, { work: value.work, editable: true });
      this.queue.adopt(value.work);
      return;
    }
    const isAnother = this.value.work !== value.work;
    if (!isAnother && this.#waiting.length) return; // this page is ahead of the server
    if (!isAdopted) this.queue.drop(null);
    this.value = { ...value };
    this.#open(isAnother);
    if (isAdopted) this.queue.adopt(value.work);
  }

  /** @param {boolean} isAnother */
  #open(isAnother) {
    const { value, state, painter } = this;
    /** @type {GridCodes} */
    const codes = new GridCodes(value, (position, code) => painter.put(codes, position, code));
    if (value.model_id !== this.#modelId) this.pictures = null;
    this.#modelId = value.model_id;
    state.take(codes, value.size, isAnother);
    if (isAnother) {
      this.layout.columnWidth = 0;
      this.scroller.scrollLeft = 0;
      painter.takeBackdrop(value.spectrogram, () => this.draw());
      this.tell("");
      this.#putWaiting();
    }
    painter.take(codes, this.pictures);
    void this.#fetchPictures();
    this.sound.take(value, isAnother);
    this.controls.build();
    this.show();
  }

  async #fetchPictures() {
    const { work, model_id: modelId } = this.value;
    const pictures = await picturesOfCodecs.of(modelId, () => this.server.codec_pictures({ work }));
    if (modelId !== this.value.model_id) return;
    if (isRefusal(pictures)) this.#refuse(pictures);
    else if (pictures !== this.pictures) {
      this.pictures = pictures;
      this.painter.take(this.state.codes, pictures);
      this.controls.buildPalette();
      this.show();
    }
  }

  /** @param {import("./types.js").Refusal} refusal */
  #refuse(refusal) {
    if (refusal.gone) void this.offerCodes(refusal.error);
    else this.tell(refusal.error);
  }

  get second() {
    /** @type {{work?: string, name?: string}} */
    const second = this.props.second ?? {};
    return second.work ? { work: second.work, name: second.name } : null;
  }

  // ---- edits

  /** The secret under which this clip's edits wait; null for the example, until the page has a copy. */
  get #work() {
    return this.value.editable ? this.value.work : null;
  }

  get #waiting() {
    return this.queue.editsOf(this.#work);
  }

  #putWaiting() {
    for (const edit of this.#waiting) this.state.codes.put(edit.puts);
  }

  /**
   * @param {import("./grid_tools.js").Asked} asked
   * @param {import("./grid_codes.js").Put[]} puts
   */
  edit({ kind, ...fields }, puts = []) {
    this.state.codes.put(puts);
    this.queue.add(this.#work, kind, fields, puts);
  }

  sendStroke() {
    const stroke = this.state.endStroke();
    if (!stroke) return;
    const { level, code } = stroke;
    for (const cells of parts(stroke.cells, this.value.edit_cells)) {
      const places = cells.map(({ row, column }) => [row, column]);
      const puts = cells.map(
        ({ row, column }) => /** @type {[number, number]} */ ([this.state.codes.positionOf(level, row, column), code]),
      );
      this.edit({ kind: "paint", level, code, cells: places }, puts);
    }
  }

  /**
   * Carry out the action of a button.
   * @param {string} name
   */
  act(name) {
    if (name === "copy" || name === "cut") this.#copy();
    if (name === "paste") this.#paste();
    const tool = name === "cut" ? "clear" : name;
    const asked = editOf(tool, this.state, this.controls.numbers, this.second?.work ?? null);
    if (typeof asked === "string") this.tell(asked);
    else if (asked) this.edit(asked);
  }

  #copy() {
    const codes = this.state.copy();
    const what = codes.length === 1 ? this.value.levels[this.state.level] : "all levels";
    this.tell(`Copied ${codes[0].length} × ${codes[0][0].length} cells of ${what}.`);
    this.show();
  }

  #paste() {
    if (!this.state.clipboard) this.tell(NOTHING_COPIED);
    for (const paste of this.state.pastes(this.value.edit_cells)) this.edit({ kind: "paste", ...paste });
  }

  /**
   * @param {import("./edit_queue.js").Edit} edit
   * @param {import("./types.js").EditAnswer} answer
   */
  async #done({ work, request }, answer) {
    if (work !== this.value.work) return; // another clip is open now; the server keeps the first with its edits
    this.tell(idleWords(request.kind, answer.positions));
    this.state.codes.correct(answer);
    this.#putWaiting();
    const { history, edits, can_undo, can_redo } = answer;
    Object.assign(this.value, { history, edits, can_undo, can_redo });
    this.show();
    for (const [start, stop] of answer.stale) this.sound.pieces.outdate(start, stop);
    const heard = answer.flac ? await decode(answer.flac, this.value.sample_rate) : null;
    if (work !== this.value.work) return;
    if (heard) {
      const patch = { start: answer.start, samples: heard.getChannelData(0), version: answer.version };
      await this.sound.hearEdit(patch, this.state.hearsEdits);
    }
    const { playing, isComparing } = this.sound;
    if (answer.stale.length && playing === "all" && !isComparing) void this.sound.fetchTrack("edited");
  }

  /**
   * Return to the server's codes after a refused edit.
   * @param {import("./edit_queue.js").Edit} edit
   * @param {import("./types.js").Refusal} refusal
   */
  async #refused({ work }, refusal) {
    if (work !== this.value.work) return;
    this.tell(refusal.error);
    const answer = await answerTo(this.server.edit({ work, kind: "look" }));
    if (work !== this.value.work || isRefusal(answer)) return;
    this.state.codes.correct(answer);
    this.#putWaiting();
    this.show();
  }

  /**
   * @param {import("./edit_queue.js").Edit} edit
   * @param {import("./types.js").Refusal} refusal
   */
  #gone({ work }, refusal) {
    if (work === this.value.work) void this.offerCodes(refusal.error);
  }

  /**
   * Report that the server has lost the clip, and offer the page's copy of the codes.
   * @param {string} sentence
   */
  async offerCodes(sentence) {
    const offers = await offersOf(this.value, this.state.codes.indices);
    this.controls.tell(sentence, " Your edits are still on this page: ", ...offers);
  }

  // ---- drawing

  /** @param {string} words */
  tell(words) {
    this.controls.tell(words);
  }

  get view() {
    return { scrollLeft: this.scroller.scrollLeft, width: this.scroller.clientWidth };
  }

  /** Update everything that may have changed. */
  show() {
    this.controls.show(this.#waiting.length > 0);
    this.draw();
  }

  /** Draw the cells and the cursor. */
  showPlace() {
    this.controls.say();
    this.draw();
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
      if (this.sound.deck.isPlaying) this.#follow();
    });
  }

  #paint() {
    const { view } = this;
    if (!view.width) return;
    this.track.style.width = `${this.layout.widthOfColumn(view) * this.value.columns}px`;
    this.painter.draw(view, this.value, this.sound.deck.moment);
  }

  /** Redraw each frame during playback, and keep the playhead in view. */
  #follow() {
    const { sound, view } = this;
    if (!this.element.isConnected) {
      sound.deck.pause();
      return;
    }
    sound.stopAtEnd();
    const x = (sound.deck.moment / this.value.column_seconds) * this.layout.widthOfColumn(view);
    const isInSight = x >= view.scrollLeft && x <= view.scrollLeft + view.width;
    if (sound.playing === "all" && !isInSight) this.scroller.scrollLeft = x - FOLLOW_MARGIN;
    this.draw();
  }

  /** @param {number} factor */
  zoom(factor) {
    const left = this.layout.zoom(factor, this.state.cursor.column, this.view);
    this.track.style.width = `${this.layout.columnWidth * this.value.columns}px`;
    this.scroller.scrollLeft = left;
    this.draw();
  }

  scrollToCursor() {
    const left = this.layout.scrollTo(this.state.cursor.column, this.view);
    if (left !== null) this.scroller.scrollLeft = left;
  }

  /**
   * @param {number} level
   * @param {boolean} isStacked whether all levels stay in view
   */
  chooseLevel(level, isStacked = false) {
    this.state.isStacked = isStacked;
    this.state.level = level;
    this.controls.buildPalette();
    this.show();
  }

  /** @param {number} code */
  chooseCode(code) {
    this.state.brush = code;
    this.show();
    this.controls.scrollToBrush();
  }

  /**
   * @param {PointerEvent} event
   * @param {boolean} isNearest
   */
  cellUnder(event, isNearest = false) {
    const box = this.canvas.getBoundingClientRect();
    return this.layout.cellAt({ x: event.clientX - box.left, y: event.clientY - box.top }, this.view, isNearest);
  }

  // ---- sound

  /** The span that a loop plays: the selection, or the whole clip. @returns {[number, number] | null} */
  get #part() {
    const { selection } = this.state;
    const { column_seconds: each } = this.value;
    return selection && [selection.columns[0] * each, (selection.columns[1] + 1) * each];
  }

  /** @param {boolean} isFromCursor true to play from the cursor, false to play from the pause */
  playOrPause(isFromCursor = false) {
    const cursor = this.state.cursor.column * this.value.column_seconds;
    this.sound.playOrPause(this.#part, isFromCursor ? cursor : undefined);
  }

  switchLoop() {
    this.sound.switchLoop(this.#part);
    this.show();
  }

  compare() {
    void this.sound.compare(this.#part);
  }

  /** @param {number} code */
  audition(code) {
    void this.sound.audition(this.state.level, code);
  }
}

/** @type {(one: GridValue, other: GridValue) => boolean} */
function isSameClip(one, other) {
  return one.name === other.name && one.columns === other.columns && one.model_id === other.model_id;
}

/** @param {Component} component */
export function mount(component) {
  const { element, watch } = component;
  const grid = new CodeGrid(component);
  Object.assign(element, { grid: hooksOf(grid) });
  window.addEventListener("beforeunload", (event) => {
    // The browser asks whether to leave.
    if (element.isConnected && (grid.value.edits || grid.queue.length)) event.preventDefault();
  });
  watch("value", () => {
    if (component.props.value) grid.take();
  });
  watch("second", () => grid.show());
  watch("gone", () => {
    if (component.props.gone) void grid.offerCodes(component.props.gone);
  });
  grid.scroller.addEventListener("scroll", () => grid.draw());
  drawAgainWith(grid.scroller, () => grid.draw());
}
