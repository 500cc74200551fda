// @ts-check
// The keyboard of the code grid. Playback and undo work wherever the focus is, letters within the grid and its tools,
// the other keys on the canvas.

import { choose } from "./grid_choosing.js";
import { ZOOM } from "./grid_layout.js";
import { followKeys } from "./keys.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */

/** @type {Record<string, [number, number]>} rows and columns */
export const STEPS = { arrowup: [1, 0], arrowdown: [-1, 0], arrowleft: [0, -1], arrowright: [0, 1] };
/** @type {Record<string, string>} */
const SHIFTS = { arrowup: "up", arrowdown: "down", arrowleft: "left", arrowright: "right" };
/** @type {Record<string, import("./grid_state.js").Tool>} */
const TOOLS = { b: "brush", s: "select", l: "lasso", p: "pick" };
/** @type {Record<string, string>} with or without Control */
const COPIES = { c: "copy", x: "cut", v: "paste" };
/** @type {Record<string, string>} */
const EDITS = { ...COPIES, delete: "clear", backspace: "clear", r: "reverse" };
/** @type {Record<string, import("./grid_choosing.js").Choosing>} */
const CHOICES = { e: "same", i: "invert" };
/** @type {Record<string, number>} steps among the near codes */
const TRIES = { ",": -1, ".": 1 };
/** @type {Record<string, number>} */
const ZOOMS = { "+": ZOOM, "=": ZOOM, "-": 1 / ZOOM };

/** @param {CodeGrid} grid */
export function followGridKeys(grid) {
  followKeys(grid.element, (key, event) => {
    const isKnown = isRepeated(key, event) || press(grid, key, event);
    if (isKnown) grid.show();
    return isKnown;
  });
}

/**
 * Whether a key is held that acts once: only the cursor and the zoom go on.
 * @param {string} key
 * @param {KeyboardEvent} event
 */
function isRepeated(key, { repeat, altKey, ctrlKey, metaKey }) {
  if (!repeat || ((STEPS[key] || ZOOMS[key]) && !altKey)) return false;
  return Boolean(
    key === " " ||
      key === "m" ||
      key === "o" ||
      EDITS[key] ||
      SHIFTS[key] ||
      ((ctrlKey || metaKey) && "zya".includes(key)),
  );
}

/**
 * @param {CodeGrid} grid
 * @param {string} key
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key has a function
 */
function press(grid, key, event) {
  const { target, altKey } = event;
  const isCommand = event.ctrlKey || event.metaKey;
  const isPlain = !isCommand && !altKey;
  if (key === "escape") grid.pads.sounds.stop();
  if (key === "escape" && grid.hands.isHolding) grid.hands.takeBack();
  else if (key === "escape" && grid.beat.ruler.isHolding) grid.beat.ruler.takeBack();
  else if (isPlain && !event.shiftKey && grid.pads.press(event)) return true;
  else if (key === " " && isPlain && !event.shiftKey) grid.playOrPause(true);
  else if (isCommand && !altKey && (key === "z" || key === "y")) {
    if (!grid.hands.isHolding) grid.editor.act(key === "y" || event.shiftKey ? "redo" : "undo");
  } else if (grid.hands.isHolding) return target === grid.canvas && isPlain;
  else if (isPlain && target instanceof Node && grid.element.contains(target) && pressLetter(grid, key)) return true;
  else return target === grid.canvas && pressOnCanvas(grid, key, event);
  return true;
}

/**
 * @param {CodeGrid} grid
 * @param {string} key
 */
function pressLetter(grid, key) {
  const { state } = grid;
  if (EDITS[key]) grid.editor.act(EDITS[key]);
  else if (key === "m") grid.mixer.switchMute();
  else if (key === "o") grid.mixer.switchSolo();
  else if (TOOLS[key]) state.tool = TOOLS[key];
  else if (CHOICES[key]) choose(grid, CHOICES[key]);
  else if (key === "k") grid.lens.switch();
  else if (ZOOMS[key]) grid.zoom(ZOOMS[key]);
  else if (/^[1-9]$/.test(key) && Number(key) <= state.codes.levels) grid.chooseLevel(Number(key) - 1);
  else if (key === "escape") state.unselect();
  else return false;
  return true;
}

/**
 * @param {CodeGrid} grid
 * @param {string} key
 * @param {KeyboardEvent} event
 */
function pressOnCanvas(grid, key, { ctrlKey, metaKey, altKey, shiftKey }) {
  const { state } = grid;
  const isCommand = ctrlKey || metaKey;
  if (STEPS[key] && !isCommand) {
    if (altKey) grid.editor.act(SHIFTS[key]);
    else {
      state.moveCursor(STEPS[key][0], STEPS[key][1], shiftKey);
      grid.scrollToCursor();
    }
  } else if (TRIES[key] && !isCommand && !altKey)
    grid.lens.tryNear({ ...state.cursor, level: state.level }, TRIES[key]);
  else if (key === "f2") grid.entry.open({ ...state.cursor, level: state.level });
  else if (isCommand && !altKey && key === "a") state.selectAll();
  else if (isCommand && !altKey && COPIES[key]) grid.editor.act(COPIES[key]);
  else if (key === "enter" && !isCommand && !altKey) {
    state.beginStroke(state.cursor);
    grid.editor.sendStroke();
  } else return false;
  return true;
}
