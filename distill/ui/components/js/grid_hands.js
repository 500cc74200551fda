// @ts-check
// Pointer and keyboard input of the code grid.

import { ZOOM } from "./grid_layout.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */

/** @type {Record<string, [number, number]>} rows and columns */
const STEPS = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
/** @type {Record<string, string>} */
const SHIFTS = { ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right" };
/** @type {Record<string, import("./grid_state.js").Tool>} */
const TOOLS = { b: "brush", s: "select", p: "pick" };
/** @type {Record<string, string>} with or without Control */
const ACTS = { c: "copy", x: "cut", v: "paste" };
/** @type {Record<string, string>} */
const EDITS = { delete: "clear", backspace: "clear", r: "reverse" };

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CodeGrid} grid
 */
export function followPointer(canvas, grid) {
  const { state } = grid;

  canvas.addEventListener("pointerdown", (event) => {
    const cell = grid.cellUnder(event);
    if (!cell || event.button || !event.isPrimary || state.tool === "scroll") return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    if (cell.level !== state.level) grid.chooseLevel(cell.level, state.isStacked);
    if (state.tool === "pick" || event.altKey) {
      state.cursor = cell;
      grid.chooseCode(state.codeUnderCursor);
    } else if (state.tool === "select") {
      state.beginSelecting(cell, event.shiftKey);
      grid.show();
    } else {
      state.beginStroke(cell);
      grid.showPlace();
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons || !event.isPrimary) return;
    const isSelecting = state.tool === "select" && canvas.hasPointerCapture(event.pointerId);
    if (!state.isPainting && !isSelecting) return;
    const steps = (state.isPainting && event.getCoalescedEvents?.()) || [];
    for (const step of steps.length ? steps : [event]) {
      const cell = grid.cellUnder(step, true);
      if (!cell) continue;
      if (state.isPainting) state.goOnPainting(cell);
      else state.goOnSelecting(cell);
    }
    grid.showPlace();
  });

  /** @param {PointerEvent} event */
  const release = (event) => {
    if (!event.isPrimary) return;
    grid.sendStroke();
    const moved = state.endSelecting(event.type === "pointercancel");
    if (moved) grid.edit({ kind: "move", ...moved });
    grid.show();
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {CodeGrid} grid
 */
export function followKeys(canvas, grid) {
  canvas.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.metaKey;
    const isKnown = STEPS[event.key] ? walk(grid, event) : press(grid, event, event.key.toLowerCase(), isCommand);
    if (!isKnown) return;
    event.preventDefault();
    grid.show();
  });
}

/**
 * @param {CodeGrid} grid
 * @param {KeyboardEvent} event
 */
function walk(grid, { key, altKey, shiftKey }) {
  if (altKey) grid.act(SHIFTS[key]);
  else {
    grid.state.moveCursor(STEPS[key][0], STEPS[key][1], shiftKey);
    grid.scrollToCursor();
  }
  return true;
}

/**
 * @param {CodeGrid} grid
 * @param {KeyboardEvent} event
 * @param {string} key in lower case
 * @param {boolean} isCommand with Control
 * @returns {boolean} whether the key has a function
 */
function press(grid, event, key, isCommand) {
  const { state } = grid;
  if (isCommand && key === "z") grid.act(event.shiftKey ? "redo" : "undo");
  else if (isCommand && key === "y") grid.act("redo");
  else if (isCommand && key === "a") state.selectAll();
  else if (ACTS[key]) grid.act(ACTS[key]);
  else if (isCommand) return false;
  else if (EDITS[key]) grid.act(EDITS[key]);
  else if (TOOLS[key]) state.tool = TOOLS[key];
  else if (key === " ") grid.playOrPause(true);
  else if (key === "enter") {
    state.beginStroke(state.cursor);
    grid.sendStroke();
  } else if (key === "escape") state.unselect();
  else if (key === "+" || key === "=") grid.zoom(ZOOM);
  else if (key === "-") grid.zoom(1 / ZOOM);
  else if (key >= "1" && key <= String(state.codes.levels)) grid.chooseLevel(Number(key) - 1);
  else return false;
  return true;
}
