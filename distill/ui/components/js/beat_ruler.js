// @ts-check
// The ruler above the cells: bars and beats, and the loop, which is dragged there.

import { clamp } from "./axes.js";
import { linesIn, partAt, placeInBars, secondsOfBeat, unitOf } from "./beats.js";
import { findCanvas, fitCanvas, penOf, styleOf } from "./dom.js";
import { editsWaiting } from "./edits_waiting.js";
import { keyOf } from "./keys.js";

/** @typedef {import("./grid_beat.js").GridBeat} GridBeat */
/** @typedef {{pen: CanvasRenderingContext2D, perSecond: number, ink: string, accent: string, left: number, right: number}} Drawing */

const LOOP_HEIGHT = 14;
const HEIGHT = 30;
const NEAR = { mouse: 7, pen: 9, touch: 16 }; // pixels
const MOVED = 3; // pixels from which a press is a drag
const LABELS_FROM = 34; // pixels between two labels of beats
const LINES_FROM = 5; // pixels between two lines
const HINT = "Drag here to loop · below to move the beat";

export class BeatRuler {
  /**
   * What is dragged: a part of the loop, a new loop, or the beat; and all as it was before.
   * @type {{what: import("./beats.js").Part | "new" | "beat", x: number, moment: number, isMoved: boolean,
   *   before: ReturnType<GridBeat["state"]>} | null}
   */
  #drag = null;
  #isStepped = false; // whether a key that is still down has moved the loop or the beat

  /**
   * @param {HTMLElement} element
   * @param {GridBeat} beat
   */
  constructor(element, beat) {
    this.beat = beat;
    this.canvas = findCanvas(element, ".ruler");
    const { canvas } = this;
    canvas.addEventListener("pointerenter", () => beat.find());
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => this.#release());
    canvas.addEventListener("pointercancel", () => this.takeBack());
    canvas.addEventListener("dblclick", (event) => {
      if (!this.#isOnBeats(event)) beat.setLoop(null);
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("keyup", () => this.settle());
    canvas.addEventListener("blur", () => this.settle());
    editsWaiting.onSettling(() => this.settle());
  }

  // ---- drawing

  /**
   * @param {import("./grid_layout.js").View} view
   * @param {number} moment playback position, in seconds
   */
  draw(view, moment) {
    const { canvas, beat } = this;
    const scale = fitCanvas(canvas, view.width, HEIGHT);
    canvas.style.width = `${view.width}px`;
    canvas.style.height = `${HEIGHT}px`;
    const pen = penOf(canvas);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, view.width, HEIGHT);
    pen.font = "10px ui-monospace, monospace";
    pen.textBaseline = "middle";
    pen.translate(-view.scrollLeft, 0);
    const [ink, accent] = [styleOf(canvas, "--body-text-color"), styleOf(canvas, "--color-accent")];
    const perSecond = beat.pixelsPerSecond;
    const end = Math.min(view.scrollLeft + view.width, beat.width);
    /** @type {Drawing} */
    const drawing = { pen, perSecond, ink, accent, left: view.scrollLeft, right: end };
    pen.fillStyle = ink;
    pen.globalAlpha = 0.08;
    pen.fillRect(view.scrollLeft, 0, end - view.scrollLeft, LOOP_HEIGHT);
    pen.globalAlpha = 1;
    if (beat.isKnown) this.#drawLines(drawing);
    this.#drawLoop(drawing);
    pen.fillStyle = accent;
    const x = moment * perSecond;
    pen.beginPath();
    pen.moveTo(x - 4, HEIGHT - 6);
    pen.lineTo(x + 4, HEIGHT - 6);
    pen.lineTo(x, HEIGHT);
    pen.fill();
    this.#describe();
  }

  /** @param {Drawing} drawing */
  #drawLines({ pen, perSecond, ink, left, right }) {
    const { beat, snap } = this.beat;
    const each = secondsOfBeat(beat) * perSecond;
    const parts = snap === "2" || snap === "4" ? Number(snap) : 1;
    const shown = each / parts >= LINES_FROM ? snap : "1";
    let labelled = Number.NEGATIVE_INFINITY;
    pen.fillStyle = ink;
    pen.textAlign = "left";
    for (const { moment, beat: number, isBar, isBeat } of linesIn(beat, shown, [left / perSecond, right / perSecond])) {
      if (!isBar && each < LINES_FROM) continue;
      const x = Math.round(moment * perSecond);
      pen.globalAlpha = isBar ? 0.9 : isBeat ? 0.55 : 0.3;
      const tall = isBar ? HEIGHT - LOOP_HEIGHT : isBeat ? 9 : 5;
      pen.fillRect(x, HEIGHT - tall, 1, tall);
      if (!(isBar || (isBeat && each >= LABELS_FROM)) || x < labelled || number < 0 || x > right - 20) continue;
      labelled = x + (isBar && each < LABELS_FROM ? 20 : LABELS_FROM - 8);
      const place = placeInBars(beat, moment);
      pen.fillText(isBar ? place.replace(/\.1$/, "") : place, x + 3, HEIGHT - 9);
    }
    pen.globalAlpha = 1;
  }

  /** @param {Drawing} drawing */
  #drawLoop({ pen, perSecond, ink, accent, left }) {
    const { loop, isLooping } = this.beat;
    if (!loop) {
      pen.fillStyle = ink;
      pen.globalAlpha = 0.75;
      pen.textAlign = "left";
      pen.fillText(HINT, left + 4, LOOP_HEIGHT / 2 + 0.5);
      pen.globalAlpha = 1;
      return;
    }
    const [x, end] = loop.map((moment) => moment * perSecond);
    pen.fillStyle = accent;
    pen.globalAlpha = isLooping ? 0.85 : 0.45;
    pen.fillRect(x, 1, end - x, LOOP_HEIGHT - 2);
    pen.globalAlpha = 1;
    pen.fillRect(x, 1, 4, LOOP_HEIGHT - 2);
    pen.fillRect(end - 4, 1, 4, LOOP_HEIGHT - 2);
    pen.fillRect(x, 0, 1, HEIGHT);
    pen.fillRect(end - 1, 0, 1, HEIGHT);
  }

  #describe() {
    const { canvas, beat } = this;
    const words = `${beat.loopWords}. ${beat.tempoWords}`;
    if (canvas.getAttribute("aria-description") !== words) canvas.setAttribute("aria-description", words);
  }

  // ---- pointers

  /** @param {MouseEvent} event */
  #isOnBeats(event) {
    return event.clientY - this.canvas.getBoundingClientRect().top >= LOOP_HEIGHT;
  }

  /** @param {MouseEvent} event */
  #momentAt(event) {
    const box = this.canvas.getBoundingClientRect();
    return (event.clientX - box.left + this.beat.scrollLeft) / this.beat.pixelsPerSecond;
  }

  /** @param {PointerEvent} event */
  #partUnder(event) {
    const near = NEAR[/** @type {keyof NEAR} */ (event.pointerType)] ?? NEAR.mouse;
    return partAt(this.beat.loop, this.#momentAt(event), near / this.beat.pixelsPerSecond);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button || !event.isPrimary) return;
    this.takeBack();
    this.beat.find();
    this.canvas.setPointerCapture(event.pointerId);
    const what = this.#isOnBeats(event) ? "beat" : (this.#partUnder(event) ?? "new");
    const moment = clamp(this.#momentAt(event), 0, this.beat.seconds);
    this.#drag = { what, x: event.clientX, moment, isMoved: false, before: this.beat.state() };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { beat, canvas } = this;
    const drag = this.#drag;
    if (!drag) {
      const part = this.#isOnBeats(event) ? "beat" : this.#partUnder(event);
      canvas.style.cursor = part === "middle" ? "grab" : part === "beat" || part ? "ew-resize" : "crosshair";
      return;
    }
    drag.isMoved ||= Math.abs(event.clientX - drag.x) > MOVED;
    if (!drag.isMoved) return;
    const by = this.#momentAt(event) - drag.moment;
    if (drag.what === "beat") beat.moveBeat(drag.before.beat, by);
    else if (drag.what === "new") beat.drawLoop(drag.moment, this.#momentAt(event));
    else if (drag.before.loop) beat.moveLoop(drag.before.loop, drag.what, by);
  }

  #release() {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag) return;
    if (!drag.isMoved) this.beat.goTo(drag.moment);
    else this.beat.commit();
  }

  /** Take back what the pointer has done since it went down. */
  takeBack() {
    const drag = this.#drag;
    this.#drag = null;
    if (drag?.isMoved) this.beat.restore(drag.before);
  }

  /** Another clip is open, so what was begun is for none. */
  leave() {
    this.#drag = null;
    this.#isStepped = false;
  }

  get isHolding() {
    return this.#drag !== null;
  }

  // ---- keys

  /** All steps of a held key are one change, which is heard and sent when the key is let go. */
  settle() {
    if (!this.#isStepped) return;
    this.#isStepped = false;
    this.beat.commit();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { beat } = this;
    const key = keyOf(event);
    if (event.ctrlKey || event.metaKey) return;
    const by = key === "arrowleft" ? -1 : key === "arrowright" ? 1 : 0;
    if (by) {
      const part = event.shiftKey ? "stop" : event.altKey ? "start" : "middle";
      if (!beat.loop) beat.loopSelection();
      else {
        const { snap, columnSeconds } = beat.measure;
        beat.moveLoop(beat.loop, part, by * (snap === "off" ? columnSeconds : unitOf(beat.beat, snap)));
        this.#isStepped = true;
      }
    } else if (key === "enter") beat.loopSelection();
    else if (key === "delete" || key === "backspace") beat.setLoop(null);
    else if (key === "escape" && this.isHolding) this.takeBack();
    else if (key === "," || key === ".") {
      beat.moveBeat(beat.beat, key === "," ? -0.005 : 0.005);
      this.#isStepped = true;
    } else return;
    event.preventDefault();
    beat.find();
  }
}
