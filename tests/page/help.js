// @ts-check
// Helpers of the tests of the page's modules: values of a grid, and sound without a browser.

/**
 * Pack codes as the server does.
 * @param {number[]} codes
 */
export function pack(codes) {
  const bytes = new Uint8Array(codes.flatMap((code) => [code & 255, code >> 8]));
  return btoa(String.fromCharCode(...bytes));
}

/**
 * A grid of 2 levels, 2 rows and 3 columns, with the codes 0 to 11.
 * @param {Partial<import("../../distill/ui/components/js/types.js").GridValue>} changes
 * @returns {import("../../distill/ui/components/js/types.js").GridValue}
 */
export function gridValue(changes = {}) {
  const indices = pack(Array.from({ length: 12 }, (_, code) => code));
  return {
    ...{ work: "secret", name: "clip.wav", editable: true, levels: ["Structure", "Detail"], rows: 2, columns: 3 },
    ...{ size: 16, num_frames: 48, model_id: "codec", format: 1, indices, original: indices, usage: [[], []] },
    ...{ bands: ["low", "high"], column_seconds: 0.5, sample_rate: 100, samples: 150, piece_samples: 60, pieces: 3 },
    ...{ time_stride: 16, edit_cells: 4, spectrogram: "", history: [], edits: 0, can_undo: false, can_redo: false },
    ...changes,
  };
}

/** Replaces the browser's `AudioContext`: a test moves its clock and reads the list of started sources. */
export class SilentContext {
  currentTime = 0;
  sampleRate = 100;
  destination = {};
  /** @type {{buffer: any, when: number, offset: number, stopped: number, loop: boolean, gain: any}[]} */
  begun = [];

  resume() {}

  createGain() {
    const gain = {
      value: 1,
      cancelScheduledValues() {},
      setValueAtTime() {},
      linearRampToValueAtTime() {},
      setTargetAtTime() {},
    };
    return { gain, connect: (/** @type {any} */ next) => next };
  }

  createBufferSource() {
    const { begun } = this;
    return {
      ...{ buffer: null, loop: false, loopStart: 0, loopEnd: 0, voice: /** @type {any} */ (null) },
      connect: (/** @type {any} */ next) => next,
      start(/** @type {number} */ when, /** @type {number} */ offset) {
        this.voice = { buffer: this.buffer, when, offset, stopped: Number.POSITIVE_INFINITY, loop: this.loop };
        begun.push(this.voice);
      },
      stop(/** @type {number} */ when) {
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
