// @ts-check
// A tour of the page in five steps, for who asks for it.

import { make, makeButton, scrolling } from "./dom.js";
import { showTab } from "./tabs.js";
import { placeBeside } from "./tour_place.js";

/** @typedef {{target: string, title: string, words: string}} Step */

/** @type {Step[]} */
export const STEPS = [
  {
    target: "#strip",
    title: "The clips",
    words:
      "Press a clip to hear it, twice to open it. “Open a sound” takes one of yours; after a training, all of yours are here.",
  },
  {
    target: "#edit-grid .board",
    title: "The grid",
    words: "A clip is a grid of codes. A row is a band of frequencies, a column a step of time. Space plays.",
  },
  {
    target: "#edit-grid .palette",
    title: "The palette",
    words:
      "These are all sounds that the codec knows on this level. Press one to hear it, then paint with it on the grid: you hear each edit at once.",
  },
  {
    target: "#edit-grid .tools",
    title: "The tools",
    words:
      "Select a part, then copy, move, reverse or repeat it, or blend it with a second clip. Undo takes everything back.",
  },
  {
    target: "#edit-export",
    title: "Take it with you",
    words:
      "Export gives the sound and its codes. To work with sounds of your own, drop at least five of them into Train: a minute later, they are a codec.",
  },
];
const PATIENCE = 5_000; // milliseconds until a step's place is on the page
const SETTLED = 350; // milliseconds that a smooth scroll takes

class Tour {
  number = 0;
  /** @type {HTMLElement | null} */
  target = null;
  #listening = new AbortController();
  #before = document.activeElement;

  constructor() {
    this.title = make("b");
    this.words = make("p");
    this.count = make("span", { className: "step" });
    this.back = makeButton("Back", () => this.go(this.number - 1));
    this.next = makeButton("Next", () => this.go(this.number + 1), "play");
    const end = makeButton("End", () => this.end());
    const bar = make("div", { className: "bar" }, this.count, end, this.back, this.next);
    this.box = make("div", { className: "tour instrument" }, this.title, this.words, bar);
    this.box.setAttribute("role", "dialog");
    this.box.setAttribute("aria-label", "Tour");
    this.words.setAttribute("aria-live", "polite");
    const { signal } = this.#listening;
    for (const name of ["scroll", "resize"])
      window.addEventListener(name, () => this.place(), { signal, capture: true });
    document.addEventListener("keydown", (event) => this.#press(event), { signal, capture: true });
    (document.querySelector(".gradio-container") ?? document.body).append(this.box);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const isInside = event.target instanceof Node && this.box.contains(event.target);
    const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 });
    if (event.key === "Escape") this.end();
    else if (isInside && steps[event.key]) void this.go(this.number + steps[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} number of a step */
  async go(number) {
    if (number < 0) return;
    if (number >= STEPS.length) {
      this.end();
      return;
    }
    this.number = number;
    const { target, title, words } = STEPS[number];
    Object.assign(this.title, { textContent: title });
    this.words.textContent = words;
    this.count.textContent = `${number + 1} of ${STEPS.length}`;
    this.back.disabled = number === 0;
    this.next.textContent = number === STEPS.length - 1 ? "Done" : "Next";
    this.target?.classList.remove("toured");
    this.target = await appearing(target);
    if (number !== this.number || !this.box.isConnected) return;
    this.target?.classList.add("toured");
    this.target?.scrollIntoView({ block: "center", behavior: scrolling() });
    this.place();
    this.next.focus({ preventScroll: true });
    setTimeout(() => this.place(), SETTLED);
  }

  place() {
    if (!this.target) return;
    const { innerWidth: width, innerHeight: height } = window;
    const { left, top } = placeBeside(this.target.getBoundingClientRect(), this.box.getBoundingClientRect(), {
      width,
      height,
    });
    Object.assign(this.box.style, { left: `${left}px`, top: `${top}px` });
  }

  end() {
    this.#listening.abort();
    this.target?.classList.remove("toured");
    this.box.remove();
    if (this.#before instanceof HTMLElement) this.#before.focus();
    if (tour === this) tour = null;
  }
}

/**
 * @param {string} selector
 * @returns {Promise<HTMLElement | null>}
 */
async function appearing(selector) {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const found = /** @type {HTMLElement | null} */ (document.querySelector(selector));
    if (found?.clientWidth || performance.now() > until) return found;
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** @type {Tour | null} */
let tour = null;

export function begin() {
  tour?.end();
  showTab("Edit");
  tour = new Tour();
  void tour.go(0);
}
