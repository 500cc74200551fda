// @ts-check
// The code grid's sound: fetches, plays and loops it, and mends it after edits.

import { startWithin } from "./axes.js";
import { Deck } from "./deck.js";
import { Pieces } from "./pieces.js";
import { answerTo, isRefusal } from "./server.js";
import { decode, silentBuffer, sound } from "./sound.js";

/** @typedef {import("./types.js").GridTrack} GridTrack */
/** @typedef {import("./axes.js").Span} Span */

const NOT_HEARD = "The sound did not arrive; please try again.";

export class GridSound {
  isComparing = false; // whether the sound before the edits plays
  isWhole = false; // whether the edited sound was complete once
  /** @type {"all" | "edit" | null} what plays: the clip, or only an edited place */
  playing = null;
  isLooping = false;
  #generation = 0; // counts the clips, so that answers for an earlier clip are dropped
  /** @type {Partial<Record<GridTrack, Promise<void>>>} tracks that are being fetched */
  #fetching = {};

  /**
   * @param {import("./types.js").GridValue} value
   * @param {import("./types.js").GridServer} server
   * @param {{changed: () => void, tell: (words: string) => void, refused: (refusal: import("./types.js").Refusal) => void}} page
   */
  constructor(value, server, page) {
    this.value = value;
    this.server = server;
    this.page = page;
    this.pieces = new Pieces(value);
    this.deck = new Deck(value.sample_rate, () => {
      if (!this.deck.isPlaying) this.playing = null;
      page.changed();
    });
  }

  get seconds() {
    return this.value.columns * this.value.column_seconds;
  }

  /** The edited sound; null until it is complete. */
  get samples() {
    return this.isWhole ? (this.deck.bufferOf("edited")?.getChannelData(0) ?? null) : null;
  }

  /**
   * Show a new grid, of another clip or the same; playback ends.
   * @param {import("./types.js").GridValue} value
   * @param {boolean} isAnother
   */
  take(value, isAnother) {
    this.value = value;
    this.#generation += 1;
    this.#fetching = {};
    this.isComparing = this.isWhole = false;
    this.deck.clear(...(isAnother ? [] : ["before"]));
    this.playing = null;
    this.pieces = new Pieces(value);
    this.deck.load("edited", silentBuffer(value.samples, value.sample_rate));
    void this.fetchTrack("edited");
  }

  /**
   * Fetch the missing pieces of a track; simultaneous calls share one promise.
   * @param {GridTrack} name
   */
  fetchTrack(name) {
    const under = this.#fetching[name];
    if (under) return under;
    const mine = (name === "edited" ? this.#freshen() : this.#fetchBefore()).finally(() => {
      if (this.#fetching[name] === mine) delete this.#fetching[name];
    });
    this.#fetching[name] = mine;
    return mine;
  }

  async #fetchBefore() {
    const { samples, sample_rate, pieces, piece_samples } = this.value;
    const whole = silentBuffer(samples, sample_rate);
    for (let piece = 0; piece < pieces; piece++) {
      const part = await this.#fetchPiece("before", piece);
      if (!part) return;
      whole.copyToChannel(part.samples.subarray(0, samples - piece * piece_samples), 0, piece * piece_samples);
      this.#tellProgress(piece + 1, pieces);
    }
    this.deck.load("before", whole);
  }

  // Edits may continue meanwhile: a piece that an edit outdates is fetched again.
  async #freshen() {
    const { pieces } = this;
    let done = 0;
    while (pieces.stale.size) {
      const piece = pieces.take();
      const part = await this.#fetchPiece("edited", piece);
      if (!part) {
        pieces.stale.add(piece);
        return;
      }
      const patches = pieces.arrived(piece, part.samples, part.version);
      await Promise.all(patches.map((patch) => this.deck.write("edited", patch)));
      if (pieces !== this.pieces) return;
      this.#tellProgress(++done, done + pieces.stale.size);
    }
    this.isWhole = true;
    pieces.forgetKept();
  }

  /**
   * @param {GridTrack} track
   * @param {number} piece
   */
  async #fetchPiece(track, piece) {
    const mine = this.#generation;
    const answer = await answerTo(this.server.sound({ work: this.value.work, track, piece }));
    if (mine !== this.#generation) return null;
    if (isRefusal(answer)) {
      this.page.refused(answer);
      return null;
    }
    const buffer = await decode(answer.flac, this.value.sample_rate).catch(() => null);
    if (mine !== this.#generation) return null;
    if (!buffer) this.page.tell(NOT_HEARD);
    return buffer && { samples: buffer.getChannelData(0), version: answer.version ?? 0 };
  }

  /**
   * @param {number} done
   * @param {number} all
   */
  #tellProgress(done, all) {
    if (all > 1) this.page.tell(done < all ? `Fetching the sound: ${Math.round((100 * done) / all)} %` : "");
  }

  /**
   * Play the clip, or a part of it in a loop.
   * @param {Span | null} part the part to loop; null for the whole clip
   * @param {number} from in seconds
   */
  async play(part, from = this.deck.moment) {
    const { value } = this;
    sound.wake(value.sample_rate); // before any wait: browsers allow sound only right after a press
    if (!this.isWhole || this.pieces.stale.size) await this.fetchTrack("edited");
    if (value !== this.value || !this.isWhole || this.pieces.stale.size) return;
    const loop = this.isLooping ? (part ?? [0, this.seconds]) : null;
    this.playing = "all";
    this.deck.play(this.isComparing ? "before" : "edited", {
      from: startWithin(from, loop ?? [0, this.seconds]),
      to: this.seconds,
      loop,
    });
  }

  /**
   * @param {Span | null} part the part to loop; null for the whole clip
   * @param {number} [cursor] start in seconds; without it, playback continues from the pause
   */
  playOrPause(part, cursor) {
    if (this.playing === "all") this.deck.pause();
    else void this.play(part, cursor !== undefined && this.isLooping && part ? part[0] : cursor);
  }

  /** @param {Span | null} part */
  switchLoop(part) {
    this.isLooping = !this.isLooping;
    if (this.playing === "all") void this.play(part);
  }

  /**
   * Switch between the sound before the edits and the edited sound, and play it.
   * @param {Span | null} part
   */
  async compare(part) {
    const { value } = this;
    if (!this.isComparing && !this.deck.bufferOf("before")) await this.fetchTrack("before");
    if (value !== this.value || !this.deck.bufferOf("before")) return;
    this.isComparing = !this.isComparing;
    this.deck.hear(this.isComparing ? "before" : "edited");
    if (!this.isComparing && this.playing === "all" && this.pieces.stale.size) void this.fetchTrack("edited");
    this.page.changed();
    if (!this.playing) await this.play(part);
  }

  /**
   * Mend the sound after an edit, and play the edited place if nothing else plays.
   * @param {import("./pieces.js").VersionedPatch} patch
   * @param {boolean} isPlayed
   */
  async hearEdit(patch, isPlayed) {
    if (this.#fetching.edited) this.pieces.keep(patch);
    await this.deck.write("edited", patch);
    if (!isPlayed || !patch.samples.length || this.isComparing || this.playing === "all" || !this.isWhole) return;
    const { sample_rate } = this.value;
    const from = patch.start / sample_rate;
    this.playing = "edit";
    this.deck.play("edited", { from, to: from + patch.samples.length / sample_rate });
    this.editStart = from;
  }

  editStart = 0;

  /** Stop at the end; must be called for each frame. */
  stopAtEnd() {
    this.deck.stopAtEnd(this.playing === "edit" ? this.editStart : 0);
  }

  /**
   * Play a single code.
   * @param {number} level
   * @param {number} code
   */
  async audition(level, code) {
    const { sample_rate, work } = this.value;
    sound.wake(sample_rate);
    const answer = await answerTo(this.server.audition({ work, level, code }));
    const buffer = isRefusal(answer) ? null : await decode(answer.flac, sample_rate).catch(() => null);
    if (isRefusal(answer)) this.page.refused(answer);
    else if (buffer) sound.playSingle(buffer);
    else this.page.tell(NOT_HEARD);
  }
}
