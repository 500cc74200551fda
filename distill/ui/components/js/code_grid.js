// @ts-check
// The code grid, an instrument: shows the codes of a clip over its spectrogram, and sends a visitor's edits.
//
// element.grid has the state for scripts and tests: see grid_hooks.js.

import { CodeEntry } from "./code_entry.js";
import { picturesOfCodecs } from "./codec_pictures.js";
import { drawAgainWith, find, findCanvas } from "./dom.js";
import { GridBeat } from "./grid_beat.js";
import { GridBeside } from "./grid_beside.js";
import { connectChoosing } from "./grid_choosing.js";
import { GridCodes, isSameClip } from "./grid_codes.js";
import { GridControls } from "./grid_controls.js";
import { GridEditor } from "./grid_editor.js";
import { GridHands } from "./grid_hands.js";
import { hooksOf } from "./grid_hooks.js";
import { followGridKeys } from "./grid_keys.js";
import { GridLayout } from "./grid_layout.js";
import { GridLens } from "./grid_lens.js";
import { GridPads } from "./grid_pads.js";
import { GridPainter } from "./grid_painter.js";
import { GridSliders } from "./grid_sliders.js";
import { GridSound } from "./grid_sound.js";
import { GridState } from "./grid_state.js";
import { showZoom } from "./grid_zoom.js";
import { KeptBrush } from "./kept_brush.js";
import { Mixer } from "./mixer.js";
import { offersOf } from "./rescue.js";
import { isRefusal } from "./server.js";
import { sound } from "./sound.js";
import { addTakes } from "./takes.js";

/** @typedef {import("./types.js").GridValue} GridValue */
/** @typedef {import("./types.js").Component<GridValue, import("./types.js").GridServer>} Component */

const FOLLOW_MARGIN = 40; // pixels left of the playhead after the grid scrolls to it

export class CodeGrid {
  /** @type {import("./types.js").CodecPictures | null} */
  pictures = null;
  #modelId = ""; // identifies the codec of the pictures
  #frame = 0;

  /** @param {Component} component */
  constructor({ element, props, server, openCodec }) {
    this.element = element;
    this.props = props;
    this.server = server;
    this.canvas = findCanvas(element, ".cells");
    this.scroller = find(element, ".scroller");
    this.track = find(element, ".track");
    this.value = { ...props.value };
    this.state = new GridState(new GridCodes(this.value));
    this.keptBrush = new KeptBrush();
    this.layout = new GridLayout(this.state);
    this.painter = new GridPainter(this.canvas, this.state, this.layout);
    this.sound = new GridSound(
      this.value,
      server,
      {
        changed: () => this.show(),
        tell: (words) => this.tell(words),
        refused: (refusal) => this.#refuse(refusal),
      },
      { openCodec },
    );
    this.controls = new GridControls(element, this);
    this.mixer = new Mixer(element, this);
    this.editor = new GridEditor(this);
    this.lens = new GridLens(this);
    this.entry = new CodeEntry(this);
    this.sliders = new GridSliders(this);
    this.beside = new GridBeside(this);
    connectChoosing(this);
    this.beat = new GridBeat(this);
    this.pads = new GridPads(this);
    sound.onTrouble((words) => this.tell(words));
    this.hands = new GridHands(this);
    followGridKeys(this);
    this.takes = addTakes(this);
    this.#open(true);
  }

  // ---- a clip arrives

  /** The value changed: another clip, a change from elsewhere, or the page's own copy of the example. */
  take() {
    const { value } = this.props;
    const isAdopted = !this.value.editable && value.editable && isSameClip(this.value, value);
    if (isAdopted && value.indices === this.value.indices) {
      const { work, timing } = value;
      Object.assign(this.value, { work, timing, editable: true });
      this.editor.queue.adopt(work);
      this.beat.adopt();
      this.show();
      return;
    }
    const isAnother = this.value.work !== value.work;
    if (isAnother) {
      this.pads.finish();
      this.beat.ruler.settle();
    }
    if (!isAnother && this.editor.waiting.length) return; // this page is ahead of the server
    if (!isAdopted) this.editor.queue.drop(null);
    this.value = { ...value };
    this.#open(isAnother);
    if (isAdopted) this.editor.queue.adopt(value.work);
    if (isAdopted) this.beat.adopt();
  }

  /** @param {boolean} isAnother */
  #open(isAnother) {
    const { value, state, painter } = this;
    /** @type {GridCodes} */
    const codes = new GridCodes(
      value,
      (position, code) => painter.put(codes, position, code),
      (puts) =>
        this.sound.change(codes, puts, { isHeard: state.hearsEdits && !state.isFading, isStroke: state.isPaintingOn }),
    );
    if (value.model_id !== this.#modelId) this.pictures = null;
    this.#modelId = value.model_id;
    state.take(codes, value.size, isAnother);
    this.keptBrush.take(value, state);
    if (isAnother) {
      this.beat.take();
      this.pads.take();
      this.takes?.take();
      this.layout.columnWidth = 0;
      this.scroller.scrollLeft = 0;
      painter.takeBackdrop(value.spectrogram, () => this.draw());
      this.tell("");
      codes.put(this.editor.waitingPuts);
    }
    painter.take(codes, this.pictures);
    void this.#fetchPictures();
    void this.lens.take();
    this.sound.take(value, isAnother, codes);
    this.sound.change(codes, this.editor.waitingPuts, { isHeard: false, isStroke: false });
    this.controls.build();
    this.mixer.build();
    this.show();
    if (isAnother && this.beat.snap !== "off") this.beat.find();
  }

  async #fetchPictures() {
    const { work, model_id: modelId } = this.value;
    this.controls.palette.ariaBusy = String(!this.pictures);
    const pictures = await picturesOfCodecs.of(modelId, () => this.server.codec_pictures({ work }));
    if (modelId !== this.value.model_id) return;
    this.controls.palette.ariaBusy = "false";
    if (isRefusal(pictures)) this.#refuse(pictures);
    else if (pictures !== this.pictures) {
      this.pictures = pictures;
      this.painter.take(this.state.codes, pictures);
      this.controls.buildPalette();
      this.show();
      this.controls.scrollToBrush();
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

  /**
   * Report that the server has lost the clip, and offer the page's copy of the codes.
   * @param {string} sentence
   */
  async offerCodes(sentence) {
    const offers = await offersOf(this.value, this.state.codes.cells);
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
    this.keptBrush.note(this.state);
    this.controls.show(this.editor.waiting.length > 0);
    this.mixer.show();
    this.lens.show();
    this.sliders.show();
    this.beside.show();
    this.beat.show();
    this.pads.show();
    this.takes?.show();
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
      this.lens.draw();
      if (this.sound.deck.isPlaying) this.#follow();
    });
  }

  #paint() {
    const { view } = this;
    if (!view.width) return;
    this.track.style.width = `${this.layout.widthOfColumn(view) * this.value.columns}px`;
    this.painter.draw(view, this.value, this.sound.deck.moment);
    this.beat.ruler.draw(view, this.sound.deck.moment);
  }

  /** Redraw each frame during playback, and keep the playhead in view. */
  #follow() {
    const { sound, view } = this;
    if (!this.element.isConnected) {
      sound.deck.pause();
      return;
    }
    sound.follow();
    const x = (sound.deck.moment / this.value.column_seconds) * this.layout.widthOfColumn(view);
    const isInSight = x >= view.scrollLeft && x <= view.scrollLeft + view.width;
    if (sound.playing === "all" && !isInSight) this.scroller.scrollLeft = x - FOLLOW_MARGIN;
    this.draw();
  }

  /** @param {number} factor */
  zoom(factor) {
    showZoom(this, this.layout.zoom(factor, this.state.cursor.column, this.view));
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

  /** The span that a loop plays: that of the ruler, the selection, or the whole clip. @returns {[number, number] | null} */
  get part() {
    const { selection } = this.state;
    if (this.beat.loop) return this.beat.loop;
    const { column_seconds: each } = this.value;
    return selection && [selection.columns[0] * each, (selection.columns[1] + 1) * each];
  }

  /** @param {boolean} isFromCursor true to play from the cursor, false to play from the pause */
  playOrPause(isFromCursor = false) {
    this.pads.sounds.stop();
    const cursor = this.state.cursor.column * this.value.column_seconds;
    this.sound.playOrPause(this.part, isFromCursor ? cursor : undefined);
  }

  switchLoop() {
    this.sound.switchLoop(this.part);
    this.show();
  }

  compare() {
    void this.sound.compare(this.part);
  }

  /** @param {number} code */
  audition(code) {
    void this.sound.audition(this.state.level, code);
  }
}

/** @param {Component} component */
export function mount(component) {
  const { element, watch } = component;
  const grid = new CodeGrid(component);
  Object.assign(element, { grid: hooksOf(grid) });
  window.addEventListener("beforeunload", (event) => {
    // The browser asks whether to leave.
    const isUnsaved = grid.value.edits || grid.editor.queue.length || grid.pads.isUnsent;
    if (element.isConnected && isUnsaved) event.preventDefault();
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
