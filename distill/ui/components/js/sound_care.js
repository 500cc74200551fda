// @ts-check
// Care for the audio context: browsers interrupt it (a call, a lock, another tab), and some leave its clock standing.

/** @typedef {"resume" | "replace" | "wait" | "fail" | "back"} Step what to do; "back": the sound is back after trouble */

export const LOOK = 250; // milliseconds between two looks at the clock
const PATIENCE = 4; // looks at a clock that stands, after which the context is replaced
const SLOW = 12; // the same while the context opens, which a busy computer does slowly

/** Tells what to do about a context whose clock stands still, from one look to the next. */
export class Care {
  /** @type {AudioContext | null} */
  #context = null;
  #time = 0; // of the clock at the latest look
  #still = 0; // looks at which the clock stood
  #isReplaced = false; // whether the context has taken the place of another
  #isTroubled = false; // whether the visitor was told

  /** Begin to look, because something plays. */
  begin() {
    this.#still = 0;
    this.#context = null;
  }

  /**
   * @param {AudioContext} context
   * @returns {Step | null} null while all is well
   */
  look(context) {
    const isStill = context === this.#context && context.currentTime === this.#time;
    const isOpening = this.#isReplaced || (context.currentTime === 0 && context.state !== "running");
    this.#context = context;
    this.#time = context.currentTime;
    if (!isStill) return this.#goOn();
    this.#still += 1;
    if (this.#still < (isOpening ? SLOW : PATIENCE)) return "resume";
    this.#still = 0;
    if (!this.#isReplaced) {
      this.#isReplaced = true;
      return "replace";
    }
    this.#isTroubled = true;
    this.#isReplaced = isInterrupted(context);
    return this.#isReplaced ? "wait" : "fail";
  }

  #goOn() {
    const isBack = this.#isTroubled && this.#time > 0;
    if (this.#time > 0) this.#isReplaced = this.#isTroubled = false;
    this.#still = 0;
    return isBack ? "back" : null;
  }
}

/**
 * Whether the system holds a context's sound, as Safari does during a call; TypeScript does not know the state yet.
 * @param {AudioContext} context
 */
const isInterrupted = (context) => /** @type {string} */ (context.state) === "interrupted";

/**
 * Why there is no sound, and what to do.
 * @param {AudioContext} context
 */
export function silenceInWords(context) {
  if (isInterrupted(context)) return "The sound is interrupted, by a call or another program; it goes on after that.";
  if (context.state === "suspended") return "The browser holds the sound back; please press Play again.";
  return "No sound comes out: this computer has no sound device that answers. Connect one, then press Play again.";
}
