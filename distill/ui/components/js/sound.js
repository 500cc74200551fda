// @ts-check
// The page's sound: one audio context, one deck that plays at a time, and one single code.

import { bytesOf } from "./bytes.js";

/** @typedef {{pause: () => void}} Player a deck, which pauses when another deck begins */

export class Sound {
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {Player | null} */
  #player = null;
  /** @type {AudioBufferSourceNode | null} */
  #single = null;
  #makeContext;

  /** @param {(sampleRate: number) => AudioContext} makeContext */
  constructor(makeContext = (sampleRate) => new AudioContext({ sampleRate })) {
    this.#makeContext = makeContext;
  }

  /**
   * The running audio context; must be called after a press, because browsers allow no sound before.
   * @param {number} sampleRate
   */
  wake(sampleRate) {
    this.#context ??= this.#makeContext(sampleRate);
    void this.#context.resume();
    return this.#context;
  }

  /**
   * Pause the other player and let this player play.
   * @param {Player} player
   */
  begin(player) {
    if (this.#player && this.#player !== player) this.#player.pause();
    this.#player = player;
  }

  /**
   * Play a short sound, in place of the previous short sound.
   * @param {AudioBuffer} buffer
   */
  playSingle(buffer) {
    const context = this.wake(buffer.sampleRate);
    this.stopSingle();
    const source = context.createBufferSource();
    source.buffer = buffer;
    source.connect(context.destination);
    source.start();
    this.#single = source;
  }

  stopSingle() {
    this.#single?.stop();
    this.#single = null;
  }
}

export const sound = new Sound();

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
