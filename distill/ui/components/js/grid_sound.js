// @ts-check
// The code grid's sound: plays and loops it, and mends it after edits. sound_maker.js has it made.

import { runsOf } from "../../../browser/grids.js";
import { HOP } from "../../../browser/units.js";
import { startWithin } from "./axes.js";
import { Deck } from "./deck.js";
import { PageSource } from "./page_source.js";
import { NOT_HEARD, Refused, ServerSource } from "./server_source.js";
import { decode, playOnce, sound } from "./sound.js";
import { SoundMaker } from "./sound_maker.js";
import { Tape } from "./tape.js";

/** @typedef {import("./axes.js").Span} Span */
/** @typedef {import("./tape.js").Range} Range */

const EDIT_SECONDS = 12; // most seconds of an edit that are heard when nothing else plays
const ON_ITS_WAY = "Fetching the sound …";

export class GridSound {
  isComparing = false; // whether the sound before the edits plays
  /** @type {"all" | "edit" | null} what plays: the clip, or only an edited place */
  playing = null;
  isLooping = false;
  /** @type {Span | null} what of the clip is played round and round, in seconds */
  round = null;
  editStart = 0; // moment in seconds to which the playhead returns after an edited place

  /**
   * @param {import("./types.js").GridValue} value
   * @param {import("./types.js").GridServer} server
   * @param {{changed: () => void, tell: (words: string) => void, refused: (refusal: import("./types.js").Refusal) => void}} page
   * @param {{codecs?: import("./page_codecs.js").PageCodecs, openCodec?: import("./types.js").OpenCodec}} [options]
   */
  constructor(value, server, page, options = {}) {
    this.value = value;
    this.server = server;
    this.page = page;
    this.deck = new Deck(value.sample_rate, () => {
      if (!this.deck.isPlaying) this.playing = null;
      page.changed();
    });
    const { deck } = this;
    deck.linkEnded = () => this.follow(); // a tab that is out of sight draws no frames
    this.maker = new SoundMaker(
      value,
      server,
      {
        place: () => ({
          moment: deck.moment,
          isPlaying: this.playing === "all",
          track: this.heard,
        }),
        written: (track, start, stop) => deck.written(track, start, stop),
        refused: (refusal) => {
          if (deck.isWaiting) deck.pause();
          page.refused(refusal);
        },
      },
      options,
    );
  }

  /** The track that is heard. @returns {import("./types.js").GridTrack} */
  get heard() {
    return this.isComparing ? "before" : this.soloed ? "solo" : "edited";
  }

  /** What is heard alone. */
  get soloed() {
    return this.maker.soloed;
  }

  get seconds() {
    return this.value.columns * this.value.column_seconds;
  }

  /** Whether the page makes the sound itself; then the server need not. */
  get isLocal() {
    return this.maker.source.isLocal;
  }

  /** The edited sound; null until all of it was there once. */
  get samples() {
    const tape = this.maker.tapes.edited;
    return tape?.isFull ? tape.samples : null;
  }

  /** The ranges of frames of the edited sound that must be made. */
  get stale() {
    return this.maker.tapes.edited?.stale ?? [];
  }

  /**
   * Show a new grid, of another clip or the same; playback ends.
   * @param {import("./types.js").GridValue} value
   * @param {boolean} isAnother
   * @param {import("./grid_codes.js").GridCodes} codes
   */
  take(value, isAnother, codes) {
    const { soloed } = this;
    this.value = value;
    this.playing = null;
    this.isComparing = false;
    this.deck.clear(...(isAnother ? [] : ["before"]));
    this.maker.take(value, codes, isAnother ? undefined : this.maker.tapes.before);
    this.deck.load("edited", /** @type {Tape} */ (this.maker.tapes.edited));
    if (soloed && !isAnother) this.solo(soloed);
  }

  // ---- edits

  /**
   * Codes have changed on this page. The page's codec makes their sound at once; the server's sound comes with its answer.
   * @param {import("./grid_codes.js").GridCodes} codes
   * @param {import("./grid_codes.js").Put[]} puts
   * @param {{isHeard: boolean, isStroke: boolean}} how whether to play the edited place if nothing else plays
   */
  change(codes, puts, { isHeard, isStroke }) {
    const { source, tapes } = this.maker;
    if (!puts.length || codes !== this.maker.codes || !(source instanceof PageSource)) return;
    const change = source.put(puts);
    const runs = runsOf(puts.map(([position]) => position % codes.columns));
    for (const run of runs)
      for (const tape of [tapes.edited, tapes.solo]) tape?.outdate(source.heardFrames(run), change);
    const { time_stride } = this.value;
    const [begin] = runs[0];
    const [, end] = source.heardFrames(/** @type {Range} */ (runs.at(-1)));
    const most = begin * time_stride + Math.round((EDIT_SECONDS * this.value.sample_rate) / HOP);
    /** @type {Range} */
    const place = [begin * time_stride, Math.min(end, most)];
    const isHeardAlready = isStroke && this.playing === "edit"; // then what comes next for the ear is made first
    const next = Math.floor((this.deck.moment * this.value.sample_rate) / HOP);
    this.maker.edit = isHeardAlready ? [Math.min(next, place[0]), place[1]] : place;
    this.maker.stopJob();
    void this.maker.make(); // before all that takes time on this page
    if (isHeard) this.#hearPlace(place, isStroke, change);
  }

  /**
   * Take the sound that the server's answer to an edit brings.
   * @param {import("./types.js").EditAnswer} answer
   * @param {boolean} isHeard whether to play the edited place
   */
  async answered({ positions, start, flac, stale, version }, isHeard) {
    const { value } = this;
    const samples = flac ? (await decode(flac, value.sample_rate)).getChannelData(0) : null;
    const tape = this.maker.tapes.edited;
    if (!tape || value !== this.value || this.isLocal) return;
    this.maker.tapes.solo?.outdate([0, tape.frames], 0);
    const column = Math.min(...(positions ?? [0]).map((position) => position % value.columns));
    for (const [first, last] of stale) tape.outdate([Math.floor(first / HOP), Math.ceil(last / HOP)], version);
    if (samples?.length) {
      const first = Math.floor(start / HOP);
      const last = first + Math.ceil(samples.length / HOP);
      tape.outdate([first, last], version);
      for (const [from, to] of tape.write(first, samples, version)) this.deck.written("edited", from, to);
      /** @type {Range} */
      const place = [Math.max(first, column * this.value.time_stride), last];
      if (isHeard && this.soloed) this.maker.edit = place; // the answer has nothing of what is heard alone
      if (isHeard) this.#hearPlace(place, false);
    }
    const [first] = stale;
    if (!samples && first) {
      // The page has asked for no sound, but its own codec has failed meanwhile.
      this.maker.edit = [column * this.value.time_stride, Math.ceil(first[1] / HOP)];
      if (isHeard) this.#hearPlace(this.maker.edit, false);
    }
    if (this.playing === "all" || this.maker.edit) void this.maker.make();
  }

  /**
   * Play some columns whose faders were moved, unless the clip plays or the server makes the sound, which comes later.
   * @param {Range} columns ends are included
   * @param {boolean} isHeard whether edits are heard
   */
  hearColumns([first, last], isHeard) {
    if (!isHeard || !this.isLocal) return;
    const most = first * this.value.time_stride + Math.round((EDIT_SECONDS * this.value.sample_rate) / HOP);
    this.#hearPlace([first * this.value.time_stride, Math.min((last + 1) * this.value.time_stride, most)], false);
    void this.maker.make();
  }

  /**
   * Hear a region alone, or all again. It is for listening only: no code or fader changes.
   * @param {import("./types.js").Solo | null} region
   */
  solo(region) {
    sound.wake(this.value.sample_rate);
    this.maker.solo(region);
    const tape = this.maker.tapes.solo;
    if (tape) this.deck.load("solo", tape);
    if (this.deck.isPlaying) this.deck.hear(this.heard);
    void this.maker.make();
  }

  /**
   * Play an edited place, unless the clip plays.
   * @param {Range} frames
   * @param {boolean} isStroke whether the brush is still moving: what plays then goes on to the new place
   * @param {number} [since] number of the change that is to be heard; later ones may follow while it plays
   */
  #hearPlace([first, last], isStroke, since) {
    if (this.isComparing || this.playing === "all") return;
    const [from, to] = [first, last].map((frame) => Math.min(frame * HOP, this.value.samples) / this.value.sample_rate);
    if (from >= to) return;
    if (isStroke && this.playing === "edit" && from >= this.deck.moment) {
      this.deck.extend(to);
      return;
    }
    this.playing = "edit";
    this.editStart = from;
    this.deck.play(this.heard, { from, to, since });
  }

  /**
   * A part of the edited sound, made first where it is missing; null if it cannot be made.
   * @param {Range} samples first, and the one after the last
   */
  async whole([first, stop]) {
    const tape = this.maker.tapes.edited;
    const { value, deck } = this;
    const { moment } = deck;
    const missing = () => tape?.missing([Math.floor(first / HOP), Math.ceil(stop / HOP)]);
    for (let gap = missing(); gap && value === this.value; gap = missing()) {
      this.maker.edit = [gap[0], Math.ceil(stop / HOP)];
      void this.maker.make();
      await this.maker.nextPart();
      if (!this.maker.isMaking && missing()) return null;
    }
    if (!deck.isPlaying) deck.moment = moment;
    return tape && value === this.value ? tape.samples.slice(first, stop) : null;
  }

  // ---- playing

  /**
   * Play the clip, or a part of it in a loop, as soon as its sound is there.
   * @param {Span | null} part the part to loop; null for the whole clip
   * @param {number} from in seconds
   */
  play(part, from = this.deck.moment) {
    const loop = this.isLooping ? (part ?? [0, this.seconds]) : null;
    this.playing = "all";
    this.round = loop;
    const track = this.heard;
    const start = startWithin(from, loop ?? [0, this.seconds]);
    this.deck.play(track, { from: start, to: this.seconds, loop, mayBeOld: true });
    if (this.isLocal) this.maker.stopJob(); // what is needed now may lie elsewhere
    void this.maker.make();
    if (this.deck.isWaiting && !this.isLocal) void this.#tellWhileWaiting();
  }

  async #tellWhileWaiting() {
    this.page.tell(ON_ITS_WAY);
    while (this.deck.isWaiting && this.maker.isMaking) await this.maker.nextPart();
    if (!this.deck.isWaiting) this.page.tell("");
    else this.deck.pause();
  }

  /**
   * @param {Span | null} part the part to loop; null for the whole clip
   * @param {number} [cursor] start in seconds; without it, playback continues from the pause
   */
  playOrPause(part, cursor) {
    if (this.playing === "all") this.deck.pause();
    else this.play(part, cursor !== undefined && this.isLooping && part ? part[0] : cursor);
  }

  /** @param {Span | null} part */
  switchLoop(part) {
    this.isLooping = !this.isLooping;
    if (this.playing === "all") this.play(part);
  }

  /**
   * Switch between the sound before the edits and the edited sound, and play it.
   * @param {Span | null} part
   */
  async compare(part) {
    const { value } = this;
    sound.wake(value.sample_rate); // before any wait: browsers allow sound only right after a press
    if (!this.isComparing && !(await this.#getBefore())) return;
    if (value !== this.value) return;
    this.isComparing = !this.isComparing;
    this.deck.hear(this.heard);
    void this.maker.make();
    this.page.changed();
    if (!this.playing) this.play(part);
  }

  /** Have the sound before the edits made at the playhead. @returns {Promise<boolean>} whether it is there */
  async #getBefore() {
    const { value } = this;
    this.maker.tapes.before ??= new Tape(value.samples);
    const tape = this.maker.tapes.before;
    this.deck.load("before", tape);
    this.maker.wanted = "before";
    const sample = () => Math.min(Math.round(this.deck.moment * value.sample_rate), value.samples - 1);
    void this.maker.make();
    while (value === this.value && this.maker.isMaking && tape.freshUntil(sample()) <= sample())
      await this.maker.nextPart();
    this.maker.wanted = null;
    return value === this.value && tape.freshUntil(sample()) > sample();
  }

  /** Let sound be heard from now on; must be called after a press that browsers take as a permission. */
  wake() {
    sound.wake(this.value.sample_rate);
  }

  /** Stop at the end, and have made what will be needed; must be called again and again during playback. */
  follow() {
    this.deck.stopAtEnd(this.playing === "edit" ? this.editStart : 0);
    this.maker.goOn();
  }

  /**
   * Play a single code.
   * @param {number} level
   * @param {number} code
   */
  async audition(level, code) {
    const { sample_rate } = this.value;
    sound.wake(sample_rate);
    const source = this.maker.source;
    try {
      const samples = await source.audition(level, code).catch((error) => {
        if (error instanceof Refused) throw error;
        return new ServerSource(this.value, this.server).audition(level, code);
      });
      playOnce(samples, sample_rate);
    } catch (error) {
      if (error instanceof Refused) this.page.refused(error.refusal);
      else this.page.tell(NOT_HEARD.error);
    }
  }
}
