// @ts-check
// The place of a box beside what it is about.

import { clamp } from "./axes.js";

const GAP = 10; // pixels

/** @typedef {{width: number, height: number}} Size */

/**
 * Below the target; above it where there is no room below; else over its lower end. Always within the window.
 * @param {{left: number, top: number, bottom: number, width: number}} target
 * @param {Size} box
 * @param {Size} room of the window
 */
export function placeBeside(target, box, room) {
  const left = clamp(target.left + (target.width - box.width) / 2, GAP, Math.max(GAP, room.width - box.width - GAP));
  const [below, above] = [target.bottom + GAP, target.top - GAP - box.height];
  const last = Math.max(GAP, room.height - box.height - GAP);
  const top = below <= last ? below : above >= GAP ? above : last;
  return { left, top: clamp(top, GAP, last) };
}
