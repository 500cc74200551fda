// @ts-check
// The player: tracks of one clip, with a switch between them during playback.
//
// element.player = {loaded(track) -> Float32Array or null, gain_db(track), track, playing, position} for scripts, tests.

import { clamp, showSeconds, startWithin } from "./axes.js";
import { wavOf } from "./bytes.js";
import { Deck } from "./deck.js";
import { drawAgainWith, find, findButton, findInput, saveFile, showPressed } from "./dom.js";
import { followKeys } from "./keys.js";
import { PlayerRow } from "./player_row.js";
import { PlayerState } from "./player_state.js";
import { PlayerTracks } from "./player_tracks.js";
import { sound } from "./sound.js";
import { wholeSound } from "./tape.js";
import { timeline } from "./timeline.js";

/** @typedef {import("./types.js").Component<import("./types.js").PlayerValue, import("./types.js").PlayerServer>} Component */

const SHORT = 30; // longest clip, in seconds, whose tracks are all fetched at the start
const ON_ITS_WAY = "That sound is still on its way; please press again in a moment.";

export class Player {
  /** @type {PlayerRow[]} */
  rows = [];
  isWaiting = false; // whether playback waits for the chosen track's sound
  #frame = 0;

  /** @param {Component} component */
  constructor({ element, props, server }) {
    this.element = element;
    this.props = props;
    this.server = server;
    this.list = find(element, ".tracks");
    this.playButton = findButton(element, ".play");
    this.loopButton = findButton(element, ".loop");
    this.zoomButton = findButton(element, ".zoom");
    this.clock = find(element, ".clock");
    this.message = find(element, ".message");
    const { sample_rate, tracks, seconds } = props.value;
    this.state = new PlayerState(tracks.length, seconds);
    this.deck = new Deck(sample_rate, () => this.show());
    this.deck.linkEnded = () => this.deck.stopAtEnd(this.state.span[0]);
    this.tracks = this.#makeTracks();
    this.#connect(element);
    timeline.follow({ seek: (moment) => this.seek(moment), choose: (one, other) => this.choosePart(one, other) });
    timeline.add(() => this.draw());
    this.take();
  }

  /** @param {HTMLElement} element */
  #connect(element) {
    const { state } = this;
    this.playButton.onclick = () => this.playOrPause();
    this.loopButton.onclick = () => {
      state.isLooping = !state.isLooping;
      if (this.deck.isPlaying) this.play(this.deck.moment);
      this.show();
    };
    find(element, ".compare").onclick = () => this.compare();
    const match = findInput(element, ".match input");
    match.onchange = () => {
      state.isMatched = match.checked;
      this.#setVolumes();
    };
    this.zoomButton.onclick = () => timeline.look(state.span);
    followKeys(element, (key, event) => this.#press(key, event));
    sound.onTrouble((words) => {
      this.message.textContent = words;
    });
    find(element, ".whole").onclick = () => timeline.look([0, state.seconds]);
  }

  /**
   * @param {string} key
   * @param {KeyboardEvent} event
   */
  #press(key, { target, ctrlKey, metaKey, altKey, repeat }) {
    const isInside = target instanceof Node && this.element.contains(target);
    if (ctrlKey || metaKey || altKey || !(key === " " || (key === "x" && isInside))) return false;
    if (!repeat && key === " ") this.playOrPause();
    if (!repeat && key === "x") this.compare();
    return true;
  }

  /** Show another clip, because the value changed. */
  take() {
    const { tracks, seconds } = this.props.value;
    this.deck.clear();
    this.isWaiting = false;
    this.state.take(tracks.length, seconds);
    timeline.begin(seconds);
    this.message.textContent = "";
    this.tracks.isCurrent = false;
    this.tracks = this.#makeTracks();
    this.rows = this.tracks.list.map((track, number) => new PlayerRow(track, number, this));
    this.list.replaceChildren(...this.rows.map((row) => row.element));
    this.show();
    void this.#loadSome();
  }

  #makeTracks() {
    return new PlayerTracks(this.props.value, this.server, {
      arrived: (number) => this.#arrived(number),
      failed: (number, words) => this.#failed(number, words),
      draw: () => this.draw(),
    });
  }

  // The first and the last track come first; in a long clip the others are fetched on demand.
  async #loadSome() {
    const { tracks, state } = this;
    const order = [0, state.tracks - 1, ...(state.seconds <= SHORT ? tracks.list.keys() : [])];
    for (const number of order) if (tracks.isCurrent) await tracks.load(number);
  }

  /** @param {number} number */
  #arrived(number) {
    const { buffer } = this.tracks.list[number];
    if (buffer) this.deck.load(number, wholeSound(buffer.getChannelData(0)));
    this.#setVolumes();
    if (this.isWaiting && number === this.state.current) this.play();
    this.draw();
  }

  /**
   * @param {number} number
   * @param {string} words
   */
  #failed(number, words) {
    this.message.textContent = words;
    if (this.isWaiting && number === this.state.current) this.pause();
    this.draw();
  }

  #setVolumes() {
    this.tracks.list.forEach(({ gainDb }, number) => {
      this.deck.setVolume(number, this.state.volumeOf(gainDb));
    });
  }

  get isPlaying() {
    return this.deck.isPlaying || this.isWaiting;
  }

  /** @param {number} from start in seconds */
  play(from = this.deck.moment) {
    const { state, deck } = this;
    const start = startWithin(from, state.span);
    sound.wake(deck.sampleRate); // before any wait: browsers allow sound only right after a press
    this.isWaiting = !this.tracks.list[state.current].buffer;
    if (this.isWaiting) {
      deck.pause();
      deck.moment = start;
      void this.tracks.load(state.current);
      this.show();
    } else {
      deck.play(state.current, { from: start, to: state.span[1], loop: state.isLooping ? state.span : null });
    }
  }

  pause() {
    this.isWaiting = false;
    this.deck.pause();
    this.show();
  }

  playOrPause() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  /** @param {number} number index of the track to play */
  select(number) {
    const { state, deck } = this;
    if (number < 0 || number >= state.tracks) return;
    state.current = number;
    this.message.textContent = "";
    if (this.isPlaying && (this.isWaiting || !this.tracks.list[number].buffer)) this.play();
    else if (deck.isPlaying) deck.hear(number);
    void this.tracks.load(number);
    this.show();
  }

  /**
   * Choose a part of the clip to play; nothing if the moments are too close.
   * @param {number} one in seconds
   * @param {number} other
   */
  choosePart(one, other) {
    this.state.choosePart(one, other);
    if (this.state.part && !this.isPlaying) this.deck.moment = this.state.part[0];
    this.show();
  }

  compare() {
    this.select(this.state.toCompare());
  }

  /** @param {number} moment in seconds */
  seek(moment) {
    const to = clamp(moment, 0, this.state.seconds);
    if (this.isPlaying) this.play(to);
    else this.deck.moment = to;
    this.draw();
  }

  /** @param {number} number index of the track to save */
  async download(number) {
    const { tracks } = this;
    await tracks.load(number);
    const { buffer, file } = tracks.list[number];
    if (buffer) saveFile(wavOf(buffer.getChannelData(0), buffer.sampleRate), "audio/wav", file);
    else this.message.textContent ||= ON_ITS_WAY;
  }

  /** Update everything that may have changed. */
  show() {
    const { state } = this;
    for (const row of this.rows) row.show(row.number === state.current);
    this.playButton.textContent = this.isPlaying ? "Pause" : "Play";
    this.playButton.setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
    showPressed(this.loopButton, state.isLooping);
    this.zoomButton.disabled = !state.part;
    this.draw();
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
      if (!this.isPlaying) return;
      if (!this.element.isConnected) this.pause();
      else {
        this.deck.stopAtEnd(this.state.span[0]);
        this.draw();
      }
    });
  }

  #paint() {
    const { seconds, part, current } = this.state;
    const { moment } = this.deck;
    if (moment !== timeline.moment || part !== timeline.part || current !== timeline.track) {
      timeline.show({ moment, part, track: current });
    }
    if (this.isPlaying) timeline.followMoment();
    for (const row of this.rows) row.draw(moment, timeline.view, part, row.number === current);
    const chosen = part ? `, selected ${showSeconds(part[0])} to ${showSeconds(part[1])}` : "";
    this.clock.textContent = `${showSeconds(moment)} of ${showSeconds(seconds)}${chosen}`;
  }
}

/** @param {Component} component */
export function mount(component) {
  const { element, watch } = component;
  const player = new Player(component);
  Object.assign(element, {
    player: {
      loaded: (/** @type {number} */ number) => player.tracks.list[number]?.buffer?.getChannelData(0) ?? null,
      gain_db: (/** @type {number} */ number) => player.tracks.list[number].gainDb,
      get track() {
        return player.state.current;
      },
      get playing() {
        return player.isPlaying;
      },
      get position() {
        return player.deck.moment;
      },
    },
  });
  watch("value", () => {
    if (component.props.value) player.take();
  });
  drawAgainWith(element, () => player.draw());
}
