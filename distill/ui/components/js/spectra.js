// @ts-check
// Spectrograms and code maps on the player's axis of time. They zoom and scroll with the player.
//
// element.spectra = {view, readout, loaded} for scripts and tests.

import { clamp } from "./axes.js";
import { unpackCodes } from "./bytes.js";
import { picturesOfCodecs } from "./codec_pictures.js";
import { drawAgainWith, find, make } from "./dom.js";
import { keyOf } from "./keys.js";
import { answerTo, isRefusal } from "./server.js";
import { BANDS, bandAt, decibelsAt, heightOf, hzOfBand, showDb, showHz, unpackSpectra } from "./spectra_data.js";
import {
  DIFFERENCE_SCALE,
  drawPicture,
  drawScale,
  drawTimes,
  levelsScale,
  paintCodes,
  paintDifference,
  paintMel,
} from "./spectra_painter.js";
import { followFingersInTime, followWheelInTime, momentUnder, pressZoom } from "./time_hands.js";
import { placeIn } from "./time_view.js";
import { timeline } from "./timeline.js";

/** @typedef {import("./types.js").Component<import("./types.js").SpectraValue, import("./types.js").SpectraServer>} Component */
/** @typedef {import("./spectra_painter.js").Picture} Picture */
/** @typedef {{kind: "mel" | "difference" | "codes" | "times", of: number, pane: HTMLCanvasElement, scale: HTMLCanvasElement | null, title: HTMLElement, note: Text, picture: Picture | null}} Panel */

const HINT =
  "Point at a picture to read frequency, time and level. Drag to choose a part. Control and wheel, + and − zoom.";
const LABEL =
  "Spectrograms and code maps. Arrow keys move the point that is read out, plus and minus zoom, 0 shows the whole clip, Enter plays from the point.";
const TICKS = [250, 1000, 4000, 16_000]; // Hz
const DRAG = 4; // pixels of movement from which a click becomes a selection
const REST = 150; // milliseconds without a change of the view, before a sharper picture is asked for
const SHARPER = 1.5; // how much sharper a picture must be to be asked for

export class Spectra {
  /** @type {import("./spectra_data.js").Spectra | null} */
  data = null;
  /** @type {string[][] | null} colours of the codes, by level */
  colours = null;
  /** @type {Uint16Array} */
  codes = new Uint16Array();
  /** @type {Panel[]} */
  panels = [];
  point = { moment: 0, share: 0.3 }; // what is read out: a moment, and a height from the bottom
  isPointed = false;
  #heard = -1; // the spectrogram that the second panel shows
  #wanted = 0; // number of the latest request
  #frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting;
  /** @type {import("./axes.js").Span | null} the view after whose change a sharper picture may be needed */
  #viewed = null;

  /** @param {Component} component */
  constructor({ element, props, server }) {
    this.element = element;
    this.props = props;
    this.server = server;
    this.readout = find(element, ".readout");
    this.stack = find(element, ".stack");
    this.message = find(element, ".message");
    this.over = find(element, ".over");
    this.stack.setAttribute("aria-label", LABEL);
    this.stack.addEventListener("keydown", (event) => this.#press(event));
    this.stack.addEventListener("pointerleave", () => this.#readOut(false));
    timeline.add(() => this.#changed());
    this.take();
  }

  get value() {
    return this.props.value;
  }

  /** The spectrogram that is compared with the original: that of the track that is heard. */
  get heard() {
    return clamp(timeline.track || this.#heard, 1, this.value.levels.length);
  }

  take() {
    const { value } = this;
    clearTimeout(this.#resting); // it was about the clip before
    this.data = this.colours = null;
    this.codes = unpackCodes(value.indices);
    this.#heard = value.levels.length;
    this.message.textContent = "";
    this.#build();
    void this.#fetch(0, value.num_frames);
    void this.#fetchColours();
    this.#readOut(false);
  }

  #build() {
    const { levels } = this.value;
    this.panels = [
      this.#panel("mel", 0),
      this.#panel("mel", levels.length),
      this.#panel("difference", levels.length),
      ...levels.map((_, level) => this.#panel("codes", level)),
      this.#panel("times", 0),
    ];
    const rows = this.panels.map(({ kind, pane, scale, title, note }) => {
      const what = make("div", { className: "what" }, title, make("span", {}, note));
      if (kind === "mel") what.append(...TICKS.map(tickOf));
      return make("div", { className: `panel ${kind}` }, what, pane, ...(scale ? [scale] : []));
    });
    find(this.element, ".panels").replaceChildren(...rows);
  }

  /** @type {(kind: Panel["kind"], of: number) => Panel} */
  #panel(kind, of) {
    const pane = make("canvas", { className: "pane" });
    const hasScale = kind === "mel" || kind === "difference";
    const scale = hasScale ? make("canvas", { className: "scale" }) : null;
    if (kind !== "times") this.#followPointer(pane);
    followWheelInTime(pane);
    followFingersInTime(pane);
    return { kind, of, pane, scale, title: make("b"), note: new Text(""), picture: null };
  }

  /** @type {(first: number, last: number) => Promise<void>} */
  async #fetch(first, last) {
    this.#wanted += 1;
    const [mine, { work }] = [this.#wanted, this.value];
    const answer = await answerTo(this.server.spectra({ work, first, last }));
    if (mine !== this.#wanted) return;
    if (isRefusal(answer)) {
      this.message.textContent = answer.error;
      return;
    }
    const data = await unpackSpectra(answer);
    if (mine !== this.#wanted) return;
    this.data = data;
    this.#paint();
    this.#rest(); // the view may have changed meanwhile
  }

  async #fetchColours() {
    const { work, model_id: modelId } = this.value;
    const pictures = await picturesOfCodecs.of(modelId, () => this.server.codec_pictures({ work }));
    if (modelId !== this.value.model_id || isRefusal(pictures)) return;
    this.colours = pictures.colours;
    this.#paint();
  }

  /** Paint the pictures of all panels anew, because the data or the track changed. */
  #paint() {
    const { data, colours, value, heard } = this;
    const { frame_seconds: seconds, titles, rows, columns } = value;
    for (const panel of this.panels) {
      const { kind, of } = panel;
      if (kind === "codes" && colours) {
        const codes = this.codes.subarray(of * rows * columns, (of + 1) * rows * columns);
        panel.picture = paintCodes(value, codes, colours[of], seconds * value.time_stride);
        panel.title.textContent = `${value.levels[of]} codes`;
        panel.note.data = `${new Set(codes).size} of ${value.size} in use`;
      } else if (kind === "mel") {
        const mel = of ? heard : 0;
        panel.picture = data && paintMel(data, mel, seconds);
        [panel.title.textContent, panel.note.data] = titles[mel];
      } else if (kind === "difference") {
        panel.picture = data && paintDifference(data, heard, seconds);
        panel.title.textContent = "Difference";
        panel.note.data = "red: louder than the original; blue: quieter";
      }
    }
    this.draw();
  }

  /** The moment, the view, the part or the track changed. */
  #changed() {
    const { track } = timeline;
    if (track && track !== this.#heard && this.value) {
      this.#heard = track;
      if (this.panels.length) this.#paint();
    }
    if (timeline.view !== this.#viewed) {
      this.#viewed = timeline.view; // not on each move of the playhead, which would put it off for as long as that moves
      this.#rest();
    }
    this.draw();
  }

  /** Look whether a sharper picture is needed, once the view has not changed for a while. */
  #rest() {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#sharpen(), REST);
  }

  /** Ask for a sharper picture of a long clip, if a part of it is in view. */
  #sharpen() {
    const { data } = this;
    const { frame_seconds: each, num_frames } = this.value;
    if (!data || (data.stride === 1 && data.columns >= num_frames)) return;
    const [first, last] = timeline.view.map((moment) => moment / each);
    const isCovered = data.first <= first && data.first + data.columns * data.stride >= Math.min(last, num_frames);
    const isSharp = data.columns * data.stride < SHARPER * 2 * (last - first);
    if (isCovered && (isSharp || data.stride === 1)) return;
    const margin = (last - first) / 4;
    void this.#fetch(Math.max(0, Math.floor(first - margin)), Math.min(num_frames, Math.ceil(last + margin)));
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#show();
    });
  }

  #show() {
    const { data, panels } = this;
    if (!this.stack.clientWidth) return;
    const { view, moment, part } = timeline;
    const shown = JSON.stringify(view);
    for (const { kind, pane, picture, scale } of panels) {
      if (kind === "times") drawTimes(pane, view);
      else drawPicture(pane, picture, view);
      if (scale?.clientWidth && data) drawScale(scale, kind === "mel" ? levelsScale(data.top_db) : DIFFERENCE_SCALE);
    }
    this.stack.dataset.view = shown;
    const [band, hair, head] = [".part", ".hair", ".playhead"].map((name) => find(this.over, name));
    place(head, placeIn(view, moment));
    hair.hidden = !this.isPointed;
    if (this.isPointed) place(hair, placeIn(view, this.point.moment));
    band.hidden = !part;
    if (part) {
      const [left, right] = part.map((each) => clamp(placeIn(view, each), 0, 1));
      Object.assign(band.style, { left: `${100 * left}%`, width: `${100 * (right - left)}%` });
    }
  }

  /** @param {HTMLCanvasElement} pane */
  #followPointer(pane) {
    /** @type {{x: number, moment: number, isMoved: boolean} | null} */
    let drag = null;
    pane.addEventListener("pointerdown", (event) => {
      if (event.button || !event.isPrimary) return;
      drag = { x: event.clientX, moment: momentUnder(pane, event.clientX), isMoved: false };
      if (event.pointerType !== "touch") pane.setPointerCapture(event.pointerId);
    });
    pane.addEventListener("pointermove", (event) => {
      this.#pointAt(pane, event);
      if (!drag) return;
      drag.isMoved ||= Math.abs(event.clientX - drag.x) > DRAG;
      if (drag.isMoved && event.pointerType !== "touch") timeline.choose(drag.moment, momentUnder(pane, event.clientX));
    });
    pane.addEventListener("pointerup", (event) => {
      if (drag && !drag.isMoved) timeline.point(clamp(momentUnder(pane, event.clientX), 0, timeline.seconds));
      if (drag) this.#pointAt(pane, event);
      drag = null;
    });
    pane.addEventListener("pointercancel", () => {
      drag = null;
    });
  }

  /**
   * @param {HTMLCanvasElement} pane
   * @param {PointerEvent} event
   */
  #pointAt(pane, { clientX, clientY }) {
    const { bottom, height } = pane.getBoundingClientRect();
    this.point = {
      moment: clamp(momentUnder(pane, clientX), 0, timeline.seconds),
      share: clamp((bottom - clientY) / height, 0, 0.999),
    };
    this.#readOut(true);
  }

  /** @param {boolean} isPointed */
  #readOut(isPointed) {
    this.isPointed = isPointed;
    this.readout.setAttribute("aria-live", document.activeElement === this.stack ? "polite" : "off");
    this.readout.textContent = isPointed ? this.words() : HINT;
    this.draw();
  }

  /** What is at the point: time, frequency, the level on each spectrogram in dB, the codes. */
  words() {
    const { data, value, heard, codes } = this;
    const { moment, share } = this.point;
    const frame = Math.min(Math.floor(moment / value.frame_seconds), value.num_frames - 1);
    const band = bandAt(share);
    const words = [`${moment.toFixed(3)} s`, showHz(hzOfBand(band))];
    const [original, rebuilt] = [0, heard].map((mel) => data && decibelsAt(data, mel, frame, band));
    if (original !== null && rebuilt !== null) {
      words.push(`original ${showDb(original)}, ${value.titles[heard][0]} ${showDb(rebuilt)}`);
      words.push(`difference ${showDb(rebuilt - original)}`);
    }
    const row = Math.floor((band * value.rows) / BANDS);
    const column = Math.min(Math.floor(frame / value.time_stride), value.columns - 1);
    const named = value.levels.map((name, level) => {
      return `${name} ${codes[(level * value.rows + row) * value.columns + column]}`;
    });
    return [...words, `codes ${named.join(", ")}`].join(" · ");
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const key = keyOf(event);
    const { view, seconds } = timeline;
    /** @type {Record<string, [number, number]>} */
    const steps = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, 1], arrowdown: [0, -1] };
    if (steps[key]) {
      const [along, up] = steps[key];
      const { moment, share } = this.point;
      const step = Math.max(this.value.frame_seconds, (view[1] - view[0]) / 100);
      this.point = {
        moment: clamp(moment + along * step, 0, seconds),
        share: clamp(share + up / BANDS, 0, 0.999),
      };
      if (this.point.moment < view[0] || this.point.moment > view[1]) timeline.pan(this.point.moment - moment);
      this.#readOut(true);
    } else if (key === "enter") timeline.point(this.point.moment);
    else if (!pressZoom(key)) return;
    event.preventDefault();
  }
}

/** @param {number} hz */
function tickOf(hz) {
  const tick = make("i", { textContent: hz < 1000 ? String(hz) : `${hz / 1000}k` });
  tick.style.bottom = `calc(${100 * heightOf(hz)}% - 6px)`;
  return tick;
}

/**
 * @param {HTMLElement} line
 * @param {number} share
 */
function place(line, share) {
  line.hidden = share < 0 || share > 1;
  line.style.left = `${100 * share}%`;
}

/** @param {Component} component */
export function mount(component) {
  const { element, watch } = component;
  const spectra = new Spectra(component);
  Object.assign(element, {
    spectra: {
      get view() {
        return timeline.view;
      },
      get readout() {
        return spectra.readout.textContent;
      },
      get loaded() {
        return spectra.data && { work: spectra.value.work, ...spectra.data };
      },
    },
  });
  watch("value", () => {
    if (component.props.value) spectra.take();
  });
  drawAgainWith(element, () => spectra.draw());
}
