// @ts-check
// The state of a visitor's choices on the code grid: tool, code, level, cursor, selection.

import {
  cellsBetween,
  codesIn,
  contains,
  draggedTo,
  pasteParts,
  placedAt,
  regionBetween,
  stepped,
  wholeGrid,
} from "./selection.js";

/** @typedef {import("./selection.js").Cell} Cell */
/** @typedef {import("./selection.js").Region} Region */
/** @typedef {"brush" | "select" | "pick" | "scroll"} Tool */
/** @typedef {Region & {levels: [number, number]}} LevelRegion */

export class GridState {
  /** @type {Tool} */
  tool = "brush";
  brush = 0; // the code to paint with
  level = 0;
  isStacked = false; // whether all levels are visible
  everyLevel = true; // whether an edit of a region changes all levels
  hearsEdits = true;
  opacity = 0.7; // opacity of the codes over the spectrogram, 0 to 1
  /** @type {Cell} */
  cursor = { row: 0, column: 0 };
  /** @type {Region | null} */
  selection = null;
  /** @type {import("./selection.js").Codes | null} */
  clipboard = null;
  /** @type {Cell | null} fixed corner of a selection by keyboard */
  #anchor = null;
  /** @type {{level: number, code: number, cells: Cell[], seen: Set<number>} | null} */
  #stroke = null;
  /** @type {{from: Cell, to: Cell} | null} a drag of the selection */
  #drag = null;

  /** @param {import("./grid_codes.js").GridCodes} codes */
  constructor(codes) {
    this.codes = codes;
  }

  /**
   * Set another grid; `isAnother` if it belongs to another clip.
   * @param {import("./grid_codes.js").GridCodes} codes
   * @param {number} size number of codes of a level
   * @param {boolean} isAnother
   */
  take(codes, size, isAnother) {
    this.codes = codes;
    this.#stroke = this.#drag = null;
    if (!isAnother) return;
    this.level = Math.min(this.level, codes.levels - 1);
    this.brush = Math.min(this.brush, size - 1);
    this.cursor = { row: 0, column: 0 };
    this.selection = this.#anchor = null;
  }

  get codeUnderCursor() {
    return this.codes.codeAt(this.level, this.cursor);
  }

  /** The selection, or the cell under the cursor. @returns {Region} */
  get chosen() {
    return this.selection ?? regionBetween(this.cursor, this.cursor);
  }

  /** The region that a tool changes. @returns {LevelRegion} */
  get region() {
    return { ...this.chosen, levels: this.everyLevel ? [0, this.codes.levels - 1] : [this.level, this.level] };
  }

  /** The same region on the chosen level only. @returns {LevelRegion} */
  get regionOfLevel() {
    return { ...this.chosen, levels: [this.level, this.level] };
  }

  /** All cells of the chosen level. @returns {LevelRegion} */
  get wholeLevel() {
    return { ...wholeGrid(this.codes), levels: [this.level, this.level] };
  }

  /**
   * @param {number} rows
   * @param {number} columns
   * @param {boolean} isSelecting
   */
  moveCursor(rows, columns, isSelecting) {
    this.#anchor = isSelecting ? (this.#anchor ?? this.cursor) : null;
    this.cursor = stepped(this.cursor, rows, columns, this.codes);
    this.selection = this.#anchor && regionBetween(this.#anchor, this.cursor);
  }

  selectAll() {
    this.#choose(wholeGrid(this.codes));
  }

  unselect() {
    this.#choose(null);
    this.#drag = null;
  }

  /**
   * Begin a selection or a drag: a pointer went down on a cell with the tool Select.
   * @param {Cell} cell
   * @param {boolean} isExtending
   */
  beginSelecting(cell, isExtending) {
    if (contains(this.selection, cell) && !isExtending) {
      this.#drag = { from: cell, to: cell };
      return;
    }
    if (!isExtending) this.cursor = cell;
    this.#choose(regionBetween(this.cursor, cell));
  }

  /** @param {Cell} cell */
  goOnSelecting(cell) {
    if (this.#drag) this.#drag.to = cell;
    else this.#choose(regionBetween(this.cursor, cell));
  }

  /**
   * End a drag: the pointer went up. Returns the region and its new place if the selection was moved, else null.
   * @param {boolean} isCancelled
   * @returns {(LevelRegion & Cell) | null}
   */
  endSelecting(isCancelled) {
    const [drag, region] = [this.#drag, this.selection];
    this.#drag = null;
    if (!drag || !region || isCancelled) return null;
    const place = draggedTo(region, drag.from, drag.to);
    if (!place) {
      this.cursor = drag.from;
      this.#choose(null);
      return null;
    }
    const moved = { ...this.region, ...place };
    this.#choose(placedAt(region, place, this.codes));
    return moved;
  }

  get isPainting() {
    return this.#stroke !== null;
  }

  /** @param {Cell} cell */
  beginStroke(cell) {
    this.#stroke = { level: this.level, code: this.brush, cells: [], seen: new Set() };
    this.cursor = cell;
    this.goOnPainting(cell);
  }

  /**
   * Paint up to a cell, without gaps.
   * @param {Cell} cell
   */
  goOnPainting(cell) {
    const stroke = this.#stroke;
    if (!stroke) return;
    for (const each of cellsBetween(stroke.cells.length ? this.cursor : cell, cell)) {
      const position = this.codes.positionOf(stroke.level, each.row, each.column);
      if (stroke.seen.has(position)) continue;
      stroke.seen.add(position);
      stroke.cells.push(each);
      this.codes.put([[position, stroke.code]]);
    }
    this.cursor = cell;
  }

  /** End the stroke and return it; null without a stroke. */
  endStroke() {
    const stroke = this.#stroke;
    this.#stroke = null;
    return stroke;
  }

  /** Keep a copy of the region's codes. */
  copy() {
    this.clipboard = codesIn(this.codes.indices, this.codes, this.region);
    return this.clipboard;
  }

  /**
   * The edits that paste the copied codes.
   * @param {number} mostCells maximum number of cells of one edit
   */
  pastes(mostCells) {
    if (!this.clipboard) return [];
    const { rows, columns } = this.chosen;
    const level = this.clipboard.length === 1 ? this.level : 0;
    return pasteParts(this.clipboard, columns[0], this.codes, mostCells).map((part) => ({
      level,
      row: rows[0],
      ...part,
    }));
  }

  /** @param {Region | null} region */
  #choose(region) {
    this.selection = region;
    this.#anchor = null;
  }
}
