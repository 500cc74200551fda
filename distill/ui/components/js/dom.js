// @ts-check
// Small functions for the page's elements.

/**
 * The element in a component that a selector names.
 * @param {HTMLElement} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(root, selector) {
  const found = /** @type {HTMLElement | null} */ (root.querySelector(selector));
  if (!found) throw new Error(`This component has no element ${selector}.`);
  return found;
}

/** @type {(root: HTMLElement, selector: string) => HTMLButtonElement} */
export const findButton = (root, selector) => /** @type {HTMLButtonElement} */ (find(root, selector));

/** @type {(root: HTMLElement, selector: string) => HTMLInputElement} */
export const findInput = (root, selector) => /** @type {HTMLInputElement} */ (find(root, selector));

/** @type {(root: HTMLElement, selector: string) => HTMLCanvasElement} */
export const findCanvas = (root, selector) => /** @type {HTMLCanvasElement} */ (find(root, selector));

/**
 * Create an element with properties and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/**
 * @param {string} words
 * @param {() => void} act
 * @param {string} [className]
 */
export function makeButton(words, act, className = "") {
  return make("button", { type: "button", textContent: words, className, onclick: act });
}

/**
 * Follow the choices of a list. After a choice by pointer the focus goes elsewhere, because a list takes all letters.
 * @param {HTMLSelectElement} list
 * @param {HTMLElement} next what then has the focus
 * @param {() => void} act
 */
export function followChoice(list, next, act) {
  let isPointed = false;
  list.addEventListener("pointerdown", () => {
    isPointed = true;
  });
  list.addEventListener("keydown", () => {
    isPointed = false;
  });
  list.addEventListener("change", () => {
    act();
    if (isPointed) next.focus({ preventScroll: true });
  });
}

/**
 * Show whether a button is pressed.
 * @param {Element} button
 * @param {boolean} isPressed
 */
export function showPressed(button, isPressed) {
  button.setAttribute("aria-pressed", String(isPressed));
}

/**
 * The computed value of a CSS property of an element.
 * @param {Element} element
 * @param {string} property
 */
export function styleOf(element, property) {
  return getComputedStyle(element).getPropertyValue(property).trim();
}

/**
 * Call a function whenever an element's size or the page's colours change.
 * @param {Element} element
 * @param {() => void} draw
 */
export function drawAgainWith(element, draw) {
  new ResizeObserver(draw).observe(element);
  new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
}

/** How the page scrolls by itself: smoothly, except for visitors who want less motion. @returns {ScrollBehavior} */
export const scrolling = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

/**
 * Set a canvas's resolution to its displayed size in device pixels.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @returns {number} device pixels per CSS pixel
 */
export function fitCanvas(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [wide, tall] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== tall) Object.assign(canvas, { width: wide, height: tall });
  return scale;
}

/** @type {(canvas: HTMLCanvasElement) => CanvasRenderingContext2D} */
export const penOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * Offer a file for download.
 * @param {BlobPart} content
 * @param {string} type
 * @param {string} name
 */
export function saveFile(content, type, name) {
  const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
