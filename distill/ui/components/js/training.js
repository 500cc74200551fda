// @ts-check
// The browser keeps the name of the training it began, to be told of it should the server have lost it.

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
 * Bring the progress into view: it is far above the button, once clips are listed.
 * @param {unknown[]} settings
 */
export function watchProgress(...settings) {
  const progress = document.getElementById("train-progress");
  setTimeout(() => progress?.scrollIntoView({ behavior: "smooth", block: "center" }), LISTED_MILLISECONDS);
  return settings;
}
