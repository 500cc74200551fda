// @ts-check
// The recorder, which shows when it is asked for.

import { privateMode } from "./private_mode.js";

const OPEN = "is-open";
const PATIENCE = 3_000; // milliseconds until the recorder is on the page

const recorder = () => document.getElementById("explore-record");

/** Show the recorder and begin to record; or stop, and put the recorder away. */
export function toggle() {
  if (privateMode.isOn) {
    privateMode.record(); // what this recorder hears would be sent
    return;
  }
  const found = recorder();
  if (!found) return;
  if (found.classList.toggle(OPEN)) press(found, ".record-button", performance.now() + PATIENCE);
  else press(found, ".stop-button", 0);
}

export function close() {
  recorder()?.classList.remove(OPEN);
}

/**
 * @param {HTMLElement} found
 * @param {string} selector
 * @param {number} until
 */
function press(found, selector, until) {
  const button = /** @type {HTMLElement | null} */ (found.querySelector(selector));
  if (button) button.click();
  else if (performance.now() < until) setTimeout(() => press(found, selector, until), 50);
}
