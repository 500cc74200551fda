// @ts-check
// The edits of a grid without a server: the same codes, descriptions and refusals as distill/codes/edits.py and
// distill/editing/tools.py give.

import { blended, Distance, ranked } from "./code_likeness.js";
import { GridError, toCode, toIndex, toWhole } from "./edit_refusals.js";
import { checkInside, masked } from "./grid_masks.js";
import { at, checkRegion, each, pasted, repeated, withRegion } from "./grid_regions.js";
import { slid, slideWords } from "./grid_slides.js";
import { bandName, columnSeconds, placeWords, rounded, rowRanges } from "./grid_words.js";
import { faderOf, mixed, wholeCells } from "./mixing.js";
import { randomIntegers } from "./numpy_random.js";

/** @typedef {import("./edit_requests.js").EditRequest} EditRequest */
/** @typedef {[number, number]} Ends first and last, both included */
/** @typedef {{levels: Ends, rows: Ends, columns: Ends}} Region */

/**
 * Shape of a grid of codes.
 * @typedef {{levels: number, rows: number, columns: number, size: number, timeStride: number}} Shape
 */

/**
 * A clip to edit: its codes, which faders may follow; `after` gives them as they were after some of its edits.
 * @typedef {Shape & {name: string, indices: Uint16Array, after?: (edits: number) => Uint16Array}} EditedClip
 */

/**
 * What edits need to know of a codec: its codebooks, and for each level and row the code of silence, and the code that
 * has the smallest effect; for slides also its directions.
 * @typedef {{codebooks: import("./code_likeness.js").Codebooks, quiet: number[][], neutral: number[][],
 *   slides?: import("./grid_slides.js").Directions | null}} EditingCodec
 */

/**
 * `off` is how far a blend or a slide is off the sound that was asked for.
 * @typedef {{label: string, indices: Uint16Array, second?: {label: string, indices: Uint16Array}, off?: number}} Edited
 */

/** @type {(clip: EditedClip, region: Region) => string} */
const where = (clip, { levels, rows, columns }) => placeWords(clip, levels, rows, columns);

/** @type {(asked: EditRequest) => Region} */
const regionOf = ({ levels, rows, columns }) => ({ levels, rows, columns });

/** @type {(asked: EditRequest) => Region} */
function regionOfOneLevel(asked) {
  if (asked.levels[0] !== asked.levels[1]) {
    throw new GridError("Each level has codes of its own: choose one level for this tool.");
  }
  return regionOf(asked);
}

/**
 * The codes that clear a region: silence for all levels, or the codes with the smallest effect for some levels.
 * @type {(codec: EditingCodec, clip: EditedClip, region: Region) => number[][]}
 */
function quietCodes(codec, clip, { levels }) {
  return levels[0] === 0 && levels[1] === clip.levels - 1 ? codec.quiet : codec.neutral;
}

/**
 * For each code of a level that occurs in a region, its neighbours in the codebook, nearest first.
 * @param {EditingCodec} codec
 * @param {EditedClip} clip
 * @param {number} level
 */
function neighbours({ codebooks }, clip, level) {
  toIndex("Level", level, clip.levels);
  /** @type {Map<number, number[]>} */
  const known = new Map();
  return (/** @type {number} */ code) => {
    const kept = known.get(code) ?? ranked(codebooks.levels[level], codebooks.dim, code);
    known.set(code, kept);
    return kept;
  };
}

/**
 * The counterpart of a region in a second clip: its first column, and our columns that have a counterpart.
 * @type {(clip: EditedClip, second: EditedClip, region: Region) => {column: number, region: Region}}
 */
function counterpart(clip, second, region) {
  checkRegion(clip, region);
  const [first, last] = region.columns;
  const column = Math.min(first, second.columns - 1);
  return { column, region: { ...region, columns: [first, Math.min(last, first + second.columns - column - 1)] } };
}

/**
 * @typedef {(asked: EditRequest, clip: EditedClip, second: EditedClip, codec: EditingCodec) => Edited} Tool
 */

/**
 * The least and the largest number at a place of tuples.
 * @param {number[][]} tuples
 * @param {number} part
 * @returns {Ends}
 */
function endsOf(tuples, part) {
  const numbers = tuples.map((tuple) => tuple[part]);
  return [Math.min(...numbers), Math.max(...numbers)];
}

/** @type {Record<string, Tool>} */
const TOOLS = {
  paint(asked, clip) {
    const { level, code, cells } = asked;
    toIndex("Level", level, clip.levels);
    toCode(code, clip.size);
    const [rows, columns] = [endsOf(cells, 0), endsOf(cells, 1)];
    for (const row of rows) toIndex("Row", row, clip.rows);
    for (const column of columns) toIndex("Column", column, clip.columns);
    const indices = clip.indices.slice();
    for (const [row, column] of cells) indices[at(clip, level, row, column)] = code;
    return { label: `${where(clip, { levels: [level, level], rows, columns })}: painted code ${code}`, indices };
  },

  set(asked, clip) {
    const region = regionOfOneLevel(asked);
    toIndex("Level", region.levels[0], clip.levels);
    checkRegion(clip, region);
    toCode(asked.code, clip.size);
    const indices = withRegion(clip, region, () => asked.code);
    return { label: `${where(clip, region)}: set to code ${asked.code}`, indices };
  },

  paste(asked, clip) {
    const { codes, level, row, column } = asked;
    const all = codes.flat(2);
    toCode(Math.min(...all), clip.size);
    toCode(Math.max(...all), clip.size);
    const indices = pasted(clip, codes, { level, row, column });
    const last = Math.min(column + codes[0][0].length, clip.columns) - 1;
    const levels = /** @type {Ends} */ ([level, level + codes.length - 1]);
    const place = where(clip, { levels, rows: [row, row + codes[0].length - 1], columns: [column, last] });
    return { label: `${place}: pasted`, indices };
  },

  play(asked, clip) {
    const { notes } = asked;
    const indices = clip.indices.slice();
    const [levels, rows, columns, codes] = [0, 1, 2, 3].map((part) => endsOf(notes, part));
    for (const level of levels) toIndex("Level", level, clip.levels);
    for (const row of rows) toIndex("Row", row, clip.rows);
    for (const column of columns) toIndex("Column", column, clip.columns);
    for (const code of codes) toCode(code, clip.size);
    for (const [level, row, column, code] of notes) indices[at(clip, level, row, column)] = code;
    const place = where(clip, { levels, rows, columns });
    return { label: `${place}: played`, indices };
  },

  clear(asked, clip, _second, codec) {
    const region = regionOf(asked);
    checkRegion(clip, region);
    const quiet = quietCodes(codec, clip, region);
    const indices = withRegion(clip, region, (level, row) => quiet[level][row]);
    return { label: `${where(clip, region)}: cleared`, indices };
  },

  move(asked, clip, _second, codec) {
    const region = regionOf(asked);
    checkRegion(clip, region);
    const codes = each(region.levels).map((level) =>
      each(region.rows).map((row) => each(region.columns).map((column) => clip.indices[at(clip, level, row, column)])),
    );
    const quiet = quietCodes(codec, clip, region);
    const cut = { ...clip, indices: withRegion(clip, region, (level, row) => quiet[level][row]) };
    const indices = pasted(cut, codes, { level: region.levels[0], row: asked.row, column: asked.column });
    const seconds = (asked.column * columnSeconds(clip.timeStride)).toFixed(2);
    const band = bandName(...rowRanges(clip.rows)[asked.row]);
    return { label: `${where(clip, region)}: moved to ${seconds} s, ${band}`, indices };
  },

  repeat(asked, clip) {
    const region = regionOf(asked);
    checkRegion(clip, region);
    const times = toWhole("times", asked.times, 0);
    const indices = repeated(clip, region, times, asked.period);
    return { label: `${where(clip, region)}: repeated ${times} ×`, indices };
  },

  reverse(asked, clip) {
    const region = regionOf(asked);
    checkRegion(clip, region);
    const sum = region.columns[0] + region.columns[1];
    const indices = withRegion(clip, region, (level, row, column) => clip.indices[at(clip, level, row, sum - column)]);
    return { label: `${where(clip, region)}: reversed`, indices };
  },

  shift(asked, clip) {
    const region = regionOf(asked);
    checkRegion(clip, region);
    const { by_rows: byRows, by_columns: byColumns } = asked;
    const from = (/** @type {number} */ place, /** @type {Ends} */ [first, last], /** @type {number} */ by) => {
      const count = last - first + 1;
      return first + ((((place - first - by) % count) + count) % count);
    };
    const indices = withRegion(clip, region, (level, row, column) => {
      return clip.indices[at(clip, level, from(row, region.rows, byRows), from(column, region.columns, byColumns))];
    });
    const parts = [];
    if (byColumns) parts.push(`${signed(byColumns)} steps in time`);
    if (byRows) parts.push(`${signed(byRows)} bands`);
    return { label: `${where(clip, region)}: shifted ${parts.join(", ") || "by nothing"}`, indices };
  },

  similar(asked, clip, _second, codec) {
    const region = regionOfOneLevel(asked);
    const near = neighbours(codec, clip, region.levels[0]);
    checkRegion(clip, region);
    const rank = toWhole("rank", asked.rank, 0, clip.size - 1);
    const indices = withRegion(clip, region, (_level, _row, _column, code) => near(code)[rank]);
    return { label: `${where(clip, region)}: replaced by similar codes (rank ${rank})`, indices };
  },

  random(asked, clip, _second, codec) {
    const region = regionOfOneLevel(asked);
    const near = neighbours(codec, clip, region.levels[0]);
    checkRegion(clip, region);
    const among = toWhole("among", asked.among, 1, clip.size - 1);
    const seed = toWhole("seed", asked.seed, 0);
    const cells = each(region.rows).length * each(region.columns).length;
    const choices = randomIntegers(seed, among, cells).values();
    const indices = withRegion(clip, region, (_level, _row, _column, code) => {
      return near(code)[1 + Number(choices.next().value)];
    });
    return { label: `${where(clip, region)}: replaced by random codes of the ${among} nearest`, indices };
  },

  replace(asked, clip) {
    const { level, code, replacement } = asked;
    toIndex("Level", level, clip.levels);
    toCode(code, clip.size);
    toCode(replacement, clip.size);
    /** @type {Region} */
    const region = { levels: [level, level], rows: [0, clip.rows - 1], columns: [0, clip.columns - 1] };
    const indices = withRegion(clip, region, (_level, _row, _column, old) => (old === code ? replacement : old));
    const [name] = placeWords(clip, [level, level], region.rows, region.columns).split(",");
    return { label: `${name}, whole clip: code ${code} replaced by ${replacement}`, indices };
  },

  blend(asked, { ...clip }, second, codec) {
    const { column: other, region } = counterpart(clip, second, regionOf(asked));
    const { levels } = region;
    clip.indices = beginning(clip, regionOf(asked), asked.since);
    const indices = clip.indices.slice();
    const distance = new Distance();
    const codesAt = (/** @type {EditedClip} */ from, /** @type {number} */ row, /** @type {number} */ column) =>
      each([0, clip.levels - 1]).map((level) => from.indices[at(from, level, row, column)]);
    const isWhole = levels[0] === 0 && levels[1] === clip.levels - 1;
    for (const row of asked.amount === 0 ? [] : each(region.rows)) {
      for (const column of each(region.columns)) {
        const [ours, theirs] = [codesAt(clip, row, column), codesAt(second, row, other + column - region.columns[0])];
        const codes =
          asked.amount === 1 && isWhole
            ? theirs
            : blended(codec.codebooks, levels, ours, theirs, asked.amount, distance);
        for (const [index, code] of codes.entries()) indices[at(clip, levels[0] + index, row, column)] = code;
      }
    }
    const share = rounded(100 * asked.amount);
    const label = `${where(clip, regionOf(asked))}: blended with ${share} % of ${second.name}`;
    return { label, indices, off: distance.off };
  },

  slide(asked, { ...clip }, _second, codec) {
    const region = regionOf(asked);
    checkRegion(clip, region);
    clip.indices = beginning(clip, region, asked.since);
    const { indices, off } = slid(asked, clip, codec);
    return { label: `${where(clip, region)}: ${slideWords(asked)}`, indices, off };
  },

  swap(asked, clip, second) {
    const { column: other, region } = counterpart(clip, second, regionOf(asked));
    const by = other - region.columns[0];
    const theirs = second.indices.slice();
    const indices = withRegion(clip, region, (level, row, column, code) => {
      const position = at(second, level, row, column + by);
      theirs[position] = code;
      return second.indices[position];
    });
    const [first, last] = asked.columns;
    /** @type {Ends} */
    const otherColumns = [other, Math.min(other + last - first + 1, second.columns) - 1];
    const place = placeWords(second, asked.levels, asked.rows, otherColumns);
    return {
      label: `${where(clip, regionOf(asked))}: swapped with ${second.name}`,
      indices,
      second: { label: `${place}: swapped with ${clip.name}`, indices: theirs },
    };
  },

  mix(asked, clip) {
    const { gain, mute } = asked;
    if (gain === null && mute === null) throw new GridError("A mix needs a gain or a mute.");
    const region = regionOf(asked);
    checkRegion(clip, region);
    const count = clip.levels * clip.rows * clip.columns;
    const cells = wholeCells(clip.indices, count);
    for (const level of each(region.levels)) {
      for (const row of each(region.rows)) {
        for (const column of each(region.columns)) {
          const place = count + at(clip, level, row, column);
          cells[place] = mixed(cells[place], gain, mute);
        }
      }
    }
    const parts = gain === null ? [] : [`fader at ${2 * faderOf(gain)} %`];
    if (mute !== null) parts.push(mute ? "muted" : "heard again");
    return { label: `${where(clip, region)}: ${parts.join(", ")}`, indices: cells };
  },
};

/** @param {number} number */
const signed = (number) => (number < 0 ? String(number) : `+${number}`);

/**
 * The codes to begin from: in the region those after some of the edits, if so many are named.
 * @type {(clip: EditedClip, region: Region, since: number | null) => Uint16Array}
 */
function beginning(clip, region, since) {
  if (since === null || !clip.after) return clip.indices;
  const then = clip.after(since);
  return withRegion(clip, region, (level, row, column) => then[at(clip, level, row, column)]);
}

/**
 * Make an edit of a clip's grid. The clips, and cells that are not meant, stay as they are.
 * @param {EditRequest} asked an edit that changes a grid
 * @param {EditedClip} clip
 * @param {EditedClip} second the second clip of a blend or a swap; else any
 * @param {EditingCodec} codec
 * @returns {Edited}
 */
export function makeEdit(asked, clip, second, codec) {
  const isMasked = asked.only && asked.kind !== "reverse" && asked.kind !== "shift";
  if (isMasked && asked.kind !== "paste") checkInside(asked.only, asked.rows, asked.columns);
  const edited = TOOLS[asked.kind](asked, clip, second, codec);
  if (!isMasked) return edited;
  const quiet = asked.kind === "move" ? quietCodes(codec, clip, regionOf(asked)) : [];
  return masked(asked, clip, second, edited, quiet);
}
