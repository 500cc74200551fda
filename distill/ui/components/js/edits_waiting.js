// @ts-check
// Waits for the queue of edits, so that an export has every stroke.

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

  /** @returns {Promise<void>} */
  settled() {
    return this.#count ? new Promise((goOn) => this.#waiting.push(goOn)) : Promise.resolve();
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
