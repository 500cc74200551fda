// @ts-check
// The waveform of a recording: which part of it is in view, and its drawing with pieces, numbers and moments.

import { clamp, showSeconds, ticksOf } from "./axes.js";
import { bytesOf } from "./bytes.js";
import { fitCanvas, penOf, styleOf } from "./dom.js";

/** @typedef {import("./cuts.js").Cuts} Cuts */
/** @typedef {{extremes: Int8Array, block: number}} Drawing the lowest and the highest sample of each block, by turns */

export const HEIGHT = 116; // pixels of the waveform
const RULER = 16;
const CLOSEST = 1_500; // pixels of a second
const NUMBER_ROOM = 14; // pixels that a piece's number needs

/**
 * The extremes of the samples under a pixel.
 * @param {Drawing} drawing
 * @param {number} from sample
 * @param {number} to sample
 * @returns {[number, number]} from -127 to 127
 */
export function extremesOf({ extremes, block }, from, to) {
  const first = Math.floor(from / block);
  const last = Math.min(Math.max(first + 1, Math.ceil(to / block)), extremes.length / 2);
  let [low, high] = [0, 0];
  for (let at = first; at < last; at++) {
    low = Math.min(low, extremes[2 * at]);
    high = Math.max(high, extremes[2 * at + 1]);
  }
  return [low, high];
}

/** @type {(packed: string, block: number) => Drawing} */
export const drawingOf = (packed, block) => ({ extremes: new Int8Array(bytesOf(packed).buffer), block });

export class CutterView {
  zoom = 1; // 1: the whole recording is in view

  /**
   * @param {{scroller: HTMLElement, track: HTMLElement, canvas: HTMLCanvasElement}} elements
   * @param {number} sampleRate
   */
  constructor({ scroller, track, canvas }, sampleRate) {
    this.scroller = scroller;
    this.track = track;
    this.canvas = canvas;
    this.sampleRate = sampleRate;
    this.length = 1;
  }

  /** Pixels of a sample. */
  get scale() {
    return (this.scroller.clientWidth * this.zoom) / this.length;
  }

  /** The sample under a pointer. @param {{clientX: number}} event */
  sampleUnder({ clientX }) {
    const left = clientX - this.canvas.getBoundingClientRect().left + this.scroller.scrollLeft;
    return clamp(Math.round(left / this.scale), 0, this.length - 1);
  }

  /** @param {number} sample */
  leftOf(sample) {
    return sample * this.scale;
  }

  /**
   * Show more or less of the recording, around a sample that stays where it is.
   * @param {number} factor
   * @param {number} around sample
   */
  zoomBy(factor, around) {
    const { scroller } = this;
    const closest = Math.max(1, (CLOSEST * this.length) / this.sampleRate / Math.max(1, scroller.clientWidth));
    const place = clamp(this.leftOf(around) - scroller.scrollLeft, 0, scroller.clientWidth);
    this.zoom = clamp(this.zoom * factor, 1, closest);
    this.fit();
    scroller.scrollLeft = this.leftOf(around) - place;
  }

  fit() {
    this.track.style.width = this.zoom > 1 ? `${this.length * this.scale}px` : "100%";
  }

  /** Scroll so that a sample is in view. @param {number} sample */
  reveal(sample) {
    const { scroller } = this;
    const place = this.leftOf(sample) - scroller.scrollLeft;
    if (place < 0 || place > scroller.clientWidth) scroller.scrollLeft += place - scroller.clientWidth / 2;
  }

  /** The samples in view: the first, and the one after the last. @returns {[number, number]} */
  get inView() {
    const { scrollLeft, clientWidth } = this.scroller;
    return [
      Math.floor(scrollLeft / this.scale),
      Math.min(this.length, Math.ceil((scrollLeft + clientWidth) / this.scale)),
    ];
  }

  /**
   * @param {Drawing | null} drawing
   * @param {Cuts} cuts
   * @param {number} cursor sample
   */
  draw(drawing, cuts, cursor) {
    const { canvas, scroller } = this;
    const width = scroller.clientWidth;
    if (!width) return;
    Object.assign(canvas.style, { width: `${width}px`, height: `${HEIGHT + RULER}px` });
    const ratio = fitCanvas(canvas, width, HEIGHT + RULER);
    const pen = penOf(canvas);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, HEIGHT + RULER);
    const ink = styleOf(canvas, "color");
    pen.fillStyle = ink;
    this.#drawParts(pen, cuts, cursor, styleOf(canvas, "--color-accent"));
    if (drawing) this.#drawWave(pen, drawing, cuts, ink);
    this.#drawRuler(pen, ink);
    pen.globalAlpha = 1;
    pen.fillStyle = ink;
    pen.fillRect(this.leftOf(cursor) - scroller.scrollLeft, 0, 1, HEIGHT);
  }

  /**
   * The chosen part, and the numbers of the clips.
   * @param {CanvasRenderingContext2D} pen
   * @param {Cuts} cuts
   * @param {number} cursor
   * @param {string} accent
   */
  #drawParts(pen, cuts, cursor, accent) {
    const { scrollLeft, clientWidth } = this.scroller;
    const chosen = cuts.partAt(cursor);
    let number = 0;
    pen.font = "10px monospace";
    pen.textBaseline = "top";
    cuts.parts.forEach(([start, stop], part) => {
      if (cuts.kept[part]) number += 1;
      const [left, right] = [this.leftOf(start) - scrollLeft, this.leftOf(stop) - scrollLeft];
      if (right < 0 || left > clientWidth) return;
      if (part === chosen) {
        const ink = pen.fillStyle;
        pen.fillStyle = accent;
        pen.globalAlpha = 0.14;
        pen.fillRect(left, 0, right - left, HEIGHT);
        pen.fillStyle = ink;
      }
      pen.globalAlpha = 0.8;
      if (cuts.kept[part] && !cuts.isWhole && right - left > NUMBER_ROOM) pen.fillText(`${number}`, left + 4, 3);
    });
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Drawing} drawing
   * @param {Cuts} cuts
   * @param {string} ink
   */
  #drawWave(pen, drawing, cuts, ink) {
    const { scale } = this;
    const { scrollLeft, clientWidth } = this.scroller;
    const middle = HEIGHT / 2;
    pen.fillStyle = ink;
    let part = cuts.partAt(scrollLeft / scale);
    for (let x = 0; x < clientWidth; x++) {
      const from = (scrollLeft + x) / scale;
      if (from >= this.length) break;
      while (cuts.marks[part] <= from) part += 1;
      const [low, high] = extremesOf(drawing, from, from + 1 / scale);
      pen.globalAlpha = cuts.kept[part] ? 0.85 : 0.2;
      const top = middle - (high / 127) * (middle - NUMBER_ROOM);
      pen.fillRect(x, top, 1, Math.max(1, ((high - low) / 127) * (middle - NUMBER_ROOM)));
    }
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {string} ink
   */
  #drawRuler(pen, ink) {
    const perSecond = this.scale * this.sampleRate;
    const [first, last] = this.inView;
    pen.fillStyle = ink;
    pen.globalAlpha = 0.7;
    pen.textBaseline = "bottom";
    for (const tick of ticksOf(first / this.sampleRate, last / this.sampleRate, perSecond)) {
      const left = tick * perSecond - this.scroller.scrollLeft;
      pen.fillRect(left, HEIGHT, 1, 4);
      pen.fillText(showSeconds(tick), left + 3, HEIGHT + RULER);
    }
  }
}
