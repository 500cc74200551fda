// @ts-check
// What private mode says, and what can be done with a private clip. There is a bar in Explore and one in Edit; both show
// the same mode.

import { GridError } from "../../../browser/edit_refusals.js";
import { gridFileOf, gridTextOf, wavOf } from "./bytes.js";
import { find, findButton, findInput, make, saveFile, showPressed } from "./dom.js";
import { editsWaiting } from "./edits_waiting.js";
import { Recording } from "./private_guard.js";
import { privateMode } from "./private_mode.js";

/** @typedef {import("./private_mode.js").PrivateMode} PrivateMode */

const ON = "Open or drop a sound: this page encodes it, and nothing of it is sent.";
const SHOWN =
  "Only this page has this clip. A training, a report, the strip, “What did I change?” and an instrument in one file need the server, and do not have it.";
const LOST = "Only this page has this clip. Close it, and lose its edits?";
const NO_SOUND = "The codec stopped in this page, so no sound can be made.";

class PrivateBar {
  /**
   * @param {HTMLElement} element
   * @param {PrivateMode} mode
   */
  constructor(element, mode) {
    this.mode = mode;
    this.words = find(element, ".words");
    this.clips = /** @type {HTMLSelectElement} */ (find(element, "select.clips"));
    this.seconds = /** @type {HTMLSelectElement} */ (find(element, "select.seconds"));
    this.saving = /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll(".needs-clip"));
    this.record = findButton(element, ".record");
    this.texts = find(element, ".texts");
    this.text = /** @type {HTMLTextAreaElement} */ (find(element, "textarea"));
    this.#connect(element);
    mode.follow(() => this.show());
    this.show();
  }

  /** @param {HTMLElement} element */
  #connect(element) {
    const { mode, text } = this;
    const file = findInput(element, "input.file");
    findButton(element, ".open").onclick = () => file.click();
    file.onchange = () => {
      const [chosen] = file.files ?? [];
      if (chosen) void mode.open(chosen);
      file.value = "";
    };
    this.record.onclick = () => void mode.record();
    this.clips.onchange = () => mode.show(this.clips.value);
    this.seconds.onchange = () => mode.chooseSecond(this.seconds.value);
    findButton(element, ".close").onclick = () => this.#close();
    /** @type {(selector: string, act: () => Promise<void>) => void} */
    const when = (selector, act) => {
      findButton(element, selector).onclick = () =>
        void mode.attempt(async () => {
          await editsWaiting.settled();
          await act();
        });
    };
    when(".wav", () => this.#saveSound());
    when(".json", async () => saveFile(gridFileOf(...this.#grid), "application/json", `${this.#stem}.json`));
    when(".text", () => this.#showText());
    findButton(element, ".open-text").onclick = () => void mode.openText(text.value);
  }

  /** Close the clip; one with edits only after a question, because nobody else has them. */
  #close() {
    const { shown } = this.mode;
    const clip = shown?.codec.server.clips.get(shown.work);
    if (clip?.history.labels.length && !window.confirm(LOST)) return;
    this.mode.close();
  }

  /** The clip on the page and its codes. @returns {[import("./types.js").GridValue, Uint16Array]} */
  get #grid() {
    const { shown, value } = this.mode;
    if (!shown || !value) throw new GridError(ON);
    return [value, shown.codec.indicesOf(shown.work).slice()];
  }

  get #stem() {
    return `${this.mode.value?.name.replace(/\.[^.]*$/, "")}-edited`;
  }

  async #saveSound() {
    const { mode } = this;
    const [value, indices] = this.#grid;
    const [stem, shown] = [this.#stem, mode.shown];
    const { wholeSound } = await import("./own_clips.js");
    const told = (/** @type {number} */ share) => mode.say(`Making the sound: ${Math.round(100 * share)} %`);
    const sound = await shown?.codec.use((codec) => wholeSound(codec, indices, value, { told })).catch(() => null);
    if (!sound) throw new GridError(NO_SOUND);
    saveFile(wavOf(sound, value.sample_rate), "audio/wav", `${stem}.wav`);
    mode.say("");
  }

  async #showText() {
    this.texts.hidden = !this.texts.hidden;
    if (this.texts.hidden) return;
    this.text.value = this.mode.shown ? await gridTextOf(...this.#grid) : "";
    this.text.select();
  }

  /** Update everything that may have changed. */
  show() {
    const { mode } = this;
    const { shown, clips, seconds, isRecording } = mode;
    this.record.hidden = !Recording.isPossible; // known once the switch is on the page too
    this.record.textContent = isRecording ? "Stop" : "Record";
    showPressed(this.record, isRecording);
    this.words.textContent = mode.words || (shown ? SHOWN : ON);
    for (const button of this.saving) button.hidden = !shown;
    const option = (/** @type {{work: string, name: string}} */ { work, name }) =>
      make("option", { value: work, textContent: name });
    this.clips.replaceChildren(...clips.map(option));
    this.clips.value = shown?.work ?? "";
    this.clips.hidden = clips.length < 2 && shown !== null ? true : !clips.length;
    this.seconds.replaceChildren(option({ work: "", name: seconds.length ? "None" : "Open another one first" }));
    this.seconds.append(...seconds.map(option));
    this.seconds.value = mode.second.work ?? "";
    this.seconds.disabled = !seconds.length;
  }
}

/** @param {import("./types.js").Component<unknown, unknown>} component */
export function mount({ element }) {
  new PrivateBar(element, privateMode);
}
