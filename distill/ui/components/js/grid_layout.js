// @ts-check
// The position of the code grid's cells on the canvas.

import { clamp } from "./axes.js";

/** @typedef {import("./selection.js").Cell} Cell */
/** @typedef {{scrollLeft: number, width: number}} View the visible part of the grid, in pixels */

/**
 * The visible levels: one level, or all, each in its own lane.
 * @typedef {{codes: import("./selection.js").Shape, level: number, isStacked: boolean}} Shown
 */

export const AXIS_HEIGHT = 22;
export const LANE_GAP = 16;
export const ZOOM = 1.5; // factor of a press
const WIDEST = 72;
const COMFORTABLE = 22; // minimum column width without zoom, in pixels

export class GridLayout {
  columnWidth = 0; // pixels; 0 to fit the view
  #state;

  /** @param {Shown} state */
  constructor(state) {
    this.#state = state;
  }

  get shape() {
    return this.#state.codes;
  }

  get isStacked() {
    return this.#state.isStacked;
  }

  get rowHeight() {
    if (!this.isStacked) return 28;
    return this.shape.levels > 3 ? 11 : 14;
  }

  /** The visible levels, one per lane. */
  get lanes() {
    return this.isStacked ? Array.from({ length: this.shape.levels }, (_, level) => level) : [this.#state.level];
  }

  get laneHeight() {
    return this.shape.rows * this.rowHeight;
  }

  get height() {
    return this.laneTop(this.lanes.length - 1) + this.laneHeight + AXIS_HEIGHT;
  }

  /** @param {number} lane */
  laneTop(lane) {
    return lane * (this.laneHeight + LANE_GAP) + (this.isStacked ? LANE_GAP : 0);
  }

  /** @param {View} view */
  widthOfColumn({ width }) {
    return this.columnWidth || Math.max(width / this.shape.columns, COMFORTABLE);
  }

  /**
   * The visible columns: the first, and the one after the last.
   * @param {View} view
   */
  columnsIn(view) {
    const wide = this.widthOfColumn(view);
    const first = Math.max(0, Math.floor(view.scrollLeft / wide));
    const stop = Math.min(this.shape.columns, Math.ceil((view.scrollLeft + view.width) / wide));
    return { first, stop };
  }

  /**
   * The cell under a point of the canvas. Outside the cells: the nearest cell of the chosen level if `isNearest`, else
   * null.
   * @param {{x: number, y: number}} point
   * @param {View} view
   * @param {boolean} isNearest
   * @returns {(Cell & {level: number}) | null}
   */
  cellAt({ x, y }, view, isNearest = false) {
    const { rows, columns } = this.shape;
    const under = clamp(Math.floor(y / (this.laneHeight + LANE_GAP)), 0, this.lanes.length - 1);
    const lane = !this.isStacked ? 0 : isNearest ? this.#state.level : under;
    const column = Math.floor((x + view.scrollLeft) / this.widthOfColumn(view));
    const row = rows - 1 - Math.floor((y - this.laneTop(lane)) / this.rowHeight);
    const nearest = { row: clamp(row, 0, rows - 1), column: clamp(column, 0, columns - 1) };
    if (!isNearest && (row !== nearest.row || column !== nearest.column)) return null;
    return { level: this.lanes[lane], ...nearest };
  }

  /**
   * Zoom around a column, which keeps its position if it is visible; else around the middle.
   * @param {number} factor
   * @param {number} column
   * @param {View} view
   * @returns {number} the new scroll position, in pixels
   */
  zoom(factor, column, view) {
    const before = this.widthOfColumn(view);
    const x = (column + 0.5) * before - view.scrollLeft;
    const held = x >= 0 && x <= view.width ? x : view.width / 2;
    return this.widen(before * factor, { column: (view.scrollLeft + held) / before, x: held }, view);
  }

  /**
   * Give the columns a width, within the limits, and keep a point of the clip at a place of the view.
   * @param {number} width in pixels
   * @param {{column: number, x: number}} held the point, in columns; its place in the view, in pixels
   * @param {View} view
   * @returns {number} the new scroll position, in pixels
   */
  widen(width, { column, x }, view) {
    const fit = view.width / this.shape.columns;
    this.columnWidth = clamp(width, fit, Math.max(fit, WIDEST));
    return column * this.columnWidth - x;
  }

  /**
   * The scroll position that shows a column; null if the column is visible.
   * @param {number} column
   * @param {View} view
   */
  scrollTo(column, view) {
    const wide = this.widthOfColumn(view);
    const x = column * wide;
    return x < view.scrollLeft || x + wide > view.scrollLeft + view.width ? x - view.width / 2 : null;
  }
}
