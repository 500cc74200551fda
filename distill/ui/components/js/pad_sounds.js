// @ts-check
// The sounds of pads: several at a time, beside what plays, and without a round trip once they are there.

import { bufferOf, sound, voiceOf } from "./sound.js";

const FADE = 0.01; // seconds in which a pad's sound ends when the pad is hit again, or all are stopped

export class PadSounds {
  /** @type {Map<string, Promise<Float32Array | null>>} by name */
  #made = new Map();
  /** @type {Map<number, () => void>} how to end what sounds, by pad */
  #sounding = new Map();
  stops = 0; // how often all were stopped; what is still being made then is not played

  constructor() {
    sound.onBegin(() => this.stop());
  }

  /** Forget all sounds. */
  clear() {
    this.#made.clear();
  }

  /**
   * The sound of a name, made once.
   * @param {string} name
   * @param {() => Promise<Float32Array | null>} make
   */
  of(name, make) {
    const made = this.#made.get(name) ?? make().catch(() => null);
    this.#made.set(name, made);
    void made.then((samples) => {
      if (!samples) this.#made.delete(name);
    });
    return made;
  }

  /**
   * Play a sound, in place of the former sound of the pad.
   * @param {number} pad
   * @param {Float32Array} samples
   * @param {number} sampleRate
   * @param {number} force 0 to 1
   */
  play(pad, samples, sampleRate, force) {
    const context = sound.wake(sampleRate);
    this.#sounding.get(pad)?.();
    const { source, volume } = voiceOf(context, bufferOf(samples, sampleRate), force);
    const end = () => {
      volume.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
      source.stop(context.currentTime + FADE);
    };
    source.onended = () => {
      if (this.#sounding.get(pad) === end) this.#sounding.delete(pad);
    };
    this.#sounding.set(pad, end);
  }

  /** Stop all. */
  stop() {
    this.stops += 1;
    for (const end of this.#sounding.values()) end();
    this.#sounding.clear();
  }
}
