// @ts-check
// Pointers on the code grid: one finger, the pen or the mouse paints, selects or picks; two fingers pan and zoom.

import { followWheel, Pinch } from "./grid_zoom.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */

const TAP = 8; // pixels that a finger may move in a tap

export class GridHands {
  /** @type {{pointerId: number, pointerType: string} | null} the pointer that paints, selects or picks */
  #holder = null;
  /** @type {Map<number, PointerEvent>} latest event of each finger on the canvas */
  #fingers = new Map();
  /** @type {Pinch | null} */
  #pinch = null;
  #isSpent = false; // whether two fingers were down: one that stays does not paint
  /** @type {PointerEvent | null} a finger that went down with the tool Scroll */
  #tap = null;

  /** @param {CodeGrid} grid */
  constructor(grid) {
    this.grid = grid;
    const { canvas, state } = grid;
    if (matchMedia("(pointer: coarse)").matches) state.tool = "scroll"; // until a tool is chosen, a swipe scrolls
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#release(event));
    canvas.addEventListener("pointercancel", (event) => this.#lose(event));
    canvas.addEventListener("lostpointercapture", (event) => this.#lose(event));
    // With the tool Scroll, one finger is the browser's, two are not.
    canvas.addEventListener(
      "touchstart",
      (event) => {
        if (event.touches.length > 1 && event.cancelable) event.preventDefault();
      },
      { passive: false },
    );
    followWheel(grid, () => this.#fingers.size > 0);
  }

  /** Whether a pointer is down that paints, selects or picks. */
  get isHolding() {
    return this.#holder !== null;
  }

  /** Take back what the pointer has done since it went down. */
  takeBack() {
    const { grid } = this;
    if (!this.isHolding) return;
    this.#holder = null;
    const { level } = grid.state;
    grid.state.takeBack();
    if (grid.state.level !== level) grid.chooseLevel(grid.state.level, grid.state.isStacked);
    grid.show();
  }

  /** @param {PointerEvent} event */
  #press(event) {
    const { pointerType } = event;
    if (this.#holder && this.#holder.pointerType !== pointerType) return; // as a hand below a pen
    if (pointerType === "touch") {
      if (event.isPrimary) this.#forgetFingers();
      this.#fingers.set(event.pointerId, event);
      if (this.#fingers.size > 1) this.#beginPinch();
      if (this.#isSpent) return;
    }
    this.takeBack(); // a stroke whose end the page has missed
    this.#hold(event);
  }

  /** @param {PointerEvent} event */
  #hold(event) {
    const { grid } = this;
    const { state, canvas } = grid;
    const cell = grid.cellUnder(event);
    if (!cell || event.button || !event.isPrimary) return;
    this.#tap = state.tool === "scroll" ? event : null;
    if (this.#tap) return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    if (!event.altKey && state.tool !== "pick" && grid.entry.press(cell, event.timeStamp)) return;
    this.#holder = event;
    state.remember();
    if (cell.level !== state.level) grid.chooseLevel(cell.level, state.isStacked);
    if (state.tool === "pick" || event.altKey) {
      state.cursor = cell;
      grid.chooseCode(state.codeUnderCursor);
    } else if (state.tool === "lasso") {
      state.beginLasso(cell, event.shiftKey);
      grid.show();
    } else if (state.tool === "select") {
      state.beginSelecting(cell, event.shiftKey);
      grid.show();
    } else {
      state.beginStroke(cell);
      grid.showPlace();
    }
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const { grid } = this;
    const { state } = grid;
    if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, event);
    if (this.#pinch) this.#pinch.follow(this.#places);
    if (!this.#isHolder(event)) return;
    if (!event.buttons) {
      this.#finish(); // the pointer went up where the page could not see it
      return;
    }
    if (!state.isPainting && !state.isSelecting) return;
    const steps = (state.isPainting && event.getCoalescedEvents?.()) || [];
    for (const step of steps.length ? steps : [event]) {
      const cell = grid.cellUnder(step, true);
      if (!cell) continue;
      grid.entry.drag(cell);
      if (state.isPainting) state.goOnPainting(cell);
      else state.goOnSelecting(cell);
    }
    grid.showPlace();
  }

  /** @param {PointerEvent} event */
  #release(event) {
    this.#lift(event);
    this.#endTap(event);
    if (this.#isHolder(event)) this.#finish();
  }

  /**
   * A finger that was not moved chooses a cell and hears its code. A swipe is the browser's, which cancels the pointer.
   * @param {PointerEvent} event
   */
  #endTap({ pointerId, clientX, clientY }) {
    const { grid } = this;
    const tap = this.#tap;
    this.#tap = null;
    if (tap?.pointerId !== pointerId || Math.hypot(clientX - tap.clientX, clientY - tap.clientY) > TAP) return;
    const cell = grid.cellUnder(tap);
    if (!cell) return;
    if (cell.level !== grid.state.level) grid.chooseLevel(cell.level, grid.state.isStacked);
    grid.state.cursor = cell;
    grid.audition(grid.state.codeUnderCursor);
    grid.show();
  }

  /** @param {PointerEvent} event */
  #lose(event) {
    this.#lift(event);
    if (event.type === "pointercancel") this.#tap = null;
    if (this.#isHolder(event)) this.takeBack();
  }

  /** @param {PointerEvent} event */
  #isHolder({ pointerId }) {
    return this.#holder?.pointerId === pointerId;
  }

  #finish() {
    const { grid } = this;
    this.#holder = null;
    grid.editor.sendStroke();
    const moved = grid.state.endSelecting();
    if (moved) grid.editor.edit({ kind: "move", ...moved });
    grid.show();
  }

  get #places() {
    const { left } = this.grid.canvas.getBoundingClientRect();
    return [...this.#fingers.values()].slice(0, 2).map(({ clientX, clientY }) => ({ x: clientX - left, y: clientY }));
  }

  #beginPinch() {
    this.takeBack();
    this.#tap = null;
    this.#isSpent = true;
    this.#pinch = new Pinch(this.grid, this.#places);
  }

  /** @param {PointerEvent} event */
  #lift(event) {
    if (!this.#fingers.delete(event.pointerId)) return;
    this.#pinch = this.#fingers.size > 1 ? new Pinch(this.grid, this.#places) : null;
    if (!this.#fingers.size) this.#isSpent = false;
  }

  #forgetFingers() {
    this.#fingers.clear();
    this.#pinch = null;
    this.#isSpent = false;
  }
}
