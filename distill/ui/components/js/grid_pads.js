// @ts-check
// Plays the code grid: letter keys, pads on the screen and MIDI play codes, parts of the clip, or other clips. While
// Rec is on, what is played is written into the grid, as one edit.

import { slicesOf, snapped, unitOf } from "./beats.js";
import { codesInOrder } from "./code_tiles.js";
import { find, findButton, followChoice, showPressed } from "./dom.js";
import { editsWaiting } from "./edits_waiting.js";
import { HeldNotes } from "./held_notes.js";
import { hasMidi, listenToMidi } from "./midi.js";
import { makePad } from "./pad_button.js";
import { PadClips } from "./pad_clips.js";
import { PadSounds } from "./pad_sounds.js";
import { columnOf, KEYS, padOfKey, putsOfCode, putsOfPiece, recordWords, Take } from "./pads.js";
import { Seen } from "./seen.js";
import { codesIn, parts } from "./selection.js";

/** @typedef {"off" | "codes" | "columns" | "clips"} Mode */

const ROW_ENDS = [10, 19, 26]; // pads up to the end of each row of letters

export class GridPads {
  /** @type {Mode} */
  mode = "off";
  isRecording = false;
  bank = 0; // number of the first pad's code, part or clip
  sounds = new PadSounds();
  #take = new Take();
  #held;
  #wasPlaying = false;
  #built = "";
  #shown = new Seen();
  #sliced = new Seen();
  /** @type {[number, number][]} */
  #lastSlices = [];
  /** @type {(() => void) | null} */
  #endMidi = null;

  /** @param {import("./code_grid.js").CodeGrid} grid */
  constructor(grid) {
    const { element } = grid;
    this.grid = grid;
    this.clips = new PadClips(grid);
    this.#held = new HeldNotes(grid, (puts) => this.#put(puts));
    this.element = find(element, ".pads");
    this.board = find(element, ".pad-board");
    this.choice = /** @type {HTMLSelectElement} */ (find(element, ".keys-mode"));
    this.record = findButton(element, ".rec");
    this.recordWords = find(element, ".rec-words");
    this.midi = findButton(element, ".midi");
    const clips = /** @type {HTMLOptionElement} */ (find(element, ".keys-mode [value=clips]"));
    if (typeof grid.server.clip_names !== "function") clips.remove();
    this.midi.hidden = !hasMidi();
    followChoice(this.choice, grid.canvas, () => void this.choose(/** @type {Mode} */ (this.choice.value)));
    this.record.onclick = () => this.switchRecord();
    this.midi.onclick = () => void this.#switchMidi();
    findButton(element, ".bank-down").onclick = () => this.turn(-KEYS.length);
    findButton(element, ".bank-up").onclick = () => this.turn(KEYS.length);
    document.addEventListener("keyup", (event) => this.release(padOfKey(event.code), event.timeStamp));
    window.addEventListener("blur", () => this.#held.releaseAll());
    editsWaiting.onSettling(() => this.finish());
  }

  // ---- what the pads are

  /** Another clip is open. */
  take() {
    this.sounds.stop();
    this.sounds.clear();
    this.clips.clear();
    this.#held.clear();
    this.#take = new Take();
    this.bank = 0;
    this.#built = "";
    this.#shown.forget();
    if (this.mode === "clips") void this.clips.fetchNames().then(() => this.#prepare());
  }

  /** @param {Mode} mode */
  async choose(mode) {
    this.mode = mode;
    this.bank = 0;
    this.sounds.stop();
    this.#held.releaseAll();
    if (mode === "off" && this.isRecording) this.switchRecord();
    if (mode === "clips") await this.clips.fetchNames();
    this.grid.show();
    void this.#prepare();
  }

  /** @param {number} by pads */
  turn(by) {
    if (this.bank + by >= this.count) return;
    this.bank = Math.max(0, this.bank + by);
    this.grid.show();
    void this.#prepare();
  }

  /** How many things there are to play. */
  get count() {
    const { value } = this.grid;
    if (this.mode === "codes") return value.size;
    if (this.mode === "clips") return this.clips.names.length;
    return this.mode === "columns" ? this.#slices.length : 0;
  }

  /** The parts of the clip that pads play, as first and last columns. */
  get #slices() {
    const { grid } = this;
    const { beat } = grid;
    if (this.#sliced.isNew(grid.value, beat.beat, beat.snap, beat.loop, grid.state.selection))
      this.#lastSlices = slicesOf(beat.measure, grid.part?.[0] ?? null);
    return this.#lastSlices;
  }

  /** @param {number} pad @returns {string} its name; "" where it has nothing to play */
  #nameOf(pad) {
    const { value, state, pictures } = this.grid;
    const number = this.bank + pad;
    if (number >= this.count) return "";
    if (this.mode === "codes") return String(codesInOrder(pictures, state.level, value.size)[number]);
    if (this.mode === "clips") return this.clips.names[number].name.replace(/\.[^.]*$/, "");
    return (this.#slices[number][0] * value.column_seconds).toFixed(2);
  }

  /** Have the sounds of the pads in view made ahead, so that they sound at once. */
  async #prepare() {
    const { mode, bank } = this;
    const { work } = this.grid.value;
    if (mode !== "codes" && mode !== "clips") return;
    for (const pad of KEYS.keys()) {
      if (mode !== this.mode || bank !== this.bank || work !== this.grid.value.work || !this.element.isConnected)
        return;
      if (!this.#nameOf(pad)) return;
      await (mode === "codes" ? this.#codeSound(this.#codeOf(pad)) : this.#clipSound(bank + pad));
    }
  }

  /** @param {number} pad */
  #codeOf(pad) {
    const { state, value, pictures } = this.grid;
    return codesInOrder(pictures, state.level, value.size)[this.bank + pad];
  }

  /** @param {number} code of the chosen level */
  #codeSound(code) {
    const { state, sound } = this.grid;
    const { level } = state;
    return this.sounds.of(`${level} ${code}`, () => sound.maker.source.audition(level, code));
  }

  /** @param {number} number of the clip */
  #clipSound(number) {
    return this.clips.soundOf(this.clips.names[number].id, this.sounds);
  }

  // ---- playing

  /**
   * A key goes down.
   * @param {KeyboardEvent} event
   * @returns {boolean} whether it is a pad's
   */
  press({ code, repeat, timeStamp }) {
    const pad = padOfKey(code);
    if (this.mode === "off" || pad < 0) return false;
    if (!repeat) this.hit(pad, 1, timeStamp);
    return true;
  }

  /**
   * @param {number} pad
   * @param {number} force 0 to 1
   * @param {number} [time] of the press, in milliseconds of the page
   */
  hit(pad, force = 1, time = performance.now()) {
    const { grid } = this;
    if (this.mode === "off" || pad < 0 || this.bank + pad >= this.count) return;
    this.release(pad, time);
    const moment = this.#held.heardAt(time);
    grid.sound.wake();
    void this.#sound(pad, force);
    if (this.isRecording) this.#write(pad, moment, time);
    this.board.children[pad]?.classList.add("hit");
  }

  /** @param {number} pad @param {number} force */
  async #sound(pad, force) {
    const { grid, mode, bank } = this;
    const { value } = grid;
    const { stops } = this.sounds;
    let samples = null;
    if (mode === "codes") samples = await this.#codeSound(this.#codeOf(pad));
    else if (mode === "clips") samples = await this.#clipSound(bank + pad);
    else {
      const [first, last] = this.#slices[bank + pad];
      const [from, to] = [first, last + 1].map((column) =>
        Math.round(column * value.column_seconds * value.sample_rate),
      );
      samples = await grid.sound.whole([from, Math.min(to, value.samples)]);
    }
    if (samples?.length && value === grid.value && stops === this.sounds.stops)
      this.sounds.play(pad, samples, value.sample_rate, force);
  }

  /** @param {number} pad @param {number} [time] in milliseconds of the page */
  release(pad, time = performance.now()) {
    this.board.children[pad]?.classList.remove("hit");
    this.#held.release(pad, time);
  }

  // ---- recording

  switchRecord() {
    const { grid } = this;
    if (this.mode === "off" && !this.isRecording) {
      this.choice.value = "codes";
      void this.choose("codes");
    }
    this.isRecording = !this.isRecording;
    if (!this.isRecording) {
      this.finish();
      this.#held.clear();
    }
    grid.tell("");
    grid.show();
  }

  /** Whether something was played that is no edit yet. */
  get isUnsent() {
    return !this.#take.isEmpty;
  }

  /**
   * @param {number} pad
   * @param {number} moment at which it was played, in seconds
   * @param {number} time of the press, in milliseconds of the page
   */
  #write(pad, moment, time) {
    const { grid } = this;
    const { state } = grid;
    const isRunning = this.#held.isRunning;
    const column = isRunning ? this.#held.columnAt(moment) : state.cursor.column;
    const { codes, level, selection } = state;
    const rows = /** @type {[number, number]} */ (selection?.rows ?? [0, codes.rows - 1]);
    let wide = 1;
    if (this.mode === "codes") {
      const code = this.#codeOf(pad);
      this.#put(putsOfCode(codes, { level, code, rows }, [column, column]));
      if (isRunning) this.#held.hold(pad, { column, time, code, level, rows });
    } else {
      const piece = this.#pieceOf(pad);
      if (!piece) return; // the clip's codes are still on their way
      wide = piece[0][0].length;
      this.#put(putsOfPiece(codes, piece, column));
    }
    if (!isRunning) this.#stepOn(wide);
  }

  /** Move the cursor on after a key that is written without playing: to the next line while the beat snaps. */
  #stepOn(/** @type {number} */ wide) {
    const { grid } = this;
    const { state, beat, value } = grid;
    const { measure } = beat;
    const next = state.cursor.column + wide;
    const moment = state.cursor.column * value.column_seconds + unitOf(measure.beat, measure.snap);
    const line = measure.snap === "off" ? next : columnOf(snapped(measure, moment), { ...measure, loop: null });
    state.cursor = { ...state.cursor, column: Math.min(value.columns - 1, Math.max(next, line)) };
    grid.scrollToCursor();
    grid.show();
  }

  /** @param {number} pad @returns {import("./pads.js").Codes | null} */
  #pieceOf(pad) {
    const { codes } = this.grid.state;
    const levels = /** @type {[number, number]} */ ([0, codes.levels - 1]);
    const rows = /** @type {[number, number]} */ ([0, codes.rows - 1]);
    if (this.mode === "columns")
      return codesIn(codes.indices, codes, { levels, rows, columns: this.#slices[this.bank + pad] });
    return this.clips.codesOf(this.clips.names[this.bank + pad].id);
  }

  /** @param {import("./grid_codes.js").Put[]} puts */
  #put(puts) {
    const { state } = this.grid;
    this.#take.add(puts);
    const { hearsEdits } = state;
    state.hearsEdits = false; // the pad is heard already
    state.codes.put(puts);
    state.hearsEdits = hearsEdits;
    this.grid.draw();
  }

  /** What was played since the record began becomes an edit. Notes that are held go on while the clip runs. */
  finish() {
    this.#held.write();
    if (this.#take.isEmpty) return;
    const { grid } = this;
    const { state, value } = grid;
    const { puts } = this.#take;
    this.#take = new Take();
    for (const some of parts(puts, value.edit_cells)) {
      const notes = Take.notes(some, (position) => state.codes.placeOf(position));
      grid.editor.edit({ kind: "play", notes }, some);
    }
  }

  // ---- MIDI

  async #switchMidi() {
    const { grid } = this;
    if (this.#endMidi) {
      this.#endMidi();
      this.#endMidi = null;
      grid.tell("");
    } else {
      if (this.mode === "off") {
        this.choice.value = "codes";
        await this.choose("codes");
      }
      const { words, stop } = await listenToMidi((pad, force, time) =>
        force ? this.hit(pad, force, time) : this.release(pad, time),
      );
      this.#endMidi = stop;
      grid.tell(words);
    }
    showPressed(this.midi, this.#endMidi !== null);
  }

  // ---- showing

  #showRecord() {
    const { recordWords: line, mode } = this;
    const { value, state } = this.grid;
    line.hidden = !this.isRecording;
    const words = recordWords({
      level: mode === "codes" ? value.levels[state.level] : "",
      isInBands: mode === "codes" && state.selection !== null,
      isRunning: this.#held.isRunning,
    });
    if (line.textContent !== words) line.textContent = words; // a screen reader says each change
  }

  show() {
    const { grid } = this;
    const wasPlaying = this.#wasPlaying;
    this.#wasPlaying = this.#held.isRunning;
    if (wasPlaying && !this.#held.isRunning) this.finish();
    showPressed(this.record, this.isRecording);
    this.record.classList.toggle("recording", this.isRecording);
    this.#showRecord();
    this.element.hidden = this.mode === "off";
    if (this.mode === "off") return;
    const { value, state, beat, pictures } = grid;
    const seen = [this.mode, this.bank, this.clips.names, value, state.level, pictures];
    const cuts = this.mode === "columns" ? [beat.beat, beat.snap, beat.loop, state.selection] : [];
    if (!this.#shown.isNew(...seen, ...cuts)) return;
    const filled = Math.min(KEYS.length, this.count - this.bank);
    const rows = ROW_ENDS.find((end) => end >= filled) ?? KEYS.length;
    const names = KEYS.slice(0, rows).map((_, pad) => this.#nameOf(pad));
    const built = JSON.stringify([this.mode, this.bank, state.level, names]);
    if (built === this.#built) return;
    this.#built = built;
    this.board.replaceChildren(...names.map((name, pad) => makePad(this, name, pad)));
    find(grid.element, ".banks").hidden = this.count <= KEYS.length;
    findButton(grid.element, ".bank-down").disabled = this.bank === 0;
    findButton(grid.element, ".bank-up").disabled = this.bank + KEYS.length >= this.count;
  }
}
