// @ts-check
// Keys of the page: which key an event means on any keyboard layout, and which keys the focused element needs itself.

/** @typedef {Pick<KeyboardEvent, "key" | "code" | "shiftKey" | "ctrlKey" | "metaKey" | "altKey" | "isComposing" | "keyCode">} Press */

const COMPOSING = 229; // the key code of a key that a text input method takes
const SIGNS = "+-=";
const TEXTS =
  "textarea, [contenteditable]:not([contenteditable=false]), [role=textbox], [role=searchbox], [role=combobox]";
const POPUPS = "dialog, [role=dialog], [role=alertdialog], [role=menu], [role=listbox]";
const BUTTONS = ["button", "submit", "reset", "image", "file", "color"];
const STEPS = ["arrowup", "arrowdown", "arrowleft", "arrowright", "home", "end", "pageup", "pagedown"];

/**
 * The key that is meant, in lower case: by its print; where that is no Latin letter or digit, by its place.
 *
 * A key of the digits' row is its digit also where a layout prints digits with Shift only. The signs of the zoom are
 * taken as printed. Empty for keys of a text input method, and for AltGr, which only prints.
 * @param {Press} press
 */
export function keyOf({ key, code, shiftKey, ctrlKey, metaKey, altKey, isComposing, keyCode }) {
  if (isComposing || keyCode === COMPOSING || (ctrlKey && altKey)) return "";
  if (/^([a-z0-9 ]|[A-Z][A-Za-z]*\d*)$/.test(key) || SIGNS.includes(key)) return key.toLowerCase();
  const [, letter, digit] = /^(?:Key([A-Z])|Digit(\d))$/.exec(code) ?? [];
  if (digit && !shiftKey) return digit;
  // A sign is a letter's place only in a command, as Control Shift Z on an Arabic layout: Latin layouts have signs there.
  const isForeign = /[\p{L}\p{M}]/u.test(key) && !/\p{Script=Latin}/u.test(key);
  const isSign = (ctrlKey || metaKey) && !/\p{L}/u.test(key);
  return letter && (isForeign || isSign) ? letter.toLowerCase() : key.toLowerCase();
}

/**
 * Whether the focused element needs a key itself: all keys in a field for text, few in other fields, none on a button.
 * @param {Element} element
 * @param {string} key as by `keyOf`
 * @param {{isCommand: boolean, isPointed: boolean}} press whether Control or Command is held; whether the element was
 *   focused by a pointer, not by the keyboard
 */
function needsKey(element, key, { isCommand, isPointed }) {
  if (element.matches(TEXTS) || element.closest(POPUPS)) return true;
  if (element.matches("select")) return !isCommand;
  if (element.matches("audio, video")) return key === " " || STEPS.includes(key);
  if (!element.matches("input")) return false;
  const type = element.getAttribute("type") ?? "text";
  if (BUTTONS.includes(type)) return false;
  if (type === "range") return STEPS.includes(key);
  if (type === "checkbox") return key === " " && !isPointed; // the keyboard has no other key for it
  if (type === "radio") return STEPS.includes(key) || (key === " " && !isPointed);
  return type !== "number" || key !== " ";
}

/**
 * Listen to keys on the whole page while an element is in view, but for the keys that the focused element needs.
 * @param {HTMLElement} element
 * @param {(key: string, event: KeyboardEvent) => boolean} act returns whether the key has a function
 */
export function followKeys(element, act) {
  /** @type {EventTarget | null} */
  let pointed = null;
  let isSpaceTaken = false;
  const listening = new AbortController();
  const { signal } = listening;

  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (!element.isConnected) listening.abort();
    const [target] = event.composedPath();
    const key = keyOf(event);
    if (key === "tab") pointed = null;
    if (!key || event.defaultPrevented || !element.clientWidth || !(target instanceof Element)) return;
    const isPointed = pointed === target;
    if (needsKey(target, key, { isCommand: event.ctrlKey || event.metaKey, isPointed }) || !act(key, event)) return;
    event.preventDefault();
    isSpaceTaken = key === " ";
  };
  /** @param {KeyboardEvent} event */
  const release = (event) => {
    if (event.key !== " " || !isSpaceTaken) return;
    isSpaceTaken = false;
    event.preventDefault(); // or Firefox would press the focused button
  };
  document.addEventListener("keydown", press, { signal });
  document.addEventListener("keyup", release, { signal });
  document.addEventListener(
    "focusin",
    (event) => {
      if (pointed !== event.target) pointed = null;
    },
    { signal },
  );
  document.addEventListener(
    "click",
    (event) => {
      if (event.detail) pointed = document.activeElement;
    },
    { signal, capture: true },
  );
}
