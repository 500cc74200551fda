// @ts-check
// How often the codes of a level occur, in words and as an order.

/** @typedef {"similarity" | "here" | "trained" | "number"} Sorting */

/**
 * Codes, sorted.
 * @param {number[]} codes those that sound alike beside each other
 * @param {Sorting} sorting
 * @param {number[]} here how often each occurs in the clip
 * @param {number[] | null} trained how often each occurs in the training clips, if that is known
 */
export function sortedCodes(codes, sorting, here, trained) {
  const counts = { here, trained: trained ?? here, similarity: null, number: null }[sorting];
  if (counts) return [...codes].sort((one, other) => counts[other] - counts[one]);
  return sorting === "number" ? [...codes].sort((one, other) => one - other) : [...codes];
}

/**
 * @param {number} count
 * @param {number[]} all
 */
export function showShare(count, all) {
  const sum = all.reduce((total, each) => total + each, 0);
  const share = (100 * count) / Math.max(1, sum);
  return `${share.toFixed(share < 10 ? 1 : 0)} %`;
}

/**
 * What is said of a code.
 * @param {string} level
 * @param {number} code
 * @param {number[]} here
 * @param {number[] | null} trained
 */
export function codeInWords(level, code, here, trained) {
  const use = here[code] ? `${here[code]} cells of this clip (${showShare(here[code], here)})` : "not in this clip";
  let training = "";
  if (trained) {
    training = trained[code]
      ? `, ${showShare(trained[code], trained)} of the training clips`
      : ", never in the training clips (dead)";
  }
  return `${level}, code ${code}: ${use}${training}.`;
}
