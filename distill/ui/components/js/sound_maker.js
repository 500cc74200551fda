// @ts-check
// Has the sound of a clip made where it is needed: by the server, or by the page's own codec as soon as the page has it.
// Without such a codec, or when it fails, the server goes on.

import { HOP } from "../../../browser/units.js";
import { pageCodecs } from "./page_codecs.js";
import { PageSource } from "./page_source.js";
import { NOT_HEARD, Refused, ServerSource } from "./server_source.js";
import { Tape } from "./tape.js";

/** @typedef {import("./types.js").GridTrack} GridTrack */
/** @typedef {import("./tape.js").Range} Range */
/** @typedef {{track: GridTrack, frames: Range, urgent: boolean}} Job */

/**
 * What is heard, and what to do with what is made.
 * @typedef {object} Listener
 * @property {() => {moment: number, isPlaying: boolean, track: GridTrack}} place the playhead in seconds, and its track
 * @property {(track: GridTrack, start: number, stop: number) => void} written samples have arrived
 * @property {(refusal: import("./types.js").Refusal) => void} refused
 */

const AHEAD = 30; // seconds of sound that are made ahead of the playhead, and behind it
const JOB_FRAMES = 128; // most frames of the page's codec in one job

export class SoundMaker {
  /** @type {Partial<Record<GridTrack, Tape>>} */
  tapes = {};
  /** @type {ServerSource | PageSource} */
  source;
  /** @type {import("./types.js").Solo | null} what is heard alone */
  soloed = null;
  /** @type {Range | null} frames of the latest edit, to be made first */
  edit = null;
  /** @type {GridTrack | null} a track that must be there first, because a comparison waits for it */
  wanted = null;
  /** @type {import("./grid_codes.js").GridCodes | null} */
  codes = null;
  isStuck = false; // whether the latest job failed
  #isOpening = false; // whether the first sound of a clip is made although nothing plays
  /** @type {AbortController | null} of the job that runs */
  #running = null;
  #loops = 0; // loops of jobs that have not ended
  /** @type {(() => void)[]} called after each part of a sound, and when none comes */
  #watching = [];

  /**
   * @param {import("./types.js").GridValue} value
   * @param {import("./types.js").GridServer} server
   * @param {Listener} listener
   * @param {{codecs?: import("./page_codecs.js").PageCodecs, openCodec?: import("./types.js").OpenCodec}} [options]
   */
  constructor(value, server, listener, { codecs = pageCodecs, openCodec } = {}) {
    this.value = value;
    this.server = server;
    this.listener = listener;
    this.codecs = codecs;
    this.openCodec = openCodec;
    this.source = new ServerSource(value, server);
  }

  get isMaking() {
    return this.#loops > 0;
  }

  /**
   * Make the sound of another grid.
   * @param {import("./types.js").GridValue} value
   * @param {import("./grid_codes.js").GridCodes} codes
   * @param {Tape} [before] the sound before the edits, if it stays the same
   */
  take(value, codes, before) {
    this.value = value;
    this.codes = codes;
    this.edit = this.wanted = this.soloed = null;
    this.tapes = { edited: new Tape(value.samples), before };
    this.#changeSource(new ServerSource(value, this.server));
    this.#isOpening = true;
    void this.#open(codes);
    void this.make();
  }

  /**
   * Let the page's codec make the sound as soon as the page has it.
   * @param {import("./grid_codes.js").GridCodes} codes
   */
  async #open(codes) {
    const opening = this.codecs.of(this.value, this.openCodec);
    const codec = this.codecs.readyFor(this.value) ?? (await opening);
    if (!codec || codes !== this.codes || codec.modelId !== this.value.model_id) return;
    try {
      this.#changeSource(new PageSource(codec, codes, this.value.num_frames));
    } catch (error) {
      console.info(error);
      return;
    }
    codec.onlost = () => this.#giveUp(codec);
    // The server's sound is a little different, and has no edits that wait: it plays until it is made anew.
    for (const tape of Object.values(this.tapes)) tape?.outdate([0, tape.frames], 0);
    void this.make();
  }

  /** @param {import("./types.js").PageCodec} codec */
  #giveUp(codec) {
    this.codecs.giveUp(codec);
    if (!(this.source instanceof PageSource) || this.source.codec !== codec) return;
    this.#changeSource(new ServerSource(this.value, this.server));
    void this.make();
  }

  /** @param {ServerSource | PageSource} source */
  #changeSource(source) {
    this.stopJob();
    try {
      this.source.close();
    } catch {
      // what has failed need not close well
    }
    this.source = source;
    source.solo(this.soloed);
    for (const tape of Object.values(this.tapes)) tape?.forgetChanges();
  }

  /**
   * Let a region be heard alone, or all again.
   * @param {import("./types.js").Solo | null} region
   */
  solo(region) {
    this.soloed = region;
    this.stopJob();
    this.source.solo(region);
    if (!region) this.tapes.solo = undefined;
    else {
      this.tapes.solo ??= new Tape(this.value.samples);
      const { source, tapes } = this;
      tapes.solo?.outdate([0, tapes.solo.frames], source instanceof PageSource ? source.change : 0);
    }
  }

  /** Have the sound made that is needed next, until nothing is needed. */
  async make() {
    this.isStuck = false;
    this.#loops += 1;
    for (let job = this.#nextJob(); job && !this.#running; job = this.#nextJob()) {
      const running = new AbortController();
      this.#running = running;
      const isDone = await this.#do(job, running.signal);
      if (this.#running !== running) break; // it was stopped, and is no sign that nothing can be made
      this.#running = null;
      this.isStuck = !isDone;
      if (this.isStuck) break;
    }
    this.#loops -= 1;
    this.#tellWatchers();
  }

  /** Go on, unless something is being made, or nothing can be. */
  goOn() {
    if (!this.#running && !this.isStuck) void this.make();
  }

  /** Let another job begin at once. */
  stopJob() {
    this.#running?.abort();
    this.#running = null;
  }

  /** Wait until a part of a sound has arrived, or none comes. */
  nextPart() {
    return new Promise((next) => this.#watching.push(() => next(null)));
  }

  /** @returns {Job | null} */
  #nextJob() {
    const { moment, isPlaying, track } = this.listener.place();
    const { isLocal } = this.source;
    const most = isLocal ? JOB_FRAMES : Number.POSITIVE_INFINITY;
    const place = Math.floor((moment * this.value.sample_rate) / HOP);
    const ahead = Math.round((AHEAD * this.value.sample_rate) / HOP);
    /** @type {(track: GridTrack, range: Range, options?: {urgent?: boolean, isEmptyOnly?: boolean}) => Job | null} */
    const job = (track, range, { urgent = false, isEmptyOnly = false } = {}) => {
      const frames = this.tapes[track]?.missing(range, { most, isEmptyOnly });
      return frames ? { track, frames, urgent } : null;
    };
    const heard = this.tapes.solo && track !== "before" ? "solo" : "edited";
    const first = this.edit && job(heard, this.edit, { urgent: true });
    if (first) return first;
    this.edit = null;
    if (this.wanted) return job(this.wanted, [place, place + ahead]);
    const isNeeded = isPlaying || isLocal;
    if (!isNeeded && !this.#isOpening) return null;
    const options = { isEmptyOnly: !isNeeded };
    return job(track, [place, place + ahead], options) ?? job(track, [place - ahead, place], options);
  }

  /**
   * @param {Job} job
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} false if it failed
   */
  async #do({ track, frames, urgent }, signal) {
    const { source } = this;
    const changed = this.tapes[track]?.changed;
    let isDone = false;
    try {
      for await (const { first, samples, change } of source.sound(track, frames, { urgent, signal })) {
        const tape = this.tapes[track];
        if (source !== this.source || !tape) return false;
        // A part of a stopped job is made already; the tape takes those of its frames that no later change has made old.
        for (const [from, to] of tape.write(first, samples, change)) {
          isDone = true;
          this.listener.written(track, from, to);
        }
        this.#tellWatchers();
        if (signal.aborted) return false;
      }
      if (!isDone && !signal.aborted && changed === this.tapes[track]?.changed) throw new Refused(NOT_HEARD);
      return true;
    } catch (error) {
      if (signal.aborted || source !== this.source) return false;
      this.#isOpening = false;
      if (source instanceof PageSource) this.#giveUp(source.codec);
      else this.listener.refused(error instanceof Refused ? error.refusal : NOT_HEARD);
    }
    return false;
  }

  #tellWatchers() {
    for (const watch of this.#watching.splice(0)) watch();
  }
}
