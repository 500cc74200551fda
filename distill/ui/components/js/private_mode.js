// @ts-check
// Private mode: while it is on, what a visitor opens stays in this page. A codec in the page encodes it, a server in the
// page answers the edits, and the page writes the files.

import { GridError } from "../../../browser/edit_refusals.js";
import { unpackDirections } from "../../../browser/grid_slides.js";
import { picturesOfCodecs } from "./codec_pictures.js";
import { Recording } from "./private_guard.js";
import { isRefusal } from "./server.js";

/** @typedef {import("./types.js").GridValue} GridValue */
/** @typedef {import("./private_codec.js").PrivateCodec} PrivateCodec */

const SILENT = { error: "The codec stopped in this page. Save the grid, and open it again." };
const ON_THE_SERVER = { error: "This needs the server, and no server has this clip: it is private." };
const NO_MICROPHONE = "The browser gives this page no microphone.";
const NO_CLIP = "Wait for the page's own clip first; then open a sound privately.";

export const GONE = { error: "This clip is no longer open here." };
const NAME = "private "; // begins the names of the clips here, and of none of the server

/** Whether a request is about a private clip, also one that was closed: no server is asked about it. @param {any} request */
export const isPrivate = (request) => String(request?.work).startsWith(NAME);

export class PrivateMode {
  isOn = false;
  words = ""; // what is being done, or why not
  /** @type {Map<string, Promise<PrivateCodec>>} by `model_id` */
  #codecs = new Map();
  /** @type {Map<string, PrivateCodec>} by the name of a clip here */
  #works = new Map();
  #opened = 0; // number of clips
  #shown = ""; // the clip on the code grid
  #second = "";
  #timesTurnedOff = 0;
  /** @type {import("./served_clip.js").ServedClip | null} */
  #served = null;
  /** @type {Map<string, string>} the latest clip of the server in each codec, by `model_id` */
  #servedIn = new Map();
  /** @type {import("./types.js").GridServer | null} */
  #server = null;
  /** @type {(() => void)[]} */
  #listeners = [];

  /**
   * @param {(value: GridValue) => Promise<PrivateCodec>} fetchCodec
   * @param {() => Pick<Recording, "start" | "stop">} newRecording
   */
  constructor(fetchCodec = loadCodec, newRecording = () => new Recording()) {
    this.fetchCodec = fetchCodec;
    this.newRecording = newRecording;
  }

  /** The clip that the server shows. */
  get served() {
    return this.#served;
  }

  set served(clip) {
    this.#served = clip;
    if (clip) this.#servedIn.set(clip.value.model_id, clip.value.work);
  }

  /** @type {Pick<Recording, "start" | "stop"> | null} */
  #recording = null;
  #recorded = 0; // number of recordings

  get isRecording() {
    return this.#recording !== null;
  }

  /** Begin to record in the page, or stop; what was recorded is opened. */
  async record() {
    if (this.#recording) {
      this.#recording.stop();
      return;
    }
    const timesTurnedOff = this.#timesTurnedOff;
    this.#recording = this.newRecording();
    const recorded = this.#recording.start(`recording ${++this.#recorded}`).catch(() => NO_MICROPHONE);
    this.#tell();
    const file = await recorded;
    this.#recording = null;
    this.#tell(typeof file === "string" ? file : "");
    if (file instanceof File) await this.open(file, timesTurnedOff);
  }

  /** Call a function after each change. @param {() => void} act */
  follow(act) {
    this.#listeners.push(act);
  }

  #tell(words = "") {
    this.words = words;
    for (const act of this.#listeners) act();
  }

  /** The private clip that the page shows; null while it shows one of the server. */
  get shown() {
    const codec = this.isOn ? this.#works.get(this.#shown) : undefined;
    return codec ? { work: this.#shown, codec } : null;
  }

  /** What the code grid shows of the private clip; null while the page shows one of the server. */
  get value() {
    const { shown } = this;
    return shown?.codec.valueOf(shown.work) ?? null;
  }

  /** @type {Map<string, Promise<import("./private_explore.js").Explored>>} by the name of a clip here */
  #explored = new Map();

  /** What Explore shows of the private clip; null while the page shows one of the server. */
  async explored() {
    const { shown } = this;
    const clip = shown?.codec.server.clips.get(shown.work);
    if (!shown || !clip) return null;
    const { Explored } = await import("./private_explore.js");
    const kept = this.#explored.get(shown.work) ?? Explored.of(shown.codec, clip);
    this.#explored.set(shown.work, kept);
    kept.catch(() => this.#explored.delete(clip.work));
    return kept;
  }

  /** The private clips. @returns {{work: string, name: string, codec: PrivateCodec}[]} */
  get clips() {
    return [...this.#works].map(([work, codec]) => ({ work, name: codec.server.clips.get(work)?.name ?? "", codec }));
  }

  /** The clips that can be the second one. */
  get seconds() {
    const { shown } = this;
    return this.clips.filter(({ work, codec }) => codec === shown?.codec && work !== shown.work);
  }

  /** The second clip, as the code grid has it. */
  get second() {
    const clip = this.seconds.find(({ work }) => work === this.#second);
    return clip ? { work: clip.work, name: clip.name } : {};
  }

  /** @param {boolean} isOn */
  turn(isOn) {
    this.isOn = isOn;
    if (!isOn) {
      this.#timesTurnedOff += 1;
      this.#recording?.stop(); // nobody sees any more that the page listens
    }
    this.#tell();
  }

  /** Show another private clip. @param {string} work */
  show(work) {
    this.isOn = true;
    this.#shown = work;
    this.#tell();
  }

  /** Let the clip go that is shown: another private one takes its place, or the server's. */
  close() {
    const { shown } = this;
    if (!shown) return;
    this.#works.delete(shown.work);
    this.#explored.delete(shown.work);
    shown.codec.close(shown.work);
    this.#shown = this.clips.at(-1)?.work ?? "";
    this.#letCodecsGo();
    this.#tell();
  }

  /** Keep only the codecs that have clips, and the one in use. */
  #letCodecsGo() {
    const used = new Set([...this.#works.values()].map(({ modelId }) => modelId));
    for (const [modelId, codec] of this.#codecs) {
      if (used.has(modelId) || modelId === this.served?.value.model_id) continue;
      this.#codecs.delete(modelId);
      codec.then((unused) => unused.rest()).catch(() => {});
    }
  }

  /** @param {string} work "" for none */
  chooseSecond(work) {
    this.#second = work;
    this.#tell();
  }

  /**
   * Open a sound, or a grid, and show it.
   * @param {File} file
   * @param {number} [timesTurnedOff] when the visitor asked for it: one who has left private mode since is not led back
   */
  open(file, timesTurnedOff = this.#timesTurnedOff) {
    return this.#open(file.name, (codec, work, told) => codec.add(work, file, told), timesTurnedOff);
  }

  /** Open a grid from its text. @param {string} text */
  openText(text) {
    return this.#open("the text", async (codec, work) => {
      const { readGridText } = await import("../../../browser/grid_files.js");
      await codec.addGrid(work, "grid from text", await readGridText(text));
    });
  }

  /**
   * @param {string} name
   * @param {(codec: PrivateCodec, work: string, told: (share: number) => void) => Promise<void>} add
   * @param {number} [timesTurnedOff]
   */
  async #open(name, add, timesTurnedOff = this.#timesTurnedOff) {
    await this.attempt(async () => {
      const told = (share = 0) => this.#tell(`Opening ${name} in this page: ${Math.round(100 * share)} %`);
      told();
      const codec = await this.#codec();
      const work = `${NAME}${++this.#opened}`;
      await add(codec, work, told);
      this.#works.set(work, codec);
      if (!this.#codecs.has(codec.modelId)) this.#codecs.set(codec.modelId, Promise.resolve(codec)); // let go meanwhile
      this.#shown = work;
      if (timesTurnedOff === this.#timesTurnedOff) this.isOn = true;
      this.#tell();
    });
  }

  /**
   * Do something, and say in a sentence why it cannot be done.
   * @param {() => Promise<void>} act
   */
  async attempt(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof GridError)) console.info(error);
      this.#tell(error instanceof GridError ? error.message : "That did not work in this browser; please try again.");
    }
  }

  /** Say something beside the switch. @param {string} words */
  say(words) {
    this.#tell(words);
  }

  /** The codec in use, with its encoder; it is fetched once. */
  #codec() {
    const value = this.served?.value;
    if (!value) throw new GridError(NO_CLIP);
    const { model_id: modelId } = value;
    const kept = this.#codecs.get(modelId);
    if (kept) return kept;
    const fetched = this.fetchCodec(value);
    this.#codecs.set(modelId, fetched);
    this.#letCodecsGo();
    fetched.then(
      (codec) => this.#learn(codec),
      () => this.#codecs.delete(modelId), // the next try fetches it again
    );
    return fetched;
  }

  /** Ask for all that the server knows of a codec, as long as it is in use. @param {PrivateCodec} codec */
  #learn(codec) {
    if (!this.#server) return;
    void this.lensOf(codec);
    void picturesOfCodecs.of(codec.modelId, () => this.picturesOf(codec));
  }

  /** The pictures of a codec. @param {PrivateCodec} codec @returns {import("./types.js").Answer<any>} */
  picturesOf({ modelId }) {
    const work = this.#servedIn.get(modelId);
    return work && this.#server ? this.#server.codec_pictures({ work }) : Promise.resolve(ON_THE_SERVER);
  }

  /**
   * What the lens knows of a codec; the page's own server makes slides with it.
   * @param {PrivateCodec} codec
   * @returns {import("./types.js").Answer<any>}
   */
  lensOf(codec) {
    const ask = async () => {
      const work = this.#servedIn.get(codec.modelId);
      const facts = work && (await this.#server?.codec_lens?.({ work, slides: true }));
      if (!facts || isRefusal(facts)) return facts || ON_THE_SERVER;
      if (facts.slides) codec.server.codec.slides = unpackDirections(facts.slides);
      return facts;
    };
    const forget = () => {
      codec.lens = null;
    };
    if (codec.lens) return codec.lens;
    const lens = ask();
    codec.lens = lens;
    lens.then((facts) => isRefusal(facts) && forget(), forget);
    return lens;
  }

  // ---- what components ask of a server

  /**
   * A server for the code grid: it answers for private clips itself, and asks the other one for all others.
   * @param {import("./types.js").GridServer} server
   */
  serverBeside(server) {
    const mode = this;
    this.#server = server;
    /** @type {(name: string) => (request: {work?: unknown}) => any} */
    const asking = (name) => (request) => {
      const codec = this.#works.get(String(request?.work));
      if (!codec) return isPrivate(request) ? Promise.resolve(GONE) : /** @type {any} */ (server)[name](request);
      if (name === "edit") return this.#edit(codec, request);
      if (name === "second_grid") return codec.server.second_grid(/** @type {any} */ (request));
      if (name === "timing") return codec.server.timing(/** @type {any} */ (request));
      if (name === "codec_pictures") return this.picturesOf(codec);
      if (name === "codec_lens") return this.lensOf(codec);
      if (name === "sound" || name === "audition") return this.#silence(codec);
      return Promise.resolve(ON_THE_SERVER);
    };
    return new Proxy(server, {
      get(real, name) {
        if (typeof name !== "string" || typeof (/** @type {any} */ (real)[name]) !== "function") {
          return Reflect.get(real, name);
        }
        if (name === "edit" || name === "timing") {
          return (/** @type {any} */ request) => mode.#editing(asking(name), request);
        }
        return asking(name);
      },
    });
  }

  /**
   * @param {import("./private_codec.js").PrivateCodec} codec
   * @param {any} request
   */
  async #edit(codec, request) {
    if (request.kind === "slide") await this.lensOf(codec).catch(() => null);
    return codec.server.edit(request);
  }

  /**
   * An edit, or a beat; the server's clip is kept up to date for the return to it.
   * @param {(request: any) => any} send
   * @param {any} request
   */
  async #editing(send, request) {
    const answer = await send(request);
    if (answer && !isRefusal(answer)) this.served?.correct(request.work, answer);
    return answer;
  }

  /**
   * The page makes all sounds of a private clip: who asks for one waits, until the codec turns out not to start.
   * @param {PrivateCodec} codec
   */
  async #silence(codec) {
    const { pageCodecs } = await import("./page_codecs.js");
    const opened = await pageCodecs.of({ codec_file: codec.codecFile }, codec.open);
    return opened ? new Promise(() => {}) : SILENT;
  }

  /**
   * Opens the codec of a clip for the code grid: of a private one from the file that this page keeps.
   * @param {import("./types.js").OpenCodec} otherwise
   * @returns {import("./types.js").OpenCodec}
   */
  opening(otherwise) {
    return (value) => {
      const codec = [...this.#works.values()].find(({ codecFile }) => codecFile === value.codec_file);
      return codec ? codec.open() : otherwise(value);
    };
  }
}

/** @param {GridValue} value */
async function loadCodec(value) {
  const { PrivateCodec } = await import("./private_codec.js");
  return PrivateCodec.fetch(value);
}

export const privateMode = new PrivateMode();
