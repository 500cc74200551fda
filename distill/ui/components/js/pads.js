// @ts-check
// Playing on keys: which pad a key or a note is, and what is played becomes codes at the playhead.

/** @typedef {import("./grid_codes.js").Put} Put */
/** @typedef {{levels: number, rows: number, columns: number}} Shape */
/** @typedef {number[][][]} Codes by level, row and column */

/** The pads' keys by where they sit on a keyboard, as they are read. */
export const KEYS = ["QWERTYUIOP", "ASDFGHJKL", "ZXCVBNM"].flatMap((row) => [...row].map((letter) => `Key${letter}`));
export const FIRST_NOTE = 36; // of MIDI: the lowest pad of most controllers

/** The pad of a key; -1 if it has none. @param {string} code where the key sits */
export const padOfKey = (code) => KEYS.indexOf(code);

/**
 * What a MIDI message means for pads: the pad, and how hard it was hit, 0 to 1; 0 if it is let go. Null for others.
 * @param {ArrayLike<number> | null} data
 * @returns {{pad: number, force: number} | null}
 */
export function padOfMidi(data) {
  if (!data || data.length < 3) return null;
  const [status, note, velocity] = [data[0] & 0xf0, data[1], data[2]];
  if (status !== 0x90 && status !== 0x80) return null;
  return { pad: note - FIRST_NOTE, force: status === 0x90 ? velocity / 127 : 0 };
}

/**
 * The column at which something is written that was played at a moment: the nearest line, within the loop if there is one.
 * @param {number} moment seconds, on a line
 * @param {{columnSeconds: number, columns: number, loop: [number, number] | null}} clip
 */
export function columnOf(moment, { columnSeconds, columns, loop }) {
  const column = Math.round(moment / columnSeconds);
  const [first, stop] = loop ? loop.map((edge) => Math.round(edge / columnSeconds)) : [0, columns];
  // What comes just before the loop's end begins the next round.
  if (loop && column >= stop) return Math.min(first, columns - 1);
  return Math.max(0, Math.min(column, columns - 1));
}

/**
 * The cells that a code fills on its level.
 * @param {Shape} shape
 * @param {{level: number, code: number, rows: [number, number]}} note
 * @param {[number, number]} columns first and last
 * @returns {Put[]}
 */
export function putsOfCode(shape, { level, code, rows }, [first, last]) {
  /** @type {Put[]} */
  const puts = [];
  for (let row = rows[0]; row <= rows[1]; row++) {
    for (let column = first; column <= Math.min(last, shape.columns - 1); column++)
      puts.push([(level * shape.rows + row) * shape.columns + column, code]);
  }
  return puts;
}

/**
 * The cells that a piece fills, on all levels and rows; what lies beyond the clip's end is left out.
 * @param {Shape} shape
 * @param {Codes} codes
 * @param {number} column where it begins
 * @returns {Put[]}
 */
export function putsOfPiece(shape, codes, column) {
  /** @type {Put[]} */
  const puts = [];
  for (const [level, plane] of codes.entries()) {
    for (const [row, line] of plane.entries()) {
      for (const [right, code] of line.entries()) {
        if (column + right < shape.columns)
          puts.push([(level * shape.rows + row) * shape.columns + column + right, code]);
      }
    }
  }
  return puts;
}

/**
 * What a pad overwrites while Rec is on.
 * @param {{level: string, isInBands: boolean, isRunning: boolean}} record the name of the level, "" for all levels
 */
export function recordWords({ level, isInBands, isRunning }) {
  const codes = `${level || "All levels"}, ${isInBands ? "selected bands" : "all bands"}`;
  const place = isRunning
    ? "at the playhead. Undo takes it back."
    : "at the cursor, which moves on. Undo takes it back; Play records over the clip as it runs.";
  return `Rec is on: what you play overwrites the grid (${codes}) ${place}`;
}

/** What is played until the record ends: one edit. */
export class Take {
  /** @type {Map<number, number>} new codes by position */
  #codes = new Map();

  /** @param {Put[]} puts */
  add(puts) {
    for (const [position, code] of puts) {
      this.#codes.delete(position); // the latest note comes last
      this.#codes.set(position, code);
    }
  }

  get isEmpty() {
    return this.#codes.size === 0;
  }

  /** @returns {Put[]} */
  get puts() {
    return [...this.#codes];
  }

  /**
   * The notes of the edit.
   * @param {Put[]} puts
   * @param {(position: number) => {level: number, row: number, column: number}} placeOf
   */
  static notes(puts, placeOf) {
    return puts.map(([position, code]) => {
      const { level, row, column } = placeOf(position);
      return [level, row, column, code];
    });
  }
}
