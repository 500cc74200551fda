// @ts-check
// Zoom and scroll of the code grid by wheel, trackpad and two fingers.

import { clamp } from "./axes.js";

/** @typedef {import("./code_grid.js").CodeGrid} CodeGrid */
/** @typedef {{x: number, y: number}} Place of a finger, in pixels; x from the left of the view */

const LEAST_DISTANCE = 24; // pixels between two fingers, below which they only pan
const WHEEL = 0.01; // zoom of a pixel of the wheel, as an exponent
const NOTCH = 40; // most pixels that count of one turn of a wheel
export const LINE = 16; // pixels of a line, in which some browsers count

/**
 * Show the columns at their width after a zoom.
 * @param {CodeGrid} grid
 * @param {number} left the new scroll position, in pixels
 */
export function showZoom(grid, left) {
  grid.track.style.width = `${grid.layout.columnWidth * grid.value.columns}px`;
  grid.scroller.scrollLeft = left;
  grid.draw();
}

/**
 * The middle of two fingers and the distance between them.
 * @param {Place[]} places
 */
export function spanOf([one, other]) {
  return { x: (one.x + other.x) / 2, distance: Math.max(LEAST_DISTANCE, Math.hypot(one.x - other.x, one.y - other.y)) };
}

/** Two fingers: the grid stays at them. */
export class Pinch {
  /**
   * @param {CodeGrid} grid
   * @param {Place[]} places
   */
  constructor(grid, places) {
    const { x, distance } = spanOf(places);
    this.grid = grid;
    this.distance = distance;
    this.width = grid.layout.widthOfColumn(grid.view);
    this.column = (grid.view.scrollLeft + x) / this.width;
  }

  /** @param {Place[]} places */
  follow(places) {
    const { grid } = this;
    const { x, distance } = spanOf(places);
    const width = (this.width * distance) / this.distance;
    showZoom(grid, grid.layout.widen(width, { column: this.column, x }, grid.view));
  }
}

/**
 * The factor of a turn of the wheel; a trackpad's pinch arrives as small turns.
 * @param {{deltaY: number, deltaMode: number}} turn
 */
export function wheelZoom({ deltaY, deltaMode }) {
  return Math.exp(-WHEEL * clamp(deltaMode ? deltaY * LINE : deltaY, -NOTCH, NOTCH));
}

/**
 * @param {CodeGrid} grid
 * @param {() => boolean} isTouched whether fingers are on the grid
 */
export function followWheel(grid, isTouched) {
  const { scroller, layout } = grid;
  /** @param {number} factor @param {number} clientX */
  const zoomAt = (factor, clientX) => {
    const x = clientX - scroller.getBoundingClientRect().left;
    const width = layout.widthOfColumn(grid.view);
    showZoom(grid, layout.widen(width * factor, { column: (grid.view.scrollLeft + x) / width, x }, grid.view));
  };
  scroller.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey || event.metaKey) zoomAt(wheelZoom(event), event.clientX);
      else if (event.shiftKey) scroller.scrollLeft += (event.deltaX || event.deltaY) * (event.deltaMode ? LINE : 1);
      else return;
      event.preventDefault(); // or the page would zoom or scroll
    },
    { passive: false },
  );

  // Safari tells of a trackpad's pinch by events of its own; for fingers on a screen they come too.
  let scale = 1;
  for (const name of ["gesturestart", "gesturechange"]) {
    scroller.addEventListener(
      name,
      (event) => {
        const gesture = /** @type {Event & {scale: number, clientX: number}} */ (event);
        gesture.preventDefault();
        if (name === "gesturechange" && !isTouched()) zoomAt(gesture.scale / scale, gesture.clientX);
        scale = gesture.scale;
      },
      { passive: false },
    );
  }
}
