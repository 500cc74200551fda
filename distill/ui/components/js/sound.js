// @ts-check
// The page's sound: one audio context, one deck that plays at a time, one code that is heard by itself.

import { bytesOf } from "./bytes.js";

/** @typedef {{pause: () => void}} Player what is told to pause when another begins */

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
   * The context, running: browsers allow no sound before a person presses something.
   * @param {number} sampleRate
   */
  wake(sampleRate) {
    this.#context ??= this.#makeContext(sampleRate);
    void this.#context.resume();
    return this.#context;
  }

  /**
   * Let one play alone.
   * @param {Player} player
   */
  begin(player) {
    if (this.#player && this.#player !== player) this.#player.pause();
    this.#player = player;
  }

  /**
   * Play a short sound by itself, in place of the one before.
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
 * A FLAC file, in base64, as a sound.
 * @param {string} flac
 * @param {number} sampleRate
 * @returns {Promise<AudioBuffer>}
 */
export function decode(flac, sampleRate) {
  if (decoder?.sampleRate !== sampleRate) decoder = new OfflineAudioContext(1, 1, sampleRate);
  return decoder.decodeAudioData(bytesOf(flac).buffer);
}

/**
 * A silent sound, to be filled.
 * @param {number} length in samples
 * @param {number} sampleRate
 */
export function silentBuffer(length, sampleRate) {
  return new AudioBuffer({ length: Math.max(1, length), numberOfChannels: 1, sampleRate });
}
