// @ts-check
// Opens one of the page's tabs.

import { scrolling } from "./dom.js";

/**
 * Open a tab; nothing happens if there is none of this name.
 * @param {string} name as it is written on the tab
 */
export function showTab(name) {
  const tabs = [...document.querySelectorAll("button[role=tab]")];
  const tab = /** @type {HTMLElement | undefined} */ (tabs.find(({ textContent }) => textContent?.trim() === name));
  tab?.click();
}

/**
 * Open the Edit tab, with the page at its top.
 * @param {unknown[]} inputs of the event
 */
export function showEdit(...inputs) {
  showTab("Edit");
  window.scrollTo({ top: 0, behavior: scrolling() });
  return inputs;
}

export const showTrain = () => showTab("Train");

/** Open the Edit tab if the Train tab is open: a clip was opened. */
export function leaveTrain() {
  const selected = document.querySelector("[role=tab][aria-selected=true]");
  if (selected?.textContent?.trim() === "Train") showTab("Edit");
}
