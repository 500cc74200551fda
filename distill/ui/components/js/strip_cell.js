// @ts-check
// One clip of the strip: its picture, drawn for the screen at hand, its name and its length.

import { bytesOf } from "../../../browser/base64.js";
import { fitCanvas, make, penOf } from "./dom.js";
import { decibelsOf, factsOf, lengthOf, shareOf } from "./strip_words.js";

/** @typedef {import("./types.js").StripClip} StripClip */
/** @typedef {{isOpen: boolean, isSecond: boolean, isChosen: boolean, isOpening: boolean, heard: number, place: number,
 *   known: import("./strip_errors.js").Known | null | undefined}} Look
 *   `heard` is the length of what plays, in seconds; 0 if nothing plays. `place` is that among several chosen clips */

export const CELL = { width: 128, height: 48, gap: 8 }; // pixels
const [COLUMNS, ROWS] = [64, 32];
const WORST = 1; // neper of error at which the line below a picture has its full length

/** @type {HTMLCanvasElement | null} */
let scratch = null;

/**
 * The levels of a picture as shades of black, the lowest band at the bottom.
 * @param {string} packed
 */
function shadesOf(packed) {
  scratch ??= make("canvas", { width: COLUMNS, height: ROWS });
  const image = new ImageData(COLUMNS, ROWS);
  bytesOf(packed).forEach((level, index) => {
    const row = ROWS - 1 - Math.floor(index / COLUMNS);
    image.data[4 * (row * COLUMNS + (index % COLUMNS)) + 3] = level;
  });
  penOf(scratch).putImageData(image, 0, 0);
  return scratch;
}

/**
 * Change the words of an element, without an exchange of nodes.
 * @param {HTMLElement} element
 * @param {string} words
 */
function write(element, words) {
  const text = /** @type {Text} */ (element.firstChild ?? element.appendChild(new Text()));
  if (text.data !== words) text.data = words;
}

export class StripCell {
  #drawn = "";
  #title = "";

  /** @type {StripClip | null} */
  #clip = null;

  /** @param {string} id of the element */
  constructor(id) {
    this.canvas = make("canvas", { ariaHidden: "true" });
    this.head = make("i", { className: "head", hidden: true });
    this.facts = make("span", { className: "facts" });
    this.name = make("b", {}, "");
    this.badge = make("span", { className: "badge" });
    this.placeMark = make("span", { className: "place" });
    this.line = make("i", { className: "line", hidden: true });
    const parts = [this.canvas, this.head, this.line, this.badge, this.placeMark, this.name, this.facts];
    this.element = make("div", { className: "cell", id }, ...parts);
    this.element.setAttribute("role", "option");
  }

  /** @param {StripClip} clip the clip to show */
  take(clip) {
    this.#clip = clip;
    this.#drawn = "";
    write(this.name, clip.name);
    this.#title = [clip.name, lengthOf(clip.seconds), clip.note].filter(Boolean).join(", ");
    this.element.classList.toggle("gone", !clip.is_kept);
  }

  /**
   * @param {number} number
   * @param {number} count
   */
  place(number, count) {
    this.element.style.transform = `translateX(${number * (CELL.width + CELL.gap)}px)`;
    this.element.setAttribute("aria-posinset", String(number + 1));
    this.element.setAttribute("aria-setsize", String(count));
  }

  /** @param {Look} look */
  show({ isOpen, isSecond, isChosen, isOpening, heard, place, known }) {
    const { element, head, line } = this;
    const clip = this.#clip;
    if (!clip) return;
    element.setAttribute("aria-selected", String(isChosen));
    element.setAttribute("aria-busy", String(isOpening));
    element.classList.toggle("open", isOpen);
    element.classList.toggle("second", isSecond);
    element.classList.toggle("left-out", clip.weight === 0);
    write(this.badge, isOpen ? "open" : isSecond ? "second" : "");
    write(this.placeMark, place ? String(place) : "");
    write(this.facts, factsOf(clip, known));
    element.title = [this.#title, known ? `${known.word}: ${decibelsOf(known)} off, uses ${shareOf(known)}` : ""]
      .filter(Boolean)
      .join(", ");
    element.dataset.word = known?.word ?? "";
    line.hidden = !known;
    if (known) line.style.width = `${Math.round(100 * Math.min(1, known.mel_l1 / WORST))}%`;
    head.hidden = !heard;
    if (heard) head.style.animationDuration = `${heard}s`;
  }

  /**
   * @param {string | null | undefined} packed the picture; null if there is none
   * @param {string} ink CSS colour
   */
  draw(packed, ink) {
    const { canvas } = this;
    const drawn = `${ink} ${window.devicePixelRatio} ${packed ? "picture" : "none"}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    fitCanvas(canvas, CELL.width, CELL.height);
    const pen = penOf(canvas);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (!packed) return;
    pen.imageSmoothingEnabled = false;
    pen.globalCompositeOperation = "source-over";
    pen.drawImage(shadesOf(packed), 0, 0, canvas.width, canvas.height);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = ink;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }
}
