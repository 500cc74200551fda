// @ts-check
// Remembers what was shown last, so that nothing is worked out again while nothing has changed.

export class Seen {
  /** @type {unknown[] | null} */
  #values = null;

  /**
   * Whether any of some values is another one than at the last call.
   * @param {unknown[]} values
   */
  isNew(...values) {
    const before = this.#values;
    this.#values = values;
    return before?.length !== values.length || values.some((value, index) => !Object.is(value, before[index]));
  }

  forget() {
    this.#values = null;
  }
}
