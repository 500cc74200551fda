// @ts-check
// A deck plays one of several tracks of a clip, also while their samples change, and changes over without a click.
//
// A voice is a chain of short buffers, each begun at the sample where the one before it ends. They are copies, so the
// track can be written while it plays; a loop's last sample is followed by its first.

import { clamp, momentInLoop } from "./axes.js";
import { bufferOf, sound } from "./sound.js";

/** @typedef {import("./axes.js").Span} Span */
/**
 * A sound, perhaps in part: its samples and their largest magnitude, and the end of its present sound, and of any
 * sound, from a sample on.
 * @typedef {{samples: Float32Array, peak: number, freshUntil: (sample: number, since?: number) => number, soundUntil: (sample: number) => number}} Playable
 */
/** @typedef {{sound: Playable, volume: number}} Track */
/** @typedef {{source: AudioBufferSourceNode, begin: number}} Link a part of a voice's chain */
/**
 * @typedef {object} Voice in playback; counts context time and position in samples
 * @property {number} begin context time of its first sample
 * @property {number} from position of its first sample in the track
 * @property {number} early samples before its beginning in which the voice before it still plays
 * @property {number} count samples that are handed to the browser
 * @property {number} next position of the sample after them
 * @property {boolean} isOver whether there is nothing after them
 * @property {boolean} mayBeOld whether old sound is played where the present sound is late
 * @property {Link[]} links
 * @property {AudioNode} input
 * @property {GainNode} fadeOut
 * @property {GainNode} volume
 */

const FADE = 0.008; // seconds of the cross-fade between two voices
const START = [0.004, 0.006]; // fewest and most seconds before the first sample of a start
const LEAD = 0.04; // seconds before a change takes effect: the browser renders sound that far ahead
const LINK = 0.25; // seconds of a link
const AHEAD = 1.5; // seconds that are handed to the browser ahead
const LATE = 0.3; // with fewer seconds ahead, old sound is better than none

export class Deck {
  /** @type {Map<string | number, Track>} */
  #tracks = new Map();
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Voice | null} */
  #voice = null;
  isWaiting = false; // whether playback waits for its first sample
  mayBeOld = false;
  #since = Number.POSITIVE_INFINITY; // the change whose sound is present enough
  /** @type {string | number | null} */
  #heard = null;
  #moment = 0; // position in seconds while nothing plays
  #end = 0; // sample
  /** @type {[number, number] | null} in samples */
  #loop = null;
  #engine;
  /** When sound was last handed to the browser after a start or a change, for measurements: the time of the page in
   * milliseconds, the seconds from then to its scheduled start, and the seconds of the browser's own latency. */
  latest = { at: 0, delay: 0, latency: 0 };
  first = this.latest; // the same of the latest start
  /** Called each time that a link has been heard to its end, also in a tab that is out of sight. @type {() => void} */
  linkEnded = () => {};

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
    return this.#voice !== null || this.isWaiting;
  }

  /** The position in the clip in seconds: of playback, or of the next start. */
  get moment() {
    return this.#context && this.#voice ? this.#sampleAt(this.#voice, this.#now) / this.sampleRate : this.#moment;
  }

  set moment(moment) {
    this.#moment = moment;
  }

  /** @param {string | number} name */
  has(name) {
    return this.#tracks.has(name);
  }

  /**
   * @param {string | number} name
   * @param {Playable} playable
   */
  load(name, playable) {
    this.#tracks.set(name, { sound: playable, volume: this.#tracks.get(name)?.volume ?? 1 });
  }

  /** Stop, and drop all tracks except some. */
  clear(/** @type {(string | number)[]} */ ...kept) {
    this.pause();
    this.#moment = 0;
    for (const name of this.#tracks.keys()) if (!kept.includes(name)) this.#tracks.delete(name);
  }

  /**
   * Play a track, and stop all other sound on this page. Playback waits until its first sample is there.
   * @param {string | number} name
   * @param {{from: number, to: number, loop?: Span | null, mayBeOld?: boolean, since?: number}} part in seconds; whether
   *   playback goes on with old sound where the present sound is late; the change whose sound counts as present
   */
  play(name, { from, to, loop = null, mayBeOld = false, since = Number.POSITIVE_INFINITY }) {
    const track = this.#tracks.get(name);
    if (!track) return;
    this.#engine.begin(this);
    this.#context = this.#engine.wake(this.sampleRate);
    this.#stopVoice(this.#now);
    this.#voice = null;
    const { length } = track.sound.samples;
    this.#loop = loop && [this.#toSample(loop[0]), Math.min(this.#toSample(loop[1]), length)];
    this.#end = Math.min(this.#toSample(to), length);
    this.#heard = name;
    this.#moment = from;
    this.mayBeOld = mayBeOld;
    this.#since = since;
    this.isWaiting = true;
    this.#begin();
    this.changed();
  }

  /**
   * Let playback without a loop end later.
   * @param {number} to in seconds
   */
  extend(to) {
    const track = this.#heardTrack;
    if (!track) return;
    this.#end = Math.max(this.#end, Math.min(this.#toSample(to), track.sound.samples.length));
    if (this.#voice) this.#voice.isOver = false;
    this.#goOn();
  }

  /**
   * Switch to another track at the same position.
   * @param {string | number} name
   */
  hear(name) {
    this.#heard = name;
    if (this.isWaiting) this.#begin();
    else if (this.#voice && this.#tracks.has(name)) this.#goOver();
  }

  /**
   * @param {string | number} name
   * @param {number} volume
   */
  setVolume(name, volume) {
    const track = this.#tracks.get(name);
    if (!track) return;
    track.volume = volume;
    if (name === this.#heard) this.#adjust(track);
  }

  /** Let what plays have the volume of its track. @param {Track} track */
  #adjust(track) {
    const context = this.#context;
    if (this.#voice && context) this.#voice.volume.gain.setTargetAtTime(gainOf(track), context.currentTime, FADE);
  }

  /**
   * Take note that samples of a track have changed or have arrived. What plays changes over at once.
   * @param {string | number} name
   * @param {number} start first sample
   * @param {number} stop sample after the last
   */
  written(name, start, stop) {
    const track = this.#heardTrack;
    if (name !== this.#heard || !track) return;
    this.#adjust(track);
    if (this.isWaiting) this.#begin();
    else if (this.#voice && this.#isAhead(this.#voice, start, stop)) this.#goOver();
    else this.#goOn();
  }

  pause() {
    if (!this.isPlaying) return;
    this.#moment = clamp(this.moment, 0, this.#end / this.sampleRate);
    this.#stopVoice(this.#now);
    this.#voice = null;
    this.isWaiting = false;
    this.changed();
  }

  /** Go on in another audio context, because the one before has stopped for good. */
  restart() {
    if (!this.isPlaying) return;
    this.#moment = this.moment;
    for (const { source } of this.#voice?.links ?? []) source.onended = null;
    this.#voice = null;
    this.#context = this.#engine.wake(this.sampleRate);
    this.isWaiting = true;
    this.#begin();
  }

  /**
   * Stop at the end; must be called again and again during playback.
   * @param {number} back the position after the stop, in seconds
   */
  stopAtEnd(back) {
    const voice = this.#voice;
    if (!voice?.isOver || this.#now < voice.begin + voice.count) return;
    this.pause();
    this.#moment = back;
  }

  get #heardTrack() {
    return this.#heard === null ? undefined : this.#tracks.get(this.#heard);
  }

  /** Context time, in samples. */
  get #now() {
    return this.#context ? this.#context.currentTime * this.sampleRate : 0;
  }

  /** @param {number} seconds */
  #toSample(seconds) {
    return Math.round(seconds * this.sampleRate);
  }

  /**
   * The position in the track at a context time, not after what is handed to the browser.
   * @param {Voice} voice
   * @param {number} time in samples
   */
  #sampleAt(voice, time) {
    return momentInLoop(voice.from + clamp(time - voice.begin, -voice.early, voice.count), this.#loop);
  }

  /**
   * Whether a part of the track is among what the browser has, and can still be replaced.
   * @param {Voice} voice
   * @param {number} start
   * @param {number} stop
   */
  #isAhead(voice, start, stop) {
    const soon = this.#now + LEAD * this.sampleRate - voice.begin;
    if (soon >= voice.count) return false;
    if (this.#loop && voice.from + voice.count > this.#loop[1]) return start < this.#loop[1] && stop > this.#loop[0];
    return start < voice.from + voice.count && stop > voice.from + soon;
  }

  /** Start, if the first sample is there. */
  #begin() {
    const track = this.#heardTrack;
    const first = this.#toSample(this.#moment);
    if (!track || !this.#context || track.sound.freshUntil(first, this.#since) <= first) return;
    this.isWaiting = false;
    const lead = clamp(this.#context.baseLatency || 0, START[0], START[1]);
    const begin = Math.ceil(this.#now + lead * this.sampleRate);
    this.#startVoice(this.#context, track, { from: first, begin, early: 0, mayBeOld: this.mayBeOld });
    this.first = this.latest;
  }

  /** Continue with a new voice at the position that the current voice will reach soon. */
  #goOver() {
    const [track, voice, context] = [this.#heardTrack, this.#voice, this.#context];
    if (!track || !voice || !context) return;
    const when = Math.ceil(this.#now + LEAD * this.sampleRate);
    const sample = this.#sampleAt(voice, when);
    if (!this.#loop && sample >= this.#end) return;
    this.#stopVoice(when);
    const early = when - this.#now;
    this.#startVoice(context, track, { from: Math.round(sample), begin: when, early, mayBeOld: true });
  }

  /**
   * @param {AudioContext} context
   * @param {Track} track
   * @param {Pick<Voice, "from" | "begin" | "early" | "mayBeOld">} place
   */
  #startVoice(context, track, place) {
    const { from, begin } = place;
    const [fadeIn, fadeOut, volume] = [context.createGain(), context.createGain(), context.createGain()];
    const when = begin / this.sampleRate;
    if (from > 0) {
      fadeIn.gain.value = 0; // or a sample could sound before the fade; a clip's start needs no fade
      fadeIn.gain.setValueAtTime(0, when);
      fadeIn.gain.linearRampToValueAtTime(1, when + FADE);
    }
    volume.gain.value = gainOf(track);
    fadeIn.connect(fadeOut).connect(volume).connect(context.destination);
    const nodes = { input: fadeIn, fadeOut, volume };
    this.#voice = { ...place, ...nodes, count: 0, next: from, isOver: false, links: [] };
    this.latest = { at: performance.now(), delay: when - context.currentTime, latency: context.baseLatency || 0 };
    this.#goOn();
  }

  /** Hand the next samples to the browser, as far as they are there. */
  #goOn() {
    const [track, voice, context] = [this.#heardTrack, this.#voice, this.#context];
    if (!track || !voice || !context || voice.isOver) return;
    const rate = this.sampleRate;
    const ended = voice.begin + voice.count;
    if (this.#now > ended - (voice.count ? FADE * rate : 0)) {
      if (track.sound.freshUntil(voice.next, this.#since) > voice.next) this.#resume(context, track, voice);
      return;
    }
    while (voice.begin + voice.count < this.#now + AHEAD * rate && !voice.isOver) {
      const count = this.#availableOf(voice, track.sound);
      if (!count) break;
      this.#addLink(context, voice, track.sound.samples.subarray(voice.next, voice.next + count));
      if (this.#loop && voice.next >= this.#loop[1]) voice.next = this.#loop[0];
      voice.isOver = !this.#loop && voice.next >= this.#end;
    }
    if (voice.begin + voice.count === ended) return;
    voice.fadeOut.gain.cancelScheduledValues(0);
    const isWhole = voice.isOver && this.#end >= track.sound.samples.length; // a clip's end needs no fade
    if (!isWhole) this.#fadeEnd(voice);
  }

  /**
   * How many samples come next, at most a link.
   * @param {Voice} voice
   * @param {Playable} playable
   */
  #availableOf(voice, playable) {
    const most = Math.min(voice.next + Math.round(LINK * this.sampleRate), this.#loop ? this.#loop[1] : this.#end);
    const fresh = Math.min(playable.freshUntil(voice.next, this.#since), most) - voice.next;
    const ahead = voice.begin + voice.count - this.#now;
    if (fresh > 0 || !voice.mayBeOld || ahead > LATE * this.sampleRate) return Math.max(0, fresh);
    return Math.max(0, Math.min(playable.soundUntil(voice.next), most) - voice.next);
  }

  /**
   * @param {AudioContext} context
   * @param {Voice} voice
   * @param {Float32Array} samples
   */
  #addLink(context, voice, samples) {
    const source = context.createBufferSource();
    const begin = voice.begin + voice.count;
    source.buffer = bufferOf(samples, this.sampleRate);
    source.connect(voice.input);
    const link = { source, begin };
    source.onended = () => {
      voice.links = voice.links.filter((each) => each !== link);
      if (voice !== this.#voice) return;
      this.#goOn();
      this.linkEnded();
    };
    source.start(begin / this.sampleRate);
    voice.links.push(link);
    voice.count += samples.length;
    voice.next += samples.length;
  }

  /** Go on after the sound was late. @type {(context: AudioContext, track: Track, voice: Voice) => void} */
  #resume(context, track, voice) {
    const when = Math.ceil(Math.max(this.#now + LEAD * this.sampleRate, voice.begin + voice.count));
    this.#startVoice(context, track, { from: voice.next, begin: when, early: 0, mayBeOld: this.mayBeOld });
  }

  /** Let a voice's sound end without a click, in case that nothing follows in time. @param {Voice} voice */
  #fadeEnd({ fadeOut: { gain }, begin, count }) {
    const end = (begin + count) / this.sampleRate;
    gain.setValueAtTime(1, Math.max(begin / this.sampleRate, end - FADE));
    gain.linearRampToValueAtTime(0, end);
  }

  /** @param {number} when context time, in samples */
  #stopVoice(when) {
    const voice = this.#voice;
    if (!voice) return;
    const [time, end] = [when / this.sampleRate, voice.begin + voice.count];
    if (when < end) {
      const { gain } = voice.fadeOut;
      gain.cancelScheduledValues(0);
      gain.setValueAtTime(1, time);
      gain.linearRampToValueAtTime(0, time + FADE);
    }
    for (const { source, begin } of voice.links) {
      source.onended = null;
      if (begin < when + FADE * this.sampleRate) source.stop(time + FADE);
      else source.disconnect();
    }
  }
}

/**
 * The gain of a track. A sound above full scale is made quieter as a whole, as in its file; the browser would clip it.
 * @param {Track} track
 */
const gainOf = ({ sound, volume }) => volume / Math.max(1, volume * sound.peak);
