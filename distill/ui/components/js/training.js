// @ts-check
// The browser stores the id of its training, so that the visitor learns of its loss if the server no longer has it.

import { scrolling } from "./dom.js";
import { awaitClip } from "./returning.js";

const KEPT = "distill-training";
const TRAINING = /data-training='(\w*)'/;
const LISTED_MILLISECONDS = 700;

/** @param {string | null} shown the progress of a training, as HTML */
export function remember(shown) {
  const training = TRAINING.exec(shown || "");
  if (training) localStorage.setItem(KEPT, training[1]);
}

/** The id of the training that the browser remembers; called when the page opens. */
export function recall() {
  awaitClip();
  const kept = localStorage.getItem(KEPT) || "";
  if (kept) rememberWhenShown();
  return [kept];
}

/**
 * Take what the page says of the remembered training in the same moment in which a visitor can read it: a page that is
 * loaded again right after that must not tell of a loss once more.
 */
function rememberWhenShown() {
  const watching = new MutationObserver(() => {
    const shown = document.querySelector("#train-progress [data-training]");
    if (!shown) return;
    watching.disconnect();
    localStorage.setItem(KEPT, /** @type {HTMLElement} */ (shown).dataset.training ?? "");
  });
  watching.observe(document.body, { childList: true, subtree: true });
}

export function forgetTraining() {
  localStorage.removeItem(KEPT);
}

/**
 * Scroll to the progress, which is far above the button when many clips are listed.
 * @param {unknown[]} settings
 */
export function watchProgress(...settings) {
  const progress = document.getElementById("train-progress");
  setTimeout(() => progress?.scrollIntoView({ behavior: scrolling(), block: "center" }), LISTED_MILLISECONDS);
  return settings;
}
