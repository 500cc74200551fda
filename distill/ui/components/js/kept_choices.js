// @ts-check
// Choices that come back when the page is loaded again: the browser keeps them, and nobody is sent them.

const KEPT = "distill-choices";

/** @typedef {{snap?: unknown, sorting?: unknown, brush?: unknown}} Choices what is kept may be of any kind: anybody can write it */

/** The choices that are kept; none where the browser keeps nothing. @returns {Choices} */
export function keptChoices() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "") ?? {};
  } catch {
    return {};
  }
}

/** @param {keyof Choices} name @param {unknown} choice */
export function keepChoice(name, choice) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ ...keptChoices(), [name]: choice }));
  } catch {
    // Some browsers keep nothing, for example in a private window.
  }
}

export function forgetChoices() {
  try {
    localStorage.removeItem(KEPT);
  } catch {
    // There is nothing to forget.
  }
}

/**
 * Choose what was chosen in a list before, and keep each later choice.
 * @param {HTMLSelectElement} list
 * @param {keyof Choices} name
 */
export function keepChoiceOf(list, name) {
  const kept = keptChoices()[name];
  const option = [...(list.options ?? [])].find(({ value }) => value === kept);
  if (option) list.value = option.value;
  list.addEventListener("change", () => keepChoice(name, list.value));
}
