// @ts-check
// The state of a visitor's choices on the code grid: tool, code, level, cursor, selection.

import { cellsOf, lassoed, movedCells, placesOf, selectionOf } from "./cell_sets.js";
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
/** @typedef {"brush" | "select" | "lasso" | "pick" | "scroll"} Tool */
/**
 * A region as an edit names it; `only` are its cells, if not all are meant.
 * @typedef {{levels: [number, number], rows: [number, number], columns: [number, number], only?: [number, number][]}} LevelRegion
 */

export class GridState {
  /** @type {Tool} */
  tool = "brush";
  brush = 0; // the code to paint with
  level = 0;
  isStacked = false; // whether all levels are visible
  everyLevel = true; // whether an edit of a region changes all levels
  hearsEdits = true;
  isFading = false; // whether a fader moves: what plays goes on, and no place begins to play
  opacity = 0.7; // opacity of the codes over the spectrogram, 0 to 1
  /** @type {Cell} */
  cursor = { row: 0, column: 0 };
  /** @type {Region | null} */
  selection = null;
  /** @type {import("./selection.js").Codes | null} */
  clipboard = null;
  /** @type {[number, number][] | null} the copied cells, counted from the first of the codes; null if all are copied */
  #copied = null;
  /** @type {{points: Cell[], kept: Set<number>} | null} a loop that is being drawn, and the cells to add it to */
  #loop = null;
  /** @type {Cell | null} fixed corner of a selection by keyboard */
  #anchor = null;
  /** @type {{level: number, code: number, cells: Cell[], seen: Set<number>} | null} */
  #stroke = null;
  /** @type {{from: Cell, to: Cell} | null} a drag of the selection */
  #drag = null;
  /** @type {Region | null} where codes that are dragged from the second clip would go */
  ghost = null;
  isSelecting = false; // whether a pointer draws or drags the selection
  /** @type {Pick<GridState, "cursor" | "selection" | "level" | "brush"> | null} the choices before a pointer went down */
  #remembered = null;

  /** What the beat makes of a selection. @type {(region: Region) => Region} */
  snapRegion = (region) => region;
  /** Where the beat lets something begin that is moved. @type {(column: number) => number} */
  snapColumn = (column) => column;
  /** Columns from a repeat of these columns to the next; 0 for their width. @type {(columns: [number, number]) => number} */
  repeatPeriod = () => 0;

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
    this.#stroke = this.#drag = this.#remembered = this.#loop = null;
    this.isSelecting = false;
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
    return this.#regionOn(this.everyLevel ? [0, this.codes.levels - 1] : [this.level, this.level]);
  }

  /** The same region on the chosen level only. @returns {LevelRegion} */
  get regionOfLevel() {
    return this.#regionOn([this.level, this.level]);
  }

  /** @param {[number, number]} levels @returns {LevelRegion} */
  #regionOn(levels) {
    const { rows, columns, cells } = this.chosen;
    return { levels, rows, columns, ...(cells && { only: placesOf(cells, this.codes.columns) }) };
  }

  /** All cells. @returns {LevelRegion} */
  get wholeClip() {
    return { ...wholeGrid(this.codes), levels: [0, this.codes.levels - 1] };
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
    this.selection = this.#anchor && this.snapRegion(regionBetween(this.#anchor, this.cursor));
  }

  /** @param {Region | null} region */
  select(region) {
    this.#choose(region);
  }

  get isLassoing() {
    return this.#loop !== null;
  }

  /**
   * Begin to draw a loop around cells.
   * @param {Cell} cell
   * @param {boolean} isAdding whether its cells are added to the selection
   */
  beginLasso(cell, isAdding) {
    this.isSelecting = true;
    this.cursor = cell;
    this.#loop = { points: [cell], kept: isAdding ? cellsOf(this.selection, this.codes) : new Set() };
    this.goOnLassoing(cell);
  }

  /** @param {Cell} cell */
  goOnLassoing(cell) {
    if (!this.#loop) return;
    const { points, kept } = this.#loop;
    points.push(...cellsBetween(points[points.length - 1], cell));
    this.#choose(selectionOf(new Set([...kept, ...lassoed(points, this.codes)]), this.codes));
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
    this.isSelecting = true;
    if (contains(this.selection, cell, this.codes.columns) && !isExtending) {
      this.#drag = { from: cell, to: cell };
      return;
    }
    if (!isExtending) this.cursor = cell;
    this.#choose(this.snapRegion(regionBetween(this.cursor, cell)));
  }

  /** @param {Cell} cell */
  goOnSelecting(cell) {
    if (this.#loop) this.goOnLassoing(cell);
    else if (this.#drag) this.#drag.to = cell;
    else this.#choose(this.snapRegion(regionBetween(this.cursor, cell)));
  }

  /**
   * End a drag: the pointer went up. Returns the region and its new place if the selection was moved, else null.
   * @returns {(LevelRegion & Cell) | null}
   */
  endSelecting() {
    const [drag, region] = [this.#drag, this.selection];
    this.#drag = this.#loop = null;
    this.isSelecting = false;
    if (!drag || !region) return null;
    const dragged = draggedTo(region, drag.from, drag.to);
    const isAcross = drag.from.column !== drag.to.column;
    const place = dragged && (isAcross ? { ...dragged, column: this.snapColumn(dragged.column) } : dragged);
    if (!place) {
      this.cursor = drag.from;
      this.#choose(null);
      return null;
    }
    const moved = { ...this.region, ...place };
    const by = { rows: place.row - region.rows[0], columns: place.column - region.columns[0] };
    const { cells } = region;
    this.#choose(
      cells ? selectionOf(movedCells(cells, by, this.codes), this.codes) : placedAt(region, place, this.codes),
    );
    return moved;
  }

  /** Remember the choices before a pointer changes them. */
  remember() {
    const { cursor, selection, level, brush } = this;
    this.#remembered = { cursor, selection, level, brush };
  }

  /** Take back what a pointer has changed since it went down: codes and choices. */
  takeBack() {
    this.codes.uncover(true);
    this.#stroke = this.#drag = this.#loop = null;
    this.isSelecting = false;
    Object.assign(this, this.#remembered);
  }

  get isPainting() {
    return this.#stroke !== null;
  }

  /** Whether a stroke has left its first cell. */
  get isPaintingOn() {
    return this.#stroke !== null && this.#stroke.cells.length > 1;
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
    /** @type {import("./grid_codes.js").Put[]} */
    const puts = [];
    for (const each of cellsBetween(stroke.cells.length ? this.cursor : cell, cell)) {
      const position = this.codes.positionOf(stroke.level, each.row, each.column);
      if (stroke.seen.has(position)) continue;
      stroke.seen.add(position);
      stroke.cells.push(each);
      puts.push([position, stroke.code]);
    }
    this.cursor = cell;
    this.codes.cover(puts);
  }

  /** End the stroke and return it; null without a stroke. */
  endStroke() {
    const stroke = this.#stroke;
    this.#stroke = null;
    this.codes.uncover(false);
    return stroke;
  }

  /** Keep a copy of the region's codes. */
  copy() {
    const { region } = this;
    this.clipboard = codesIn(this.codes.indices, this.codes, region);
    this.#copied = region.only?.map(([row, column]) => [row - region.rows[0], column - region.columns[0]]) ?? null;
    return this.clipboard;
  }

  /** Keep codes of another clip as the copied ones. @param {import("./selection.js").Codes} codes */
  keep(codes) {
    this.clipboard = codes;
    this.#copied = null;
  }

  /**
   * The edits that paste the copied codes.
   * @param {number} mostCells maximum number of cells of one edit
   */
  pastes(mostCells) {
    if (!this.clipboard) return [];
    const { rows, columns } = this.chosen;
    const level = this.clipboard.length === 1 ? this.level : 0;
    const parts = pasteParts(this.clipboard, columns[0], this.codes, mostCells).map((part) => {
      const last = part.column + part.codes[0][0].length - 1;
      const only = this.#copied
        ?.map(([row, column]) => /** @type {[number, number]} */ ([rows[0] + row, columns[0] + column]))
        .filter(([row, column]) => row < this.codes.rows && column >= part.column && column <= last)
        .filter(([, column]) => column < this.codes.columns);
      return { level, row: rows[0], ...part, ...(only && { only }) };
    });
    return parts.filter(({ only }) => !only || only.length);
  }

  /** @param {Region | null} region */
  #choose(region) {
    this.selection = region;
    this.#anchor = null;
  }
}
