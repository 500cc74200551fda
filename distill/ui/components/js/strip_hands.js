// @ts-check
// Presses and keys on the clips of the strip.

import { CELL } from "./strip_cell.js";
import { movedBy } from "./strip_list.js";

export class StripHands {
  /** @param {import("./strip.js").Strip} strip */
  constructor(strip) {
    this.strip = strip;
    const { reel } = strip;
    reel.addEventListener("click", (event) => this.#press(event));
    reel.addEventListener("dblclick", (event) => {
      if (!strip.choice.isMode && !event.ctrlKey && !event.metaKey && !event.shiftKey) strip.open();
    });
    reel.addEventListener("keydown", (event) => this.#pressKey(event));
  }

  /** @param {MouseEvent} event */
  #press(event) {
    const { strip } = this;
    const { choice } = strip;
    const target = /** @type {Element} */ (event.target);
    const clip = strip.clips.find(({ id }) => strip.cells.get(id)?.element.contains(target));
    if (!clip) return;
    if (event.shiftKey) choice.extendTo(clip.id, strip.ids);
    else if (event.ctrlKey || event.metaKey || choice.isMode) choice.toggle(clip.id);
    else if (event.detail > 1) return;
    else choice.only(clip.id);
    if (choice.has(clip.id) && !event.shiftKey) void strip.hear("original");
    strip.draw();
  }

  /** @param {KeyboardEvent} event */
  #pressKey(event) {
    const { strip } = this;
    const { choice } = strip;
    const withControl = event.ctrlKey || event.metaKey;
    const key = /^[a-z]$/i.test(event.key) ? `Key${event.key.toUpperCase()}` : event.code;
    if (event.altKey) return;
    if (withControl && key === "KeyA") choice.chooseAll(strip.ids);
    else if (withControl && event.key === " ") choice.toggle(choice.one);
    else if (withControl || !this.#did(event, key)) return;
    strip.draw();
    event.preventDefault();
    event.stopPropagation(); // these keys mean other things elsewhere on the page
  }

  /**
   * Do what a key says; false if it says nothing here.
   * @param {KeyboardEvent} event
   * @param {string} key
   */
  #did(event, key) {
    const { strip } = this;
    if (this.#moved(event)) return true;
    if (event.key === " ") void strip.hear("original");
    else if (event.key === "Enter") strip.open();
    else if (event.key === "Escape") strip.choice.end();
    else if (event.key === "/") strip.bar.search.focus();
    else if (key === "KeyR") void strip.hear("codec");
    else if (key === "KeyB" && strip.value.before) void strip.hear("before");
    else if (key === "KeyS") strip.takeAsSecond();
    else if (key === "KeyX") strip.choice.toggle(strip.choice.one);
    else if (key === "KeyL") strip.layOut();
    else return false;
    return true;
  }

  /** @param {KeyboardEvent} event */
  #moved({ key, shiftKey }) {
    const { strip } = this;
    const page = Math.max(1, Math.floor(strip.reel.clientWidth / (CELL.width + CELL.gap)) - 1);
    const number = strip.ids.indexOf(strip.choice.one);
    const moved = movedBy(key, number, { count: strip.ids.length, page });
    if (moved === null) return false;
    const id = strip.ids[moved] ?? "";
    if (shiftKey) strip.choice.extendTo(id, strip.ids);
    else if (strip.choice.isMode) strip.choice.one = id;
    else strip.choice.only(id);
    strip.reveal();
    return true;
  }
}
