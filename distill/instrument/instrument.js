// @ts-check
// The one-file instrument: the app's code grid with a codec, clips and edits that are all in this page.

import { bytesOf } from "../browser/base64.js";
import { readCodecFile } from "../browser/codec_file.js";
import { GridError } from "../browser/edit_refusals.js";
import { readGridText } from "../browser/grid_files.js";
import { GridHistory } from "../browser/grid_history.js";
import { unpackDirections } from "../browser/grid_slides.js";
import { LocalServer } from "../browser/local_server.js";
import { PageCodec } from "../browser/page_codec.js";
import { gridFileOf, gridTextOf, wavOf } from "../ui/components/js/bytes.js";
import { mount } from "../ui/components/js/code_grid.js";
import { find, findButton, make, saveFile } from "../ui/components/js/dom.js";
import { editsWaiting } from "../ui/components/js/edits_waiting.js";
import { pictureOf, wholeSound } from "../ui/components/js/own_clips.js";
import { openFile } from "../ui/components/js/own_files.js";
import { jsonForScript, packClip, unpackClip } from "./packed.js";

/** @typedef {import("../browser/grid_files.js").Grid} Grid */
/** @typedef {import("../browser/grid_slides.js").PackedDirections} PackedDirections */

/**
 * What the file holds.
 * @typedef {object} Data
 * @property {string} title
 * @property {{file: string, modelId: string, encoder: boolean, quiet: number[][], neutral: number[][],
 *   pictures: import("../ui/components/js/types.js").CodecPictures,
 *   lens: import("../ui/components/js/types.js").CodecLens & {slides: PackedDirections}}} codec
 * @property {Record<string, string>} kernels
 * @property {string} worker
 * @property {import("./packed.js").PackedClip[]} clips
 */

const NO_WEBASSEMBLY = "This browser has no WebAssembly, so nothing can be heard here. Edits can be made and saved.";
const NO_CODEC = "The codec did not start in this browser, so nothing can be heard here. Edits can be made and saved.";
const LOST_CODEC =
  "The codec stopped in this browser, so nothing more can be heard. Save the instrument and open it again; edits can be made.";
const OTHER_CODEC = "This grid was made by another codec than the one in this instrument.";

class Instrument {
  /** @type {Map<string, (() => void)[]>} */
  #watching = new Map();
  /** @type {Promise<PageCodec> | null} */
  #codec = null;
  #opened = 0; // number of clips

  /** @param {Data} data */
  constructor(data) {
    this.data = data;
    this.file = /** @type {HTMLElement} */ (document.documentElement.cloneNode(true)); // as it is saved
    find(this.file, "#data").textContent = "";
    const file = readCodecFile(bytesOf(data.codec.file).buffer);
    const { num_quantizers: levels, codebook_dim: dim } = file.settings;
    const books = Array.from({ length: levels }, (_, level) => {
      return /** @type {Float32Array} */ (file.tensors.get(`quantizer.rvq.layers.${level}._codebook.embed`));
    });
    const { quiet, neutral, pictures, lens } = data.codec;
    const slides = lens && unpackDirections(lens.slides);
    this.server = new LocalServer(
      { codebooks: { levels: books, dim }, quiet, neutral, slides },
      pictures,
      undefined,
      lens,
    );
    this.main = find(document.body, "main");
    this.state = find(document.body, ".state");
    this.clips = /** @type {HTMLSelectElement} */ (find(document.body, "select.clips"));
    this.seconds = /** @type {HTMLSelectElement} */ (find(document.body, "select.seconds"));
    this.text = /** @type {HTMLTextAreaElement} */ (find(document.body, ".texts textarea"));
    for (const clip of data.clips) this.#open(unpackClip(clip, data.codec.modelId));
    this.props = { value: this.server.valueOf("0"), second: {}, gone: "" };
  }

  begin() {
    mount(
      /** @type {any} */ ({
        element: this.main,
        props: this.props,
        server: this.server,
        trigger: () => {},
        watch: (/** @type {string} */ name, /** @type {() => void} */ act) => {
          this.#watching.set(name, [...(this.#watching.get(name) ?? []), act]);
        },
        openCodec: () => this.codec(),
      }),
    );
    this.#showClips();
    this.#connect();
    this.tell("");
    void this.codec().catch(() => {});
  }

  // ---- clips

  /** @param {Omit<import("../browser/local_server.js").LocalClip, "work">} clip */
  #open(clip) {
    const work = String(this.#opened++);
    this.server.open({ ...clip, work });
    return work;
  }

  /** @param {string} work */
  show(work) {
    this.#set("second", {});
    this.#set("value", this.server.valueOf(work));
    this.#showClips();
    this.tell("");
  }

  #showClips() {
    const works = [...this.server.clips.values()];
    const option = (/** @type {{work: string, name: string}} */ { work, name }) =>
      make("option", { value: work, textContent: name });
    this.clips.replaceChildren(...works.map(option));
    this.clips.value = this.props.value.work;
    this.clips.hidden = works.length < 2;
    const others = works.filter(({ work }) => work !== this.props.value.work);
    this.seconds.replaceChildren(option({ work: "", name: others.length ? "None" : "Open another clip first" }));
    this.seconds.append(...others.map(option));
    this.seconds.disabled = !others.length;
  }

  /**
   * Change a property of the grid.
   * @param {"value" | "second"} name
   * @param {any} value
   */
  #set(name, value) {
    this.props[name] = value;
    for (const act of this.#watching.get(name) ?? []) act();
  }

  // ---- the codec

  /** The codec in this file, started once. */
  codec() {
    this.#codec ??= this.#start().catch((error) => {
      const sentence = typeof WebAssembly === "undefined" ? NO_WEBASSEMBLY : NO_CODEC;
      console.warn(error);
      this.server.fallSilent(sentence);
      this.tell(sentence);
      throw error;
    });
    return this.#codec;
  }

  async #start() {
    if (typeof WebAssembly === "undefined") throw new Error(NO_WEBASSEMBLY);
    const { codec, kernels, worker } = this.data;
    const code = new Blob([bytesOf(worker)], { type: "text/javascript" });
    return PageCodec.open(bytesOf(codec.file).buffer, {
      makeWorker: () => new Worker(URL.createObjectURL(code)),
      kernel: async (name) => bytesOf(kernels[name]),
      onclosed: () => this.#lose(),
    });
  }

  /** The grid has given the codec up, because it failed; what is saved or opened starts it anew. */
  #lose() {
    this.#codec = null;
    this.server.fallSilent(LOST_CODEC);
    this.tell(LOST_CODEC);
  }

  /** The whole sound of the clip on the page. */
  async #wholeSound() {
    const { value } = this.props;
    const indices = this.#indices.slice(); // another clip may be on the page when the codec is there
    const told = (/** @type {number} */ share) => {
      if (share < 1) this.tell(`Making the sound: ${Math.round(100 * share)} %`);
    };
    return wholeSound(await this.codec(), indices, value, { told });
  }

  get #indices() {
    const clip = this.server.clips.get(this.props.value.work);
    return /** @type {import("../browser/local_server.js").LocalClip} */ (clip).history.indices;
  }

  // ---- save and open

  #connect() {
    const body = document.body;
    const file = /** @type {HTMLInputElement} */ (find(body, "input.file"));
    this.clips.onchange = () => this.show(this.clips.value);
    this.seconds.onchange = () => {
      const clip = this.server.clips.get(this.seconds.value);
      this.#set("second", clip ? { work: clip.work, name: clip.name } : {});
    };
    findButton(body, ".open").onclick = () => file.click();
    file.accept = this.data.codec.encoder ? "audio/*,.wav,.flac,.mp3,.ogg,.m4a,.npz,.json" : ".npz,.json";
    file.onchange = () => {
      const [chosen] = file.files ?? [];
      if (chosen) void this.#try(() => this.#openFile(chosen));
      file.value = "";
    };
    findButton(body, ".wav").onclick = () => void this.#try(() => this.#saveSound());
    findButton(body, ".json").onclick = () => void this.#try(() => this.#saveGrid());
    findButton(body, ".whole").onclick = () => void this.#try(() => this.#saveInstrument());
    findButton(body, "button.text").onclick = () => void this.#try(() => this.#showText());
    findButton(body, ".open-text").onclick = () => void this.#try(() => this.#openText());
  }

  /**
   * Do something, and say in a sentence why it cannot be done.
   * @param {() => Promise<void>} act
   */
  async #try(act) {
    try {
      await editsWaiting.settled();
      await act();
    } catch (error) {
      if (error instanceof GridError) this.tell(error.message);
      else if (this.server.noSound && (await this.codec().catch(() => null)) === null) this.tell(this.server.noSound);
      else {
        this.tell("That did not work in this browser; please try again.");
        console.error(error);
      }
    }
  }

  get #stem() {
    return `${this.props.value.name.replace(/\.[^.]*$/, "")}-edited`;
  }

  async #saveSound() {
    const name = `${this.#stem}.wav`;
    saveFile(wavOf(await this.#wholeSound(), this.props.value.sample_rate), "audio/wav", name);
    this.tell("");
  }

  async #saveGrid() {
    saveFile(gridFileOf(this.#value, this.#indices), "application/json", `${this.#stem}.json`);
  }

  /** Save this file with the clips and their edits as they are now, the clip on the page first. */
  async #saveInstrument() {
    const clips = [...this.server.clips.values()];
    clips.sort((one, other) => Number(this.#isShown(other)) - Number(this.#isShown(one)));
    find(this.file, "#data").textContent = jsonForScript({ ...this.data, clips: clips.map(packClip) });
    const name = document.title.replaceAll(/[^\p{L}\p{N} ._-]/gu, "").trim();
    saveFile(`<!doctype html>\n${this.file.outerHTML}\n`, "text/html", `${name || "instrument"}.html`);
  }

  /** @param {import("../browser/local_server.js").LocalClip} clip */
  #isShown(clip) {
    return clip.work === this.props.value.work;
  }

  /** @returns {any} */
  get #value() {
    return this.props.value;
  }

  async #showText() {
    const texts = find(document.body, ".texts");
    texts.hidden = !texts.hidden;
    if (texts.hidden) return;
    this.text.value = await gridTextOf(this.#value, this.#indices);
    this.text.select();
  }

  async #openText() {
    this.show(await this.#openGrid("grid from text", await readGridText(this.text.value)));
  }

  /** @param {File} file */
  async #openFile(file) {
    this.tell(`Opening ${file.name} …`);
    const opened = await openFile(file, this.data.codec.encoder);
    if ("grid" in opened) {
      this.show(await this.#openGrid(file.name, opened.grid));
      return;
    }
    const codec = await this.codec();
    const { codes, columns, numFrames } = await codec.encode(opened.waveform);
    const { levels, rows, size, timeStride } = this.data.clips[0];
    const shape = { levels, rows, size, timeStride, columns, numFrames, modelId: this.data.codec.modelId };
    this.show(await this.#openGrid(file.name, { ...shape, samples: opened.waveform.length, indices: codes }));
  }

  /**
   * Open a grid; the picture behind its cells is that of its sound.
   * @param {string} name
   * @param {Grid} grid
   * @returns {Promise<string>} the new clip
   */
  async #openGrid(name, { indices, ...grid }) {
    const [clip] = this.data.clips;
    const isOurs = ["levels", "rows", "size", "timeStride"].every((fact) => {
      return /** @type {any} */ (grid)[fact] === /** @type {any} */ (clip)[fact];
    });
    if (grid.modelId !== this.data.codec.modelId || !isOurs) throw new GridError(OTHER_CODEC);
    const spectrogram = await this.codec()
      .then((codec) => pictureOf(codec, indices, { ...grid, quiet: this.data.codec.quiet }))
      .catch(() => "");
    return this.#open({ ...grid, name, history: new GridHistory(indices), spectrogram });
  }

  /** @param {string} words */
  tell(words) {
    this.state.textContent = words;
  }
}

/** The page's colours follow the browser's. */
function followColours() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.body.classList.toggle("dark", dark.matches);
  dark.addEventListener("change", follow);
  follow();
}

const instrument = new Instrument(JSON.parse(find(document.body, "#data").textContent ?? ""));
followColours();
instrument.begin();
