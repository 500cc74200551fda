// @ts-check
// The page's sound: one audio context, one deck that plays at a time, and one single code.

import { bytesOf } from "../../../browser/base64.js";
import { Care, LOOK, silenceInWords } from "./sound_care.js";
import { peakOf } from "./tape.js";

/**
 * A deck, which pauses when another deck begins; `restart` plays on at the same moment in a new context.
 * @typedef {{pause: () => void, isPlaying?: boolean, restart?: () => void}} Player
 */

export class Sound {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Player | null} */
  #player = null;
  /** @type {AudioBufferSourceNode | null} */
  #single = null;
  #over = () => {}; // told when the single sound is over
  #makeContext;
  #every;
  #care = new Care();
  /** @type {(() => void) | null} */
  #endCare = null;
  /** @type {((words: string) => void)[]} */
  #listeners = [];
  /** @type {(() => void)[]} */
  #beside = [];

  /**
   * @param {(sampleRate: number) => AudioContext} makeContext
   * @param {(look: () => void) => () => void} every calls a function again and again, until the function that it returns
   *   is called; by default never, and no care is taken of the context
   */
  constructor(makeContext = openContext, every = () => () => {}) {
    this.#makeContext = makeContext;
    this.#every = every;
  }

  /**
   * Call a function with a sentence where no sound comes out, and with "" when the sound is back.
   * @param {(words: string) => void} tell
   */
  onTrouble(tell) {
    this.#listeners.push(tell);
  }

  /**
   * The running audio context; must be called after a press, because browsers allow no sound before. It may be another
   * one than before.
   * @param {number} sampleRate
   */
  wake(sampleRate) {
    if (this.#context?.state === "closed") this.#context = null;
    this.#context ??= this.#makeContext(sampleRate);
    resume(this.#context);
    if (!this.#endCare) this.#care.begin();
    this.#endCare ??= this.#every(() => this.#look());
    return this.#context;
  }

  #look() {
    const context = this.#context;
    const isNeeded = this.#single || this.#player?.isPlaying;
    if (!context || !isNeeded) {
      this.#endCare?.();
      this.#endCare = null;
      return;
    }
    const step = this.#care.look(context);
    if (step) resume(context);
    if (step === "replace") this.#replace(context);
    if (step === "wait" || step === "fail") this.#tell(silenceInWords(context));
    if (step === "back") this.#tell("");
    if (step !== "fail") return;
    this.#player?.pause();
    this.stopSingle();
  }

  /** @param {AudioContext} context one whose clock stands still */
  #replace(context) {
    this.#context = this.#makeContext(context.sampleRate);
    resume(this.#context);
    if (this.#player?.isPlaying) this.#player.restart?.();
    const { buffer } = this.#single ?? {};
    const over = this.#over;
    this.#over = () => {}; // the sound begins anew
    if (buffer) this.playSingle(buffer, over);
    void context.close?.().catch(() => {});
  }

  /** @param {string} words */
  #tell(words) {
    for (const tell of this.#listeners) tell(words);
  }

  /**
   * Pause the other player, stop a short sound, and let this player play.
   * @param {Player} player
   */
  begin(player) {
    if (this.#player && this.#player !== player) this.#player.pause();
    this.#player = player;
    this.stopSingle();
    for (const stop of this.#beside) stop();
  }

  /** Have what sounds beside a player stopped when another begins. @param {() => void} stop */
  onBegin(stop) {
    this.#beside.push(stop);
  }

  /**
   * Play a short sound, in place of the previous short sound.
   * @param {AudioBuffer} buffer
   * @param {() => void} [over] called when the sound has ended, or another one has taken its place
   */
  playSingle(buffer, over = () => {}) {
    const context = this.wake(buffer.sampleRate);
    this.stopSingle();
    const { source } = voiceOf(context, buffer);
    source.onended = () => {
      if (this.#single === source) this.#endSingle();
    };
    this.#single = source;
    this.#over = over;
  }

  stopSingle() {
    const source = this.#single;
    this.#endSingle();
    source?.stop();
  }

  #endSingle() {
    const over = this.#over;
    this.#single = null;
    this.#over = () => {};
    over();
  }
}

/**
 * Open an audio context. Where the browser gives none, the stand-in's clock stands still, and the visitor is told.
 * @param {number} sampleRate
 */
function openContext(sampleRate) {
  try {
    return new AudioContext({ sampleRate });
  } catch {
    return /** @type {AudioContext} */ (/** @type {unknown} */ (new OfflineAudioContext(1, 1, sampleRate)));
  }
}

/** @param {AudioContext} context */
function resume(context) {
  void context.resume()?.catch(() => {}); // refused during an interruption
}

export const sound = new Sound(openContext, (look) => {
  const timer = setInterval(look, LOOK);
  return () => clearInterval(timer);
});

/** @type {OfflineAudioContext | null} */
let decoder = null;

/**
 * Decode a FLAC file in base64.
 * @param {string} flac
 * @param {number} sampleRate
 * @returns {Promise<AudioBuffer>}
 */
export function decode(flac, sampleRate) {
  if (decoder?.sampleRate !== sampleRate) decoder = new OfflineAudioContext(1, 1, sampleRate);
  return decoder.decodeAudioData(bytesOf(flac).buffer);
}

/**
 * A silent buffer to fill.
 * @param {number} length in samples
 * @param {number} sampleRate
 */
export function silentBuffer(length, sampleRate) {
  return new AudioBuffer({ length: Math.max(1, length), numberOfChannels: 1, sampleRate });
}

/**
 * A buffer with samples.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 */
export function bufferOf(samples, sampleRate) {
  const buffer = silentBuffer(samples.length, sampleRate);
  buffer.getChannelData(0).set(samples);
  return buffer;
}

/**
 * Play a buffer at once, no louder than full scale: the browser would clip what is louder.
 * @param {AudioContext} context
 * @param {AudioBuffer} buffer
 * @param {number} [force] 0 to 1
 */
export function voiceOf(context, buffer, force = 1) {
  const [source, volume] = [context.createBufferSource(), context.createGain()];
  source.buffer = buffer;
  volume.gain.value = force / Math.max(1, peakOf(buffer.getChannelData(0)));
  source.connect(volume).connect(context.destination);
  source.start();
  return { source, volume };
}

/**
 * Play a short sound, in place of the previous short sound.
 * @param {Float32Array} samples
 * @param {number} sampleRate
 */
export function playOnce(samples, sampleRate) {
  sound.playSingle(bufferOf(samples, sampleRate));
}
