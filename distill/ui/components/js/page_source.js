// @ts-check
// The sound of a clip from the page's own codec. Each change of codes has a number, counted here.

import { heardIn, MUTED, soloCells } from "../../../browser/mixing.js";
import { HOP } from "../../../browser/units.js";

/** @typedef {import("./types.js").GridTrack} GridTrack */
/** @typedef {import("./tape.js").Range} Range */

export class PageSource {
  isLocal = true;
  change = 0; // number of the latest change
  #edited;
  /** @type {import("./types.js").PageGrid | null} opened for the first comparison */
  #before = null;
  /** @type {import("./types.js").PageGrid | null} the grid in which all but a region is muted */
  #alone = null;
  /** @type {(position: number) => boolean} whether a code is in this region */
  #isHeard = () => true;

  /**
   * @param {import("./types.js").PageCodec} codec
   * @param {import("./grid_codes.js").GridCodes} codes
   * @param {number} numFrames
   */
  constructor(codec, codes, numFrames) {
    this.codec = codec;
    this.codes = codes;
    this.numFrames = numFrames;
    this.#edited = codec.openGrid(codes.cells.slice(), codes.columns, numFrames, codes.quiet);
  }

  /**
   * Change codes.
   * @param {import("./grid_codes.js").Put[]} puts
   * @returns {number} the number of the change
   */
  put(puts) {
    this.#edited.put(puts);
    this.#alone?.put(puts.map(([place, value]) => [place, this.#valueAlone(place, value)]));
    this.change += 1;
    return this.change;
  }

  /**
   * The frames that sound different after a change of some columns.
   * @param {Range} columns
   * @returns {Range}
   */
  heardFrames(columns) {
    return this.#edited.heardFrames(columns);
  }

  /**
   * The sound of some frames, in small parts.
   * @param {GridTrack} track
   * @param {Range} frames
   * @param {{urgent?: boolean, signal?: AbortSignal}} options
   * @returns {AsyncGenerator<import("./types.js").SoundPart>}
   */
  async *sound(track, [first, last], options = {}) {
    const { change } = this;
    for await (const part of this.#gridOf(track).sound(first, last, options)) yield { ...part, change };
  }

  /**
   * The whole sound of other codes, as of another clip.
   * @param {Uint16Array} codes
   * @param {number} columns
   * @param {number} numFrames
   */
  async soundOf(codes, columns, numFrames) {
    const grid = this.codec.openGrid(codes, columns, numFrames, this.codes.quiet);
    const whole = new Float32Array(numFrames * HOP);
    try {
      for await (const { first, samples } of grid.sound(0, numFrames)) whole.set(samples, first * HOP);
    } finally {
      grid.close();
    }
    return whole;
  }

  /**
   * @param {number} level
   * @param {number} code
   */
  audition(level, code) {
    return this.codec.audition(level, code);
  }

  /** @param {import("./types.js").Solo | null} region what is heard alone */
  solo(region) {
    const { codes } = this;
    const was = this.#isHeard;
    this.#isHeard = region ? heardIn(codes, region) : () => true;
    this.change += 1;
    if (!region) {
      this.#alone?.close();
      this.#alone = null;
    } else if (this.#alone) {
      /** @type {import("./grid_codes.js").Put[]} */
      const puts = [];
      for (let place = 0; place < codes.count; place++)
        if (was(place) !== this.#isHeard(place))
          puts.push([codes.count + place, this.#valueAlone(codes.count + place, codes.faders[place])]);
      if (puts.length) this.#alone.put(puts);
    } else {
      const cells = soloCells(codes.cells, codes, region);
      this.#alone = this.codec.openGrid(cells, codes.columns, this.numFrames, codes.quiet);
    }
  }

  /** What the soloed grid has in a place: a fader outside the region is muted. @param {number} place @param {number} value */
  #valueAlone(place, value) {
    const { count } = this.codes;
    return place < count || this.#isHeard(place - count) ? value : (value % MUTED) + MUTED;
  }

  close() {
    this.#edited.close();
    this.#alone?.close();
    this.#before?.close();
  }

  /** @param {GridTrack} track */
  #gridOf(track) {
    const { codes } = this;
    if (track === "edited" || (track === "solo" && !this.#alone)) return this.#edited;
    if (track === "solo" && this.#alone) return this.#alone;
    this.#before ??= this.codec.openGrid(codes.originalCells.slice(), codes.columns, this.numFrames, codes.quiet);
    return this.#before;
  }
}
