// @ts-check
// The browser stores the id of its training, so that the visitor learns of its loss if the server no longer has it.

const KEPT = "distill-training";
const TRAINING = /data-training='(\w*)'/;
const LISTED_MILLISECONDS = 700;

/** @param {string | null} shown the progress of a training, as HTML */
export function remember(shown) {
  const training = TRAINING.exec(shown || "");
  if (training) localStorage.setItem(KEPT, training[1]);
}

export function recall() {
  return [localStorage.getItem(KEPT) || ""];
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
  setTimeout(() => progress?.scrollIntoView({ behavior: "smooth", block: "center" }), LISTED_MILLISECONDS);
  return settings;
}
