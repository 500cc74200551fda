// @ts-check
// Helpers of the tests of the page's modules: values of a grid, and sound without a browser.

import { packCodes } from "../../distill/browser/base64.js";

export { packCodes as pack } from "../../distill/browser/base64.js";

/**
 * A grid of 2 levels, 2 rows and 3 columns, with the codes 0 to 11.
 * @param {Partial<import("../../distill/ui/components/js/types.js").GridValue>} changes
 * @returns {import("../../distill/ui/components/js/types.js").GridValue}
 */
export function gridValue(changes = {}) {
  const indices = packCodes(Array.from({ length: 12 }, (_, code) => code));
  return {
    ...{ work: "secret", name: "clip.wav", editable: true, levels: ["Structure", "Detail"], rows: 2, columns: 3 },
    ...{ size: 16, num_frames: 48, model_id: "codec", format: 1, indices, original: indices, usage: [[], []] },
    ...{ bands: ["low", "high"], column_seconds: 0.5, sample_rate: 100, samples: 150, piece_samples: 60 },
    ...{
      time_stride: 16,
      edit_cells: 4,
      codec_file: "",
      spectrogram: "",
      history: [],
      edits: 0,
      can_undo: false,
      can_redo: false,
    },
    ...changes,
  };
}

/** Replaces the browser's `AudioContext`: a test moves its clock and reads the list of started sources. */
export class SilentContext {
  currentTime = 0;
  sampleRate = 100;
  destination = {};
  baseLatency = 0.01;
  state = "running";
  ended = 0; // number of sources that have come to their end
  /** @type {{buffer: any, when: number, stopped: number, isCut: boolean, source: any}[]} */
  begun = [];
  /** @type {{value: number}[]} three for each voice; the last is its volume */
  gains = [];

  /**
   * Let time pass; sources that end then say so.
   * @param {number} seconds
   */
  pass(seconds) {
    this.currentTime += seconds;
    for (const voice of this.begun) {
      if (voice.source.isOver || voice.isCut || voice.when + voice.buffer.duration > this.currentTime + 1e-9) continue;
      voice.source.isOver = true;
      this.ended += 1;
      voice.source.onended?.();
    }
  }

  resume() {}

  createGain() {
    const gain = {
      value: 1,
      cancelScheduledValues() {},
      setValueAtTime() {},
      linearRampToValueAtTime() {},
      setTargetAtTime(/** @type {number} */ value) {
        this.value = value;
      },
    };
    this.gains.push(gain);
    return { gain, connect: (/** @type {any} */ next) => next };
  }

  createBufferSource() {
    const { begun } = this;
    return {
      ...{ buffer: null, voice: /** @type {any} */ (null), onended: null, isOver: false },
      connect: (/** @type {any} */ next) => next,
      disconnect() {
        this.voice.isCut = true;
      },
      start(/** @type {number} */ when = 0) {
        const stopped = Number.POSITIVE_INFINITY;
        this.voice = { buffer: this.buffer, when, stopped, isCut: false, source: this };
        begun.push(this.voice);
      },
      stop(/** @type {number} */ when = 0) {
        this.voice.stopped = when;
      },
    };
  }
}

/** Replaces the browser's `AudioBuffer`. */
export class PlainBuffer {
  /** @param {{length: number, sampleRate: number}} options */
  constructor({ length, sampleRate }) {
    this.length = length;
    this.sampleRate = sampleRate;
    this.samples = new Float32Array(length);
  }

  get duration() {
    return this.length / this.sampleRate;
  }

  getChannelData() {
    return this.samples;
  }

  /** @type {(samples: Float32Array, channel: number, start?: number) => void} */
  copyToChannel(samples, _channel, start = 0) {
    this.samples.set(samples.subarray(0, this.length - start), start);
  }
}
