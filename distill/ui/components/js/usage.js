// @ts-check
// The number of uses of a level's codes, in words and as an order.

/** @typedef {"similarity" | "here" | "trained" | "number"} Sorting */

/**
 * Sort the codes of a level.
 * @param {number[]} codes sorted so that neighbours sound alike
 * @param {Sorting} sorting
 * @param {number[]} here number of uses of each code in the clip
 * @param {number[] | null} trained number of uses of each code in the training clips, if known
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
function showShare(count, all) {
  const sum = all.reduce((total, each) => total + each, 0);
  const share = (100 * count) / Math.max(1, sum);
  return `${share.toFixed(share < 10 ? 1 : 0)} %`;
}

/**
 * The description of a code.
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
