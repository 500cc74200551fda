// @ts-check
// Requests to the server. A missing answer becomes a sentence too.

export const NO_ANSWER = Object.freeze({ error: "The server does not answer; please try again in a moment." });

/**
 * Wait for an answer; any failure becomes a refusal.
 * @template T
 * @param {import("./types.js").Answer<T>} asking
 * @returns {Promise<T | import("./types.js").Refusal>}
 */
export async function answerTo(asking) {
  try {
    return (await asking) ?? NO_ANSWER;
  } catch {
    return NO_ANSWER;
  }
}

/**
 * Whether an answer is a refusal.
 * @param {object} answer
 * @returns {answer is import("./types.js").Refusal}
 */
export function isRefusal(answer) {
  return "error" in answer;
}

/**
 * @param {number} milliseconds
 * @returns {Promise<null>}
 */
export function wait(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds, null));
}
