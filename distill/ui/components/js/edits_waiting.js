// @ts-check
// Waits for the queue of edits and for what becomes one, so that an export has every stroke.

export class EditsWaiting {
  #count = 0;
  /** @type {(() => void)[]} */
  #waiting = [];

  /** @param {number} count */
  set(count) {
    this.#count = count;
    if (count) return;
    for (const goOn of this.#waiting.splice(0)) goOn();
  }

  /** @type {Promise<unknown>} what else an export must have */
  #held = Promise.resolve();

  /** Let an export wait for something else too. @param {Promise<unknown>} promise */
  hold(promise) {
    this.#held = Promise.allSettled([this.#held, promise]);
  }

  /** @type {(() => void)[]} */
  #flushes = [];

  /** Have what is not an edit yet, as what is being recorded, become one before an export. @param {() => void} flush */
  onSettling(flush) {
    this.#flushes.push(flush);
  }

  /** @returns {Promise<void>} */
  async settled() {
    for (const flush of this.#flushes) flush();
    if (this.#count) await /** @type {Promise<void>} */ (new Promise((goOn) => this.#waiting.push(goOn)));
    await this.#held;
  }
}

export const editsWaiting = new EditsWaiting();

/**
 * Return the same inputs once every edit is answered.
 * @param {unknown[]} inputs
 */
export async function whenSettled(...inputs) {
  await editsWaiting.settled();
  return inputs;
}
