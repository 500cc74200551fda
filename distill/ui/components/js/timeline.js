// @ts-check
// What the Explore tab's player and pictures share without knowing each other: the moment, the part of the clip in
// view, the chosen part, and the track that is heard.

import { moved, within, zoomed } from "./time_view.js";

/** @typedef {import("./axes.js").Span} Span */

const LEAD = 0.1; // share of the view before the playhead, after the view has followed it

export class Timeline {
  moment = 0;
  seconds = 1;
  /** @type {Span} */
  view = [0, 1];
  /** @type {Span | null} */
  part = null;
  track = 0;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {{seek: (moment: number) => void, choose: (one: number, other: number) => void}} */
  #player = { seek: () => {}, choose: () => {} };

  /**
   * @param {{seek: (moment: number) => void, choose: (one: number, other: number) => void}} player called when a
   *   picture is clicked, and when a part is chosen on it
   */
  follow(player) {
    this.#player = player;
  }

  /** @param {() => void} draw called after each change */
  add(draw) {
    this.#listeners.add(draw);
    draw();
  }

  /**
   * Another clip: all of it is in view.
   * @param {number} seconds
   */
  begin(seconds) {
    Object.assign(this, { seconds, moment: 0, part: null });
    this.look([0, seconds]);
  }

  /** @param {Partial<Pick<Timeline, "moment" | "part" | "track">>} changes */
  show(changes) {
    Object.assign(this, changes);
    this.#tell();
  }

  /** Keep the playhead in view. */
  followMoment() {
    const [from, to] = this.view;
    if (this.moment < from || this.moment > to) this.pan(this.moment - from - LEAD * (to - from));
  }

  /** @param {number} moment */
  point(moment) {
    this.#player.seek(moment);
  }

  /** @type {(one: number, other: number) => void} */
  choose(one, other) {
    this.#player.choose(one, other);
  }

  /** @param {Span} view */
  look(view) {
    this.view = within(view, this.seconds);
    this.#tell();
  }

  /** @type {(factor: number, moment: number) => void} */
  zoom(factor, moment) {
    this.look(zoomed(this.view, this.seconds, factor, moment));
  }

  /** @param {number} by in seconds */
  pan(by) {
    this.look(moved(this.view, this.seconds, by));
  }

  #tell() {
    for (const draw of this.#listeners) draw();
  }
}

export const timeline = new Timeline();
