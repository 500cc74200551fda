// @ts-check
// The current moment of the Explore tab. The player and the pictures share it without knowing each other.

/**
 * A picture with an axis of time.
 * @typedef {{show: (moment: number) => void, reveal: () => void, top: () => number | null}} TimedPicture `top` is null
 *   while the picture is not on the page
 */

export class Timeline {
  moment = 0;
  /** @type {Set<TimedPicture>} */
  #pictures = new Set();
  /** @type {(moment: number) => void} */
  #seek = () => {};

  /**
   * @param {(moment: number) => void} seek called with the moment at a click
   */
  follow(seek) {
    this.#seek = seek;
  }

  /** @param {TimedPicture} picture */
  add(picture) {
    this.#pictures.add(picture);
    picture.show(this.moment);
  }

  /** @param {number} moment */
  show(moment) {
    this.moment = moment;
    for (const picture of this.#pictures) picture.show(moment);
  }

  /** @param {number} moment */
  point(moment) {
    this.#seek(moment);
  }

  /** Bring the topmost picture into view. */
  reveal() {
    const shown = [...this.#pictures].filter((picture) => picture.top() !== null);
    shown.sort((one, other) => Number(one.top()) - Number(other.top()))[0]?.reveal();
  }
}

export const timeline = new Timeline();
