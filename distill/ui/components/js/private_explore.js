// @ts-check
// What Explore shows of a private clip: its sounds with one level of codes, with two, and so on, and their spectrograms.

import { base64Of } from "../../../browser/base64.js";
import { BANDS, DECIBELS, HOP, SAMPLE_RATE } from "../../../browser/units.js";
import { deflated, wavOf } from "./bytes.js";
import { logMelOf, wholeSound } from "./own_clips.js";
import { GONE, isPrivate } from "./private_mode.js";

/** @typedef {import("./private_codec.js").PrivateCodec} PrivateCodec */
/** @typedef {import("../../../browser/local_server.js").LocalClip} LocalClip */

const [LOW_DB, STEP_DB] = [-100, 0.5]; // as in distill/editing/spectra.py
const FLOOR_DB = DECIBELS * Math.log(1e-5);
const LEAST_RANGE_DB = 40;
const MOST_GAIN_DB = 12;
const MOST_COLUMNS = 2_000;

/** A clip's log-mels: of the original, of its first level, of its first two, and so on. */
export class Explored {
  /** @type {Map<number, Promise<Float32Array>>} the sounds that were asked for */
  #sounds = new Map();

  /**
   * @param {PrivateCodec} codec
   * @param {LocalClip} clip
   */
  static of(codec, clip) {
    const { original } = clip.history;
    const waveform = codec.waveforms.get(clip.work);
    const shape = { ...clip, quiet: codec.server.codec.quiet };
    return codec.use(async (page) => {
      const levels = [];
      for (let count = 1; count <= clip.levels; count++) levels.push(await logMelOf(page, original, shape, count));
      const mels = [waveform ? await page.logMelOf(waveform) : levels[clip.levels - 1], ...levels];
      return new Explored(codec, clip, mels);
    });
  }

  /**
   * @param {PrivateCodec} codec
   * @param {LocalClip} clip
   * @param {Float32Array[]} mels [frames][128]
   */
  constructor(codec, clip, mels) {
    this.codec = codec;
    this.clip = clip;
    this.mels = mels;
  }

  get seconds() {
    return this.clip.samples / SAMPLE_RATE;
  }

  /** Bits in a second, and the mean error in dB, of the first levels. @param {number} count */
  #facts(count) {
    const { rows, columns, size } = this.clip;
    const [original, made] = [this.mels[0], this.mels[count]];
    const sum = made.reduce((total, value, index) => total + Math.abs(value - original[index]), 0);
    const bits = Math.round((count * rows * columns * Math.log2(size)) / this.seconds);
    return [`${bits} bit/s`, `${((DECIBELS * sum) / made.length).toFixed(1)} dB`];
  }

  /** Name of each number of levels. */
  get #names() {
    return this.codec.valueOf(this.clip.work).levels.map((name, level) => (level ? `+ ${name}` : name));
  }

  /** @returns {import("./types.js").PlayerValue} */
  get player() {
    const { clip, seconds } = this;
    const stem = clip.name.replace(/\.[^.]*$/, "");
    const levels = this.#names.map((name, level) => {
      const [bits, error] = this.#facts(level + 1);
      const file = `${stem}-${level + 1}-of-${clip.levels}-levels.wav`;
      return { name, note: `${bits} · ${error} off`, file };
    });
    const original = { name: "Original", note: clip.name, file: `${stem}.wav` };
    return { work: clip.work, seconds, sample_rate: SAMPLE_RATE, tracks: [original, ...levels] };
  }

  /** @returns {import("./types.js").SpectraValue} */
  get spectra() {
    const value = this.codec.valueOf(this.clip.work);
    const titles = this.#names.map((name, level) => {
      const [bits, error] = this.#facts(level + 1);
      return /** @type {[string, string]} */ ([name, `${bits}, average error ${error}`]);
    });
    return {
      ...{ work: value.work, model_id: value.model_id, seconds: this.seconds, frame_seconds: HOP / SAMPLE_RATE },
      ...{ num_frames: value.num_frames, time_stride: value.time_stride, levels: value.levels, rows: value.rows },
      ...{ columns: value.columns, size: value.size, indices: value.original },
      titles: [["Original", value.name], ...titles],
    };
  }

  /**
   * The sound of a track, as the player fetches it: all of it is one piece.
   * @param {number} track 0 for the original
   */
  async sound(track) {
    const original = await this.#samples(0);
    const samples = await this.#samples(track);
    return {
      flac: base64Of(new Uint8Array(wavOf(samples, SAMPLE_RATE))),
      pieces: 1,
      gain_db: gainOf(samples, original),
    };
  }

  /** @param {number} levels */
  #samples(levels) {
    const { codec, clip } = this;
    const { columns, numFrames: num_frames, samples, history } = clip;
    const waveform = codec.waveforms.get(clip.work);
    if (!levels && waveform) return Promise.resolve(waveform);
    const shape = { columns, num_frames, samples, quiet: codec.server.codec.quiet };
    const made =
      this.#sounds.get(levels) ??
      codec.use((page) => wholeSound(page, history.original, shape, { levels: levels || clip.levels }));
    this.#sounds.set(levels, made);
    made.catch(() => this.#sounds.delete(levels));
    return made;
  }

  /**
   * The spectrograms of some frames, as the server packs them.
   * @param {number} from
   * @param {number} to
   * @returns {Promise<import("./types.js").SpectraAnswer>}
   */
  async packed(from, to) {
    const [first, last] = [Math.max(0, from), Math.min(to, this.clip.numFrames)];
    const stride = Math.max(1, Math.ceil((last - first) / MOST_COLUMNS));
    const columns = Math.ceil((last - first) / stride);
    const loudest = this.mels[0].reduce((most, value) => Math.max(most, value), Math.log(1e-5));
    const mels = await Promise.all(
      this.mels.map(async (mel) => base64Of(await deflated(bytesOfMel(mel, first, last, stride)))),
    );
    const top_db = Math.max(DECIBELS * loudest, FLOOR_DB + LEAST_RANGE_DB);
    return { first, stride, columns, low_db: LOW_DB, step_db: STEP_DB, top_db, mels };
  }
}

/**
 * Bytes [128][columns] of a log-mel; each column is the loudest of some frames.
 * @param {Float32Array} mel [frames][128]
 * @param {number} first
 * @param {number} last
 * @param {number} stride
 */
export function bytesOfMel(mel, first, last, stride) {
  const columns = Math.ceil((last - first) / stride);
  const bytes = new Uint8Array(BANDS * columns);
  for (let frame = first; frame < last; frame++) {
    const column = Math.floor((frame - first) / stride);
    for (let band = 0; band < BANDS; band++) {
      const level = Math.round((mel[frame * BANDS + band] * DECIBELS - LOW_DB) / STEP_DB);
      const at = band * columns + column;
      bytes[at] = Math.max(bytes[at], Math.min(255, Math.max(0, level)));
    }
  }
  return bytes;
}

/**
 * The gain, in dB, that makes a sound as loud as another one by its mean square.
 * @param {Float32Array} samples
 * @param {Float32Array} reference
 */
export function gainOf(samples, reference) {
  const [own, wanted] = [samples, reference].map((sound) => sound.reduce((sum, sample) => sum + sample ** 2, 0));
  if (!own || !wanted) return 0;
  return Math.min(MOST_GAIN_DB, Math.max(-MOST_GAIN_DB, 10 * Math.log10(wanted / own)));
}

/**
 * A component of Explore that shows the private clip while there is one.
 * @template {import("./types.js").Component<any, any>} Component
 * @param {Component} component
 * @param {import("./private_mode.js").PrivateMode} mode
 * @param {"player" | "spectra"} kind
 * @returns {Component}
 */
export function explorePrivate(component, mode, kind) {
  const { props, server, watch } = component;
  /** @type {(() => void)[]} */
  const watching = [];
  /** @type {Explored | null} */
  let shown = null;
  let last = "";
  const taken = () => {
    for (const act of watching) act();
  };
  const follow = async () => {
    const work = mode.shown?.work ?? "";
    if (work === last) return;
    last = work;
    const explored = await mode.explored().catch(() => null);
    if (work !== last || explored === shown) return;
    shown = explored;
    taken();
  };
  mode.follow(() => void follow());
  void follow(); // a tab may be opened after the clip
  watch("value", () => {
    if (!shown) taken();
  });
  /** @type {Record<string, (request: any) => Promise<any>>} */
  const own = {
    sound: async ({ track }) => shown?.sound(track) ?? GONE,
    spectra: async ({ first, last: end }) => shown?.packed(first, end) ?? GONE,
    codec_pictures: async () => (shown ? mode.picturesOf(shown.codec) : GONE),
  };
  return {
    ...component,
    props: new Proxy(props, {
      get: (real, name) => (name === "value" && shown ? shown[kind] : Reflect.get(real, name)),
    }),
    server: new Proxy(server, {
      get: (real, name) => (/** @type {any} */ request) => {
        if (request.work === shown?.clip.work) return own[String(name)](request);
        return isPrivate(request) ? Promise.resolve(GONE) : real[name](request);
      },
    }),
    watch(names, act) {
      if ([names].flat().includes("value")) watching.push(act);
      else watch(names, act);
    },
  };
}
