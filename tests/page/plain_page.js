// @ts-check
// A stand-in for a browser's page: elements that are found by any selector, remember what is set on them, and pass
// events on to who listens.

import { GridCodes } from "../../distill/ui/components/js/grid_codes.js";
import { GridState } from "../../distill/ui/components/js/grid_state.js";

export class PlainElement extends EventTarget {
  /** @type {any[]} */
  children = [];
  /** @type {Map<string, PlainElement>} what was found in it, by selector */
  #found = new Map();
  /** @type {Map<string, string>} */
  #attributes = new Map();
  #classes = new Set();
  /** @type {any} */
  style = {};
  value = "";
  textContent = "";
  hidden = false;
  disabled = false;
  open = true;
  isConnected = true;

  classList = {
    add: (/** @type {string} */ name) => void this.#classes.add(name),
    remove: (/** @type {string} */ name) => void this.#classes.delete(name),
    contains: (/** @type {string} */ name) => this.#classes.has(name),
    toggle: (/** @type {string} */ name, /** @type {boolean} */ isOn) =>
      void (isOn ? this.#classes.add(name) : this.#classes.delete(name)),
  };

  /** @param {string} selector */
  querySelector(selector) {
    const found = this.#found.get(selector) ?? new PlainElement();
    this.#found.set(selector, found);
    return found;
  }

  /** @param {any[]} children */
  append(...children) {
    this.children.push(...children);
  }

  /** @param {any[]} children */
  replaceChildren(...children) {
    this.children = children;
  }

  /** @param {string} name @param {string} value */
  setAttribute(name, value) {
    this.#attributes.set(name, String(value));
  }

  /** @param {string} name */
  getAttribute(name) {
    return this.#attributes.get(name) ?? null;
  }

  get isPressed() {
    return this.getAttribute("aria-pressed") === "true";
  }

  closest() {
    return this;
  }

  getContext() {
    return null;
  }

  focus() {}
  remove() {}
  before() {}
}

/** The page's own events, of keys and of the window. */
export const page = new EventTarget();
/** @type {any} */
const surroundings = globalThis;
surroundings.window = page;
surroundings.navigator ??= {};
surroundings.document = Object.assign(new PlainElement(), {
  activeElement: null,
  createElement: () => new PlainElement(),
});

/** @type {() => any} an element that passes for any other */
export const plain = () => new PlainElement();

/**
 * A code grid whose editor keeps what is asked and put, and puts it at once.
 * @param {import("../../distill/ui/components/js/types.js").GridValue} value
 */
export function stage(value) {
  /** @type {any[]} */
  const edits = [];
  /** @type {import("../../distill/ui/components/js/grid_codes.js").Put[][]} */
  const puts = [];
  const state = new GridState(new GridCodes(value));
  /** @type {any} */
  const grid = {
    ...{ element: plain(), canvas: plain(), value, state, server: {}, pictures: null, part: null },
    ...{ tell: () => {}, show: () => {}, draw: () => {}, scrollToCursor: () => {} },
    sound: {
      ...{ playing: null, round: null, deck: { moment: 0, latest: { latency: 0 } }, wake: () => {} },
      ...{ soloed: null, solo: (/** @type {any} */ region) => (grid.sound.soloed = region), hearColumns: () => {} },
      maker: { source: { audition: async () => null } },
    },
    editor: {
      edit: (/** @type {any} */ asked, /** @type {any} */ put = []) => {
        edits.push(asked);
        puts.push(put);
        state.codes.put(put);
      },
    },
  };
  return { grid, edits, puts };
}
