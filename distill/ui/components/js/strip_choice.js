// @ts-check
// Which clips of the strip are chosen: one that is heard and opened, and perhaps several, in the order of the presses.

export class Choice {
  one = ""; // id of the clip that is heard and opened
  /** @type {string[]} */
  several = [];
  isMode = false; // whether each press adds a clip, or takes it away
  #anchor = "";

  /** The clips that an action is about. */
  get all() {
    return this.several.length || !this.one ? this.several : [this.one];
  }

  /** @param {string} id */
  has(id) {
    return id === this.one || this.several.includes(id);
  }

  /** The place of a clip among several that are chosen, from 1; 0 for other clips. @param {string} id */
  placeOf(id) {
    return this.several.indexOf(id) + 1;
  }

  /**
   * Whether the choice goes to a clip that has opened; not if another was chosen since its opening was asked for.
   * @param {string[]} opening the clips that were to be opened; none if another part of the page opened one
   */
  follows(opening) {
    return !opening.length || opening.includes(this.one);
  }

  /** @param {string} id */
  only(id) {
    this.one = this.#anchor = id;
    this.several = [];
  }

  /** Add a clip, or take it away. @param {string} id */
  toggle(id) {
    const before = this.isMode ? this.several : this.all;
    this.several = before.includes(id) ? before.filter((each) => each !== id) : [...before, id];
    this.one = this.#anchor = id;
  }

  /**
   * Choose the clips from the one that was pressed before to this one.
   * @param {string} id
   * @param {string[]} ids all that are shown, in their order
   */
  extendTo(id, ids) {
    const [from, to] = [ids.indexOf(this.#anchor || this.one), ids.indexOf(id)];
    if (to < 0) return;
    const span = ids.slice(Math.min(from, to), Math.max(from, to) + 1);
    if (from < 0) span.splice(0, span.length, id);
    this.several = from > to ? span.reverse() : span;
    this.one = id;
  }

  /** @param {string[]} ids */
  chooseAll(ids) {
    this.several = [...ids];
  }

  /** Begin or end the mode in which each press adds a clip. */
  switchMode() {
    this.isMode = !this.isMode;
    this.several = [];
  }

  /** Choose one clip alone again. */
  end() {
    this.isMode = false;
    this.several = [];
  }

  /** Forget clips that are gone. @param {Set<string>} there */
  keep(there) {
    this.several = this.several.filter((id) => there.has(id));
    if (!there.has(this.one)) this.one = this.#anchor = this.several.at(-1) ?? "";
  }
}
