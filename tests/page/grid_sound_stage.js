// @ts-check
// A code grid's sound with stand-ins for codec, server and audio.
import assert from "node:assert/strict";
import { GridCodes } from "../../distill/ui/components/js/grid_codes.js";
import { GridSound } from "../../distill/ui/components/js/grid_sound.js";
import { PageCodecs } from "../../distill/ui/components/js/page_codecs.js";
import { gridValue, PlainBuffer, SilentContext } from "./help.js";
import { STRIDE, StandInCodec, soundOf } from "./stand_in.js";

export const COLUMNS = 30;
export const FRAMES = COLUMNS * STRIDE;
export const RATE = 5120; // a frame lasts 0.1 s
export const context = new SilentContext();
context.sampleRate = RATE;
Object.assign(globalThis, {
  AudioBuffer: PlainBuffer,
  AudioContext: function AudioContext() {
    return context;
  },
  OfflineAudioContext: class {
    sampleRate = RATE;
    /** @type {(bytes: ArrayBuffer) => Promise<any>} the stand-in's files hold the samples as they are */
    async decodeAudioData(bytes) {
      const buffer = new PlainBuffer({ length: bytes.byteLength / 4, sampleRate: RATE });
      buffer.samples.set(new Float32Array(bytes));
      return buffer;
    }
  },
});
console.info = () => {};

const flac = (/** @type {Float32Array} */ samples) => Buffer.from(samples.buffer).toString("base64");
export const settle = async () => {
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
  await new Promise((next) => setTimeout(next, 0));
  for (let turn = 0; turn < 200; turn++) await Promise.resolve();
};

/** A server that makes sound as the stand-in does, and counts what it is asked for. */
export class StandInServer {
  asked = { sound: 0, audition: 0 };
  isGone = false;
  /** @param {GridCodes} codes as the server has them */
  constructor(codes) {
    this.codes = codes.cells.slice();
    this.original = codes.originalCells;
  }

  /** @param {{track: string, piece: number}} asked */
  async sound({ track, piece }) {
    this.asked.sound += 1;
    if (this.isGone) throw new Error("no network");
    const codes = track === "edited" ? this.codes : this.original;
    const samples = new Float32Array((FRAMES / 3) * 512);
    for (let frame = 0; frame < FRAMES / 3; frame++) {
      samples.fill(soundOf(codes, COLUMNS, (piece * FRAMES) / 3 + frame), frame * 512, (frame + 1) * 512);
    }
    return { flac: flac(samples), pieces: 3, version: 0 };
  }

  async audition() {
    this.asked.audition += 1;
    return { flac: flac(Float32Array.of(9)) };
  }
}

/** @param {{codec?: StandInCodec, load?: () => Promise<any>, rate?: number, isStroke?: boolean}} how */
export function open({ codec = new StandInCodec(), load = async () => codec, rate = RATE, isStroke = false } = {}) {
  const packed = Buffer.from(Uint16Array.from({ length: 4 * COLUMNS }, () => 1).buffer).toString("base64");
  const value = gridValue({
    ...{
      columns: COLUMNS,
      num_frames: FRAMES,
      time_stride: STRIDE,
      column_seconds: (STRIDE * 512) / rate,
      sample_rate: rate,
    },
    ...{ samples: FRAMES * 512, piece_samples: (FRAMES / 3) * 512, codec_file: "codec/1" },
    ...{ indices: packed, original: packed },
  });
  /** @type {string[]} */
  const told = [];
  /** @type {any} */
  const grid = {};
  /** @type {GridCodes} */
  const codes = new GridCodes(value, undefined, (puts) => grid.sound.change(codes, puts, { isHeard: true, isStroke }));
  const server = new StandInServer(codes);
  const page = {
    changed: () => {},
    tell: (/** @type {string} */ words) => void (words && told.push(words)),
    refused: (/** @type {any} */ refusal) => void told.push(refusal.error),
  };
  const codecs = new PageCodecs(load);
  grid.sound = new GridSound(value, /** @type {any} */ (server), page, { codecs });
  grid.sound.take(value, true, codes);
  return { sound: /** @type {GridSound} */ (grid.sound), codes, server, codec, told, value, codecs };
}

/** @type {(samples: Float32Array | null, codes: Uint16Array) => void} */
export function assertIsSoundOf(samples, codes) {
  assert.ok(samples);
  for (let frame = 0; frame < FRAMES; frame++) {
    assert.equal(samples[frame * 512 + 7], soundOf(codes, COLUMNS, frame), `frame ${frame}`);
  }
}
