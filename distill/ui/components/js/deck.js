// @ts-check
// A deck plays one of several tracks of a clip. It switches to another track, or to edited samples, without a click.

import { clamp, momentInLoop } from "./axes.js";
import { wait } from "./server.js";
import { silentBuffer, sound } from "./sound.js";
import { samplesAhead, writePatch } from "./splice.js";

/** @typedef {import("./axes.js").Span} Span */
/** @typedef {{buffer: AudioBuffer, volume: number}} Track */
/** @typedef {{source: AudioBufferSourceNode, fadeOut: GainNode, volume: GainNode, end: number}} Voice in playback */

const FADE = 0.008; // seconds of the cross-fade between two voices
const LEAD = 0.06; // seconds before a change takes effect: the browser renders sound that far ahead
const LOOKS = 100; // most polls of the sound's clock, 10 ms apart
const STAND_IN = 2; // seconds of a track that play from a copy meanwhile

export class Deck {
  /** @type {Map<string | number, Track>} */
  #tracks = new Map();
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Voice | null} */
  #voice = null;
  /** @type {string | number | null} */
  #heard = null;
  #origin = 0; // context time of the clip's first sample
  #moment = 0; // position in seconds while nothing plays
  #end = 0;
  /** @type {Span | null} */
  #loop = null;
  /** @type {Span | null} */
  #voiceLoop = null; // the loop, cut at the end of the track
  /** @type {Promise<void>} */
  #writing = Promise.resolve();
  #waiting = 0; // number of patches that are not written yet
  #engine;

  /**
   * @param {number} sampleRate
   * @param {() => void} changed called when the deck starts or stops by itself
   * @param {import("./sound.js").Sound} engine
   */
  constructor(sampleRate, changed, engine = sound) {
    this.sampleRate = sampleRate;
    this.changed = changed;
    this.#engine = engine;
  }

  get isPlaying() {
    return this.#voice !== null;
  }

  /** The position in the clip in seconds: of playback, or of the next start. */
  get moment() {
    return this.#context && this.#voice ? this.#momentAt(this.#context.currentTime) : this.#moment;
  }

  set moment(moment) {
    this.#moment = moment;
  }

  /** @param {string | number} name */
  bufferOf(name) {
    return this.#tracks.get(name)?.buffer ?? null;
  }

  /**
   * @param {string | number} name
   * @param {AudioBuffer} buffer
   */
  load(name, buffer) {
    this.#tracks.set(name, { buffer, volume: this.#tracks.get(name)?.volume ?? 1 });
  }

  /** Stop, and drop all tracks except some. */
  clear(/** @type {(string | number)[]} */ ...kept) {
    this.pause();
    this.#moment = 0;
    for (const name of this.#tracks.keys()) if (!kept.includes(name)) this.#tracks.delete(name);
  }

  /**
   * Play a track, and stop all other sound on this page.
   * @param {string | number} name
   * @param {{from: number, to: number, loop?: Span | null}} part in seconds
   */
  play(name, { from, to, loop = null }) {
    const track = this.#tracks.get(name);
    if (!track) return;
    this.#engine.begin(this);
    this.#context = this.#engine.wake(this.sampleRate);
    const when = this.#context.currentTime;
    this.#stopVoice(when);
    this.#loop = loop;
    this.#end = to;
    this.#heard = name;
    this.#startVoice(this.#context, track, from, when);
    this.changed();
  }

  /**
   * Switch to another track at the same position.
   * @param {string | number} name
   */
  hear(name) {
    this.#heard = name;
    const track = this.#tracks.get(name);
    if (this.#context && this.#voice && track) this.#goOver(this.#context, track);
  }

  /**
   * @param {string | number} name
   * @param {number} volume
   */
  setVolume(name, volume) {
    const track = this.#tracks.get(name);
    if (!track) return;
    track.volume = volume;
    if (name !== this.#heard || !this.#voice || !this.#context) return;
    this.#voice.volume.gain.setTargetAtTime(volume, this.#context.currentTime, FADE);
  }

  /**
   * Put samples into a track, also while it plays. The samples are in the track when the promise resolves.
   * @param {string | number} name
   * @param {import("./splice.js").Patch} patch
   */
  write(name, patch) {
    const track = this.#tracks.get(name);
    if (!track) return Promise.resolve();
    if (!this.#waiting && !this.#isHeard(track)) {
      writePatch(track.buffer, patch);
      return Promise.resolve();
    }
    this.#waiting += 1;
    this.#writing = this.#writing.then(async () => {
      await this.#writeHeard(track, patch).catch(() => writePatch(track.buffer, patch));
      this.#waiting -= 1;
    });
    return this.#writing;
  }

  pause() {
    if (!this.#context || !this.#voice) return;
    this.#moment = clamp(this.moment, 0, this.#end);
    this.#stopVoice(this.#context.currentTime);
    this.#voice = null;
    this.changed();
  }

  /**
   * Stop at the end; must be called for each frame.
   * @param {number} back the position after the stop, in seconds
   */
  stopAtEnd(back) {
    if (!this.#voice || this.#loop || this.moment < this.#end) return;
    this.pause();
    this.#moment = back;
  }

  /**
   * Play from a copy while the samples change, because only some browsers play a changed buffer at once.
   * @param {Track} track
   * @param {import("./splice.js").Patch} patch
   */
  async #writeHeard(track, patch) {
    const { buffer } = track;
    if (this.#context && this.#isHeard(track)) {
      const over = this.#context.currentTime + LEAD + 2 * FADE;
      this.#goOver(this.#context, track, (sample) => this.#copyAhead(buffer, sample));
      // Poll the sound's clock: it is late on a busy computer, and stands still without an output device.
      for (let looks = 0; looks < LOOKS && this.isPlaying && this.#context.currentTime < over; looks++) await wait(10);
    }
    writePatch(buffer, patch);
    if (this.#context && this.#isHeard(track)) this.#goOver(this.#context, track);
  }

  /** @param {Track} track */
  #isHeard(track) {
    return this.#voice !== null && this.#heard !== null && this.#tracks.get(this.#heard) === track;
  }

  /**
   * @param {AudioBuffer} buffer
   * @param {number} start
   */
  #copyAhead(buffer, start) {
    const loop = this.#voiceLoop;
    const toSample = (/** @type {number} */ seconds) => Math.round(seconds * buffer.sampleRate);
    const count = toSample(STAND_IN);
    const ahead = samplesAhead(buffer.getChannelData(0), start, count, loop && [toSample(loop[0]), toSample(loop[1])]);
    const copy = silentBuffer(count, buffer.sampleRate);
    copy.copyToChannel(ahead, 0);
    return copy;
  }

  /**
   * Continue with a new voice at the position that the current voice will reach in LEAD seconds.
   * @param {AudioContext} context
   * @param {Track} track
   * @param {(sample: number) => AudioBuffer} [copy] makes the copy that plays instead of the track, from a sample on
   */
  #goOver(context, track, copy) {
    const when = context.currentTime + Math.round(LEAD * context.sampleRate) / context.sampleRate;
    const sample = Math.round(this.#momentAt(when) * this.sampleRate);
    const standIn = copy?.(sample);
    this.#stopVoice(when);
    this.#startVoice(context, track, sample / this.sampleRate, when, standIn);
  }

  /**
   * @param {AudioContext} context
   * @param {Track} track
   * @param {number} moment in the clip, in seconds
   * @param {number} when context time, in seconds
   * @param {AudioBuffer} [standIn] begins at that moment
   */
  #startVoice(context, track, moment, when, standIn) {
    const source = context.createBufferSource();
    const [fadeIn, fadeOut, volume] = [context.createGain(), context.createGain(), context.createGain()];
    const { duration } = track.buffer;
    this.#voiceLoop = this.#loop && [this.#loop[0], Math.min(this.#loop[1], duration)];
    source.buffer = standIn ?? track.buffer;
    if (moment > 0) {
      fadeIn.gain.value = 0; // or a sample could sound before the fade; a clip's start needs no fade
      fadeIn.gain.setValueAtTime(0, when);
      fadeIn.gain.linearRampToValueAtTime(1, when + FADE);
    }
    volume.gain.value = track.volume;
    source.connect(fadeIn).connect(fadeOut).connect(volume).connect(context.destination);
    if (this.#voiceLoop && !standIn) {
      source.loop = true;
      [source.loopStart, source.loopEnd] = this.#voiceLoop;
    }
    source.start(when, standIn ? 0 : moment);
    const voice = { source, fadeOut, volume, end: Number.POSITIVE_INFINITY };
    if (!this.#loop && this.#end < duration) this.#endVoice(voice, Math.max(when, when + this.#end - moment - FADE));
    this.#origin = when - moment;
    this.#voice = voice;
  }

  /** @param {number} when */
  #stopVoice(when) {
    if (this.#voice) this.#endVoice(this.#voice, when);
  }

  /**
   * @param {Voice} voice
   * @param {number} when
   */
  #endVoice(voice, when) {
    if (when >= voice.end) return;
    const { gain } = voice.fadeOut;
    gain.cancelScheduledValues(when);
    gain.setValueAtTime(1, when);
    gain.linearRampToValueAtTime(0, when + FADE);
    voice.source.stop(when + FADE);
    voice.end = when;
  }

  /** @param {number} time context time, in seconds */
  #momentAt(time) {
    return momentInLoop(Math.max(0, time - this.#origin), this.#voiceLoop);
  }
}
