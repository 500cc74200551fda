// @ts-check
// Pointer and keyboard on the waveform of the cutter.

import { LEAST } from "./cuts.js";
import { make } from "./dom.js";
import { wheelZoom } from "./grid_zoom.js";
import { keyOf } from "./keys.js";

/** @typedef {import("./cutter.js").Cutter} Cutter */

const STEP = 10; // pixels of an arrow key
const FINE_STEP = 0.001; // seconds of an arrow key with Alt
const CLOSER = 1.5;
const MARGIN = 40; // pixels beyond the view in which cuts have elements

export class CutterHands {
  /** @type {HTMLElement[]} */
  #marks = [];
  /** @type {{number: number, pointerId: number} | null} */
  #drag = null;

  /** @param {Cutter} cutter */
  constructor(cutter) {
    this.cutter = cutter;
    const { canvas, track } = cutter.view;
    canvas.addEventListener("click", (event) => this.#press(event));
    canvas.addEventListener("dblclick", (event) => cutter.addAt(cutter.view.sampleUnder(event)));
    canvas.addEventListener("keydown", (event) => this.#pressKey(event));
    track.addEventListener("wheel", (event) => this.#turn(event), { passive: false });
    track.addEventListener("pointerdown", (event) => this.#grip(event));
    track.addEventListener("pointermove", (event) => this.#pull(event));
    for (const end of ["pointerup", "pointercancel"]) {
      track.addEventListener(end, (event) => this.#letGo(/** @type {PointerEvent} */ (event)));
    }
  }

  /** Put an element on each cut in view, for pointers and fingers. */
  showMarks() {
    const { view, cuts, mark } = this.cutter;
    const { scrollLeft, clientWidth } = view.scroller;
    let used = 0;
    cuts.marks.forEach((at, number) => {
      const left = view.leftOf(at);
      if (left < scrollLeft - MARGIN || left > scrollLeft + clientWidth + MARGIN) return;
      this.#marks[used] ??= view.track.appendChild(make("i", { className: "mark" }));
      const element = this.#marks[used];
      element.style.left = `${left}px`;
      element.dataset.number = String(number);
      element.title = "Drag to move this cut; press to choose it";
      element.classList.toggle("chosen", number === mark);
      used += 1;
    });
    for (const spare of this.#marks.splice(used)) spare.remove();
  }

  /** @param {MouseEvent} event */
  #press(event) {
    if (event.detail > 1) return; // the second press of two
    const { cutter } = this;
    cutter.choose(cutter.view.sampleUnder(event));
    void cutter.hear();
  }

  /** @param {PointerEvent} event */
  #grip(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.matches(".mark") || event.button) return;
    const number = Number(target.dataset.number);
    this.#drag = { number, pointerId: event.pointerId };
    this.cutter.view.track.setPointerCapture(event.pointerId);
    this.cutter.chooseMark(number);
    this.cutter.view.canvas.focus({ preventScroll: true });
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  #pull(event) {
    const { cutter } = this;
    if (event.pointerId !== this.#drag?.pointerId) return;
    cutter.moveMark(cutter.view.sampleUnder(event), { isOpen: true });
  }

  /** @param {PointerEvent} event */
  #letGo(event) {
    if (event.pointerId !== this.#drag?.pointerId) return;
    this.#drag = null;
    this.cutter.history.close();
    this.cutter.show();
  }

  /** @param {WheelEvent} event */
  #turn(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.cutter.zoom(wheelZoom(event), this.cutter.view.sampleUnder(event));
  }

  /** @param {KeyboardEvent} event */
  #pressKey(event) {
    const key = keyOf(event);
    const isCommand = event.ctrlKey || event.metaKey;
    if (!(isCommand ? this.#command(key) : this.#act(key, event))) return;
    event.preventDefault();
    event.stopPropagation(); // these keys mean other things elsewhere on the page
  }

  /** @param {string} key */
  #command(key) {
    if (key !== "z") return false;
    this.cutter.undo();
    return true;
  }

  /**
   * @param {string} key
   * @param {KeyboardEvent} event
   */
  #act(key, event) {
    const { cutter } = this;
    /** @type {Record<string, () => void>} */
    const acts = {
      arrowleft: () => this.#step(-1, event),
      arrowright: () => this.#step(1, event),
      arrowup: () => cutter.stepMark(-1),
      arrowdown: () => cutter.stepMark(1),
      home: () => cutter.choose(0),
      end: () => cutter.choose(cutter.view.length - LEAST),
      enter: () => cutter.addAt(cutter.cursor),
      delete: () => cutter.removeMark(),
      backspace: () => cutter.removeMark(),
      " ": () => void cutter.hear(),
      x: () => cutter.leaveOut(),
      "+": () => cutter.zoom(CLOSER, cutter.cursor),
      "=": () => cutter.zoom(CLOSER, cutter.cursor),
      "-": () => cutter.zoom(1 / CLOSER, cutter.cursor),
    };
    acts[key]?.();
    return key in acts;
  }

  /**
   * Move the cursor, or with Shift the chosen cut; with Alt by a millisecond.
   * @param {number} direction
   * @param {KeyboardEvent} event
   */
  #step(direction, { shiftKey, altKey }) {
    const { cutter } = this;
    const { view } = cutter;
    const by = direction * Math.max(1, altKey ? FINE_STEP * view.sampleRate : STEP / view.scale);
    if (shiftKey) cutter.moveMark((cutter.cuts.marks[cutter.mark] ?? 0) + by);
    else cutter.choose(cutter.cursor + by);
  }
}
