// @ts-check
// While private mode is on, no file that is dropped, pasted, chosen or recorded on this page reaches what would send it:
// it is opened in the page instead.

import { fileField } from "./drops.js";

/** @typedef {import("./private_mode.js").PrivateMode} PrivateMode */

const SENT = ["#train-files", "#train-add", "#train-load"];
const NOT_TO_TRAIN =
  "Private is on, so these files were not sent. A training runs on the server: turn Private off first.";
const NOT_RECORDED = "Private is on: record with the button beside it, and the sound stays in this page.";

/** @type {(event: Event) => File[]} */
function filesOf(event) {
  if (event instanceof DragEvent) return [...(event.dataTransfer?.files ?? [])];
  if (event instanceof ClipboardEvent) return [...(event.clipboardData?.files ?? [])];
  const { target } = event;
  return target instanceof HTMLInputElement && target.type === "file" ? [...(target.files ?? [])] : [];
}

/**
 * Keep the files of this page from being sent while private mode is on.
 * @param {PrivateMode} mode
 * @param {Window} page
 */
export function guardFiles(mode, page = window) {
  /** @param {Event} event */
  const guard = (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!mode.isOn || target?.matches(".private input")) return;
    const files = filesOf(event);
    if (!files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (target instanceof HTMLInputElement) target.value = "";
    const isSent = SENT.some((taker) => target?.closest(taker) || target === fileField(taker));
    if (isSent || files.length > 1)
      mode.say(NOT_TO_TRAIN); // several sounds are a set to train on
    else void mode.open(files[0]);
  };
  for (const name of ["change", "input", "drop", "paste"]) page.addEventListener(name, guard, { capture: true });
  page.addEventListener(
    "dragover",
    (event) => {
      if (mode.isOn) event.preventDefault(); // or the browser would open the file in place of the page
    },
    { capture: true },
  );
}

/** Our own recorder takes the microphone from here. @type {(() => Promise<MediaStream>) | null} */
let listen = null;

/**
 * Keep the page's other recorder, which sends what it hears, from the microphone while private mode is on.
 * @param {PrivateMode} mode
 */
export function guardMicrophone(mode) {
  const devices = navigator.mediaDevices;
  if (!devices?.getUserMedia) return;
  const ask = devices.getUserMedia.bind(devices);
  listen = () => ask({ audio: true });
  devices.getUserMedia = (constraints) => {
    if (!mode.isOn) return ask(constraints);
    mode.say(NOT_RECORDED);
    return Promise.reject(new DOMException(NOT_RECORDED, "NotAllowedError"));
  };
}

/** Records from the microphone in the page, once. */
export class Recording {
  /** @type {MediaRecorder | null} */
  #recorder = null;
  #isStopped = false;

  static get isPossible() {
    return listen !== null && typeof MediaRecorder === "function";
  }

  /**
   * Begin; the promise has the sound once `stop` was called, or null if that was before the microphone was there.
   * @param {string} name of the sound
   * @returns {Promise<File | null>}
   */
  async start(name) {
    const stream = await /** @type {() => Promise<MediaStream>} */ (listen)();
    const release = () => {
      for (const track of stream.getTracks()) track.stop();
    };
    if (this.#isStopped) {
      release();
      return null;
    }
    try {
      const recorder = new MediaRecorder(stream);
      this.#recorder = recorder;
      /** @type {Blob[]} */
      const parts = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      return await new Promise((done) => {
        recorder.onstop = () => done(new File(parts, name, { type: recorder.mimeType }));
        recorder.start();
      });
    } finally {
      release();
    }
  }

  stop() {
    this.#isStopped = true;
    if (this.#recorder?.state === "recording") this.#recorder.stop();
  }
}
