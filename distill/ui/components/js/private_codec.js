// @ts-check
// A codec with its encoder in the page, and the clips that were opened in it: no server has them.

import { readCodecFile } from "../../../browser/codec_file.js";
import { GridError } from "../../../browser/edit_refusals.js";
import { GridHistory } from "../../../browser/grid_history.js";
import { LocalServer } from "../../../browser/local_server.js";
import { PageCodec } from "../../../browser/page_codec.js";
import { neutralCodes, pictureOf, quietCodes } from "./own_clips.js";
import { openFile } from "./own_files.js";

/** @typedef {import("./types.js").GridValue} GridValue */
/** @typedef {import("../../../browser/grid_files.js").Grid} Grid */

const OTHER_CODEC = "This grid was made by another codec than the one in use.";
const NOT_HERE = "The codec did not arrive in this page; please try again in a moment.";
const TOO_OLD = "This browser cannot run the codec in the page, so nothing can be opened privately here.";
const REST = 10_000; // milliseconds for which the codec stays open without being used
const ENCODING = 0.9; // share of the progress of opening a sound

export class PrivateCodec {
  /**
   * Fetch the codec of a clip with its encoder.
   * @param {GridValue} value of the clip that is open
   */
  static async fetch(value) {
    if (!value.codec_file || typeof WebAssembly !== "object" || typeof Worker !== "function") {
      throw new GridError(TOO_OLD);
    }
    const answer = await fetch(new URL(`${value.codec_file}/encoder`, document.baseURI)).catch(() => null);
    if (!answer?.ok) throw new GridError(NOT_HERE);
    const file = await answer.arrayBuffer();
    return PrivateCodec.of(value, file, () => PageCodec.open(file));
  }

  /**
   * @param {GridValue} value
   * @param {ArrayBuffer} file with the encoder
   * @param {() => Promise<PageCodec>} open
   */
  static async of(value, file, open) {
    const { settings, tensors } = readCodecFile(file);
    const levels = Array.from({ length: settings.num_quantizers }, (_, level) => {
      return /** @type {Float32Array} */ (tensors.get(`quantizer.rvq.layers.${level}._codebook.embed`));
    });
    const codebooks = { levels, dim: settings.codebook_dim };
    const codec = await open();
    try {
      const quiet = await quietCodes(codec, value.rows);
      const server = new LocalServer({ codebooks, quiet, neutral: neutralCodes(codebooks, value.rows) }, null);
      return new PrivateCodec(value, server, open);
    } finally {
      codec.close();
    }
  }

  /**
   * @param {GridValue} value of a clip in the codec
   * @param {LocalServer} server
   * @param {() => Promise<PageCodec>} open
   */
  constructor(value, server, open) {
    this.server = server;
    this.open = open;
    this.codecFile = value.codec_file;
    this.modelId = value.model_id;
    this.shape = {
      ...{ levels: value.levels.length, rows: value.rows, size: value.size, timeStride: value.time_stride },
      modelId: value.model_id,
    };
  }

  /**
   * Open a sound or a grid.
   * @param {string} work name of the new clip here
   * @param {File} file
   * @param {(share: number) => void} told
   */
  async add(work, file, told) {
    const opened = await openFile(file, true);
    await this.use(async (codec) => {
      if ("grid" in opened) {
        await this.#keep(codec, work, file.name, opened.grid);
        return;
      }
      const onprogress = (/** @type {number} */ share) => told(ENCODING * share);
      const { codes, columns, numFrames } = await codec.encode(opened.waveform, { onprogress });
      const grid = { ...this.shape, indices: codes, columns, numFrames, samples: opened.waveform.length };
      await this.#keep(codec, work, file.name, grid, opened.waveform);
    });
  }

  /** @type {{codec: Promise<PageCodec>, users: number} | null} the codec that works, or has worked a moment ago */
  #opened = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;

  /**
   * Do something with the codec, which is open for as long as it is used, and a while longer.
   * @template T
   * @param {(codec: PageCodec) => Promise<T>} act
   * @returns {Promise<T>}
   */
  async use(act) {
    clearTimeout(this.#resting);
    this.#opened ??= { codec: this.open(), users: 0 };
    const opened = this.#opened;
    opened.users += 1;
    try {
      return await act(await opened.codec);
    } catch (error) {
      const isOfCodec = !(error instanceof GridError);
      if (isOfCodec && this.#opened === opened) this.#opened = null; // the next one may do better
      throw error;
    } finally {
      opened.users -= 1;
      if (this.#opened !== opened) PrivateCodec.#end(opened);
      else if (!opened.users) this.#resting = setTimeout(() => this.rest(), REST);
    }
  }

  /** Close the codec, as soon as nobody uses it any more. */
  rest() {
    clearTimeout(this.#resting);
    const opened = this.#opened;
    this.#opened = null;
    if (opened) PrivateCodec.#end(opened);
  }

  /** @param {{codec: Promise<PageCodec>, users: number}} opened that is used no more once it has no users */
  static #end({ codec, users }) {
    if (users) return;
    codec.then((open) => open.close()).catch(() => {}); // one that never opened has nothing to close
  }

  /** Let a clip go. @param {string} work */
  close(work) {
    this.server.close(work);
    this.waveforms.delete(work);
  }

  /** What the lens knows of the codec, once the server has told it. @type {Promise<any> | null} */
  lens = null;

  /**
   * Open a grid.
   * @param {string} work
   * @param {string} name
   * @param {Grid} grid
   */
  async addGrid(work, name, grid) {
    await this.use((codec) => this.#keep(codec, work, name, grid));
  }

  /**
   * @param {PageCodec} codec
   * @param {string} work
   * @param {string} name
   * @param {Grid} grid
   * @param {Float32Array<ArrayBuffer>} [waveform] the sound, if there is one
   */
  async #keep(codec, work, name, { indices, ...grid }, waveform) {
    const isOurs = /** @type {(keyof typeof this.shape)[]} */ (Object.keys(this.shape)).every((fact) => {
      return grid[fact] === this.shape[fact];
    });
    if (!isOurs) throw new GridError(OTHER_CODEC);
    const spectrogram = await pictureOf(codec, indices, { ...grid, quiet: this.server.codec.quiet }).catch(() => "");
    this.server.open({ ...grid, work, name, history: new GridHistory(indices), spectrogram });
    if (waveform) this.waveforms.set(work, waveform);
  }

  /** The sounds that were opened, by the names of their clips. @type {Map<string, Float32Array<ArrayBuffer>>} */
  waveforms = new Map();

  /**
   * What the code grid shows of a clip.
   * @param {string} work
   * @returns {GridValue}
   */
  valueOf(work) {
    return /** @type {any} */ ({ ...this.server.valueOf(work), codec_file: this.codecFile });
  }

  /** The codes of a clip as they are now. @param {string} work */
  indicesOf(work) {
    const clip = this.server.clips.get(work);
    return clip?.history.indices ?? new Uint16Array();
  }
}
