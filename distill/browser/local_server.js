// @ts-check
// All edits of clips without a server: what the code grid asks of its server is answered in the page. The sound is made
// by the codec in the page, so an answer has none.

import { packCodes } from "./base64.js";
import { GridError } from "./edit_refusals.js";
import { readEdit } from "./edit_requests.js";
import { makeEdit } from "./grid_edits.js";
import { differences } from "./grid_history.js";
import { bandName, columnSeconds, levelNames, rowRanges } from "./grid_words.js";
import { FULL, mixOf } from "./mixing.js";
import { HOP, SAMPLE_RATE } from "./units.js";

/** @typedef {import("./grid_edits.js").EditingCodec} EditingCodec */
/** @typedef {import("./grid_edits.js").Shape} Shape */
/** @typedef {import("./grid_history.js").GridHistory} GridHistory */

/**
 * An open clip: `work` names it, `samples` is its length, and `spectrogram` the address of the picture behind its cells.
 * @typedef {Shape & {work: string, name: string, history: GridHistory, numFrames: number, samples: number,
 *   modelId: string, spectrogram: string, timing?: Timing | null}} LocalClip `timing` is its beat and its loop, if known
 */
/** @typedef {{tempo: number, offset: number, bar: number, loop: number[]}} Timing in beats per minute, seconds and beats
 */

const HISTORY_SHOWN = 100;
const PIECE_FRAMES = 1_024;
const EDIT_CELLS = 4_096; // maximum number of cells of one edit
const GONE = "This clip is no longer open here.";
const NO_FINDING = "The beat is found on a server; here, tap it or type its tempo.";
const NOT_LAST = "The grid was edited since, so that edit was not undone.";
const NO_SECOND = "The second clip is no longer open here; choose it again.";

export class LocalServer {
  /** @type {Map<string, LocalClip>} */
  clips = new Map();
  /** @type {Map<string, {id: string, answer: object}>} the last answer about each clip */
  #answers = new Map();
  /** @type {Map<string, number>} */
  #versions = new Map();

  /**
   * @param {EditingCodec} codec
   * @param {object | null} pictures of the codec, for the grid and the palette
   * @param {number} [editCells] maximum number of cells of one edit
   * @param {object | null} [lens] what the grid's lens needs to know of the codec
   */
  constructor(codec, pictures, editCells = EDIT_CELLS, lens = null) {
    this.lens = lens;
    this.codec = codec;
    this.pictures = pictures;
    this.editCells = editCells;
  }

  /** @param {LocalClip} clip */
  open(clip) {
    this.clips.set(clip.work, clip);
  }

  /** Let all go that is known of a clip. @param {string} work */
  close(work) {
    for (const known of [this.clips, this.#answers, this.#versions]) known.delete(work);
  }

  /**
   * What the code grid shows of an open clip.
   * @param {string} work
   */
  valueOf(work) {
    const clip = /** @type {LocalClip} */ (this.clips.get(work));
    const { history, levels, size, rows } = clip;
    const usage = Array.from({ length: levels }, () => Array(size).fill(0));
    const each = rows * clip.columns;
    const count = levels * each;
    for (const [position, code] of history.original.subarray(0, count).entries())
      usage[Math.floor(position / each)][code] += 1;
    return {
      ...{ work, name: clip.name, editable: true, levels: levelNames(levels), rows, columns: clip.columns, size },
      ...{ num_frames: clip.numFrames, model_id: clip.modelId, format: "distill-grid", usage },
      ...{ ...wholeOf(history.indices, count), quiet: this.codec.quiet ?? null },
      ...{ original: packCodes(history.original.subarray(0, count)), original_mix: packedMix(history.original, count) },
      ...{ bands: rowRanges(rows).map((range) => bandName(...range)), time_stride: clip.timeStride },
      ...{ column_seconds: columnSeconds(clip.timeStride), sample_rate: SAMPLE_RATE, samples: clip.samples },
      ...{ piece_samples: PIECE_FRAMES * HOP },
      ...{
        edit_cells: this.editCells,
        spectrogram: clip.spectrogram,
        codec_file: "",
        timing: clip.timing ?? null,
      },
      ...this.#historyOf(history),
    };
  }

  /**
   * Carry out an edit, as `distill.editing.calls.perform` does.
   * @param {Record<string, any>} request
   * @returns {Promise<any>} the changes, or a refusal
   */
  edit = async (request) => {
    try {
      return this.#perform(request);
    } catch (error) {
      if (error instanceof GridError) return { error: error.message };
      throw error;
    }
  };

  /** Why nothing can be heard; "" as long as the codec may still come. */
  noSound = "";
  /** @type {(refusal: {error: string}) => void} */
  #tellSilence = () => {};
  /** @type {Promise<{error: string}>} */
  #silence = new Promise((tell) => {
    this.#tellSilence = tell;
  });

  /**
   * The codec in the page makes all sounds. Who asks this server for one waits, until the codec turns out not to start.
   */
  sound = () => this.#silence;
  audition = () => this.#silence;

  /**
   * Keep the beat and the loop of a clip, which are set by hand here.
   * @param {Record<string, any>} request
   */
  timing = async ({ work, find, ...changes }) => {
    const clip = this.clips.get(work);
    if (!clip) return { error: GONE, gone: true };
    const before = clip.timing ?? { tempo: 120, offset: 0, bar: 4, loop: [] };
    const timing = { ...before, ...changes };
    if (Object.keys(changes).length) clip.timing = timing;
    return { ...timing, note: find ? NO_FINDING : "" };
  };

  /** @param {string} sentence why nothing can be heard */
  fallSilent(sentence) {
    this.noSound = sentence;
    this.#tellSilence({ error: sentence });
  }

  /** @param {{work: string}} request */
  second_grid = async ({ work }) => {
    const clip = this.clips.get(work);
    if (!clip) return { error: NO_SECOND };
    return { columns: clip.columns, indices: packCodes(clip.history.indices), spectrogram: clip.spectrogram };
  };

  codec_lens = async () => this.lens ?? { error: "" };

  codec_pictures = async () => this.pictures ?? { error: "There are no pictures of this codec here." };

  /** @param {Record<string, any>} request */
  #perform(request) {
    const asked = readEdit(request, this.editCells);
    const clip = this.clips.get(asked.work);
    if (!clip) return { error: GONE, gone: true };
    const isOfTwo = asked.kind === "blend" || asked.kind === "swap";
    const second = isOfTwo ? this.clips.get(asked.second) : clip;
    if (!second) throw new GridError(NO_SECOND);
    const last = this.#answers.get(clip.work);
    if (asked.id && last?.id === asked.id) return last.answer;
    const { history } = clip;
    const before = history.indices;
    if (asked.kind === "look") return wholeOf(before, countOf(clip));
    const also = this.#change(asked, clip, second);
    const answer = { ...this.#changes(clip, before), ...also };
    this.#answers.set(clip.work, { id: asked.id, answer });
    return answer;
  }

  /**
   * @param {import("./edit_requests.js").EditRequest} asked
   * @param {LocalClip} clip
   * @param {LocalClip} second
   * @returns {Record<string, unknown>} what the answer has beside the changes
   */
  #change(asked, clip, second) {
    const { history } = clip;
    if (asked.kind === "undo") {
      if (asked.gesture && history.beforeGesture(asked.gesture) === history.labels.length)
        throw new GridError(NOT_LAST);
      history.undo();
    } else if (asked.kind === "redo") history.redo();
    else if (asked.kind === "reset") history.do("Reset to the original", history.original.slice());
    else {
      if (asked.kind === "swap" && second === clip) {
        throw new GridError("The second clip is this one; choose another to swap with.");
      }
      const gesture = asked.kind === "swap" ? "" : asked.gesture; // a swap changes two clips
      const edited = this.#made({ ...asked, gesture }, clip, second);
      history.do(edited.label, edited.indices, gesture);
      const also = {
        ...(gesture && { since: history.beforeGesture(gesture) }),
        ...(edited.off !== undefined && { off: Math.round(edited.off * 1000) / 1000 }),
      };
      if (!edited.second) return also;
      second.history.do(edited.second.label, edited.second.indices);
      return { ...also, second: { work: second.work, stale: [] } };
    }
    return {};
  }

  /**
   * Make an edit. It takes the place of the last one if both belong to the same gesture.
   * @param {import("./edit_requests.js").EditRequest} asked
   * @param {LocalClip} clip
   * @param {LocalClip} second
   */
  #made(asked, clip, second) {
    const taken = clip.history.takeBack(asked.gesture);
    try {
      return makeEdit(asked, editedClip(clip), editedClip(second), this.codec);
    } catch (error) {
      clip.history.restore(taken);
      throw error;
    }
  }

  /**
   * @param {LocalClip} clip
   * @param {Uint16Array} before
   */
  #changes(clip, before) {
    const { work, history } = clip;
    const positions = differences(before, history.indices);
    const version = (this.#versions.get(work) ?? 0) + (positions.length ? 1 : 0);
    this.#versions.set(work, version);
    const isMuch = positions.length > this.editCells;
    return {
      ...(isMuch
        ? { positions: null, codes: null, ...wholeOf(history.indices, countOf(clip)) }
        : { positions, codes: positions.map((position) => history.indices[position] ?? FULL) }),
      ...{ start: 0, flac: null, stale: [], version },
      ...this.#historyOf(history),
    };
  }

  /** @param {GridHistory} history */
  #historyOf({ labels, canUndo, canRedo }) {
    return { history: labels.slice(-HISTORY_SHOWN), edits: labels.length, can_undo: canUndo, can_redo: canRedo };
  }
}

/** @param {Shape} clip */
const countOf = ({ levels, rows, columns }) => levels * rows * columns;

/** @param {Uint16Array} cells @param {number} count */
function packedMix(cells, count) {
  const mix = mixOf(cells, count);
  return mix && packCodes(mix);
}

/**
 * All codes and the mix of a grid, packed; the mix is null if it changes nothing.
 * @param {Uint16Array} cells
 * @param {number} count
 */
const wholeOf = (cells, count) => ({ indices: packCodes(cells.subarray(0, count)), mix: packedMix(cells, count) });

/** @param {LocalClip} clip */
const editedClip = (clip) => ({
  ...clip,
  indices: clip.history.indices,
  after: (/** @type {number} */ edits) => {
    const { length } = clip.history.labels;
    if (edits >= 0 && edits <= length) return clip.history.after(edits);
    throw new GridError(`There are ${length} edits, so the codes after ${edits} of them are not known.`);
  },
});
