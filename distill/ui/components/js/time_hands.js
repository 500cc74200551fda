// @ts-check
// Zoom and scroll on the axis of time: wheel, trackpad, two fingers, keys.

import { LINE, spanOf, wheelZoom } from "./grid_zoom.js";
import { momentAt } from "./time_view.js";
import { timeline } from "./timeline.js";

const KEY = 1.5; // zoom of a key

/**
 * @param {HTMLElement} element whose width is that of the view
 * @param {number} clientX
 */
export function momentUnder(element, clientX) {
  const { left, width } = element.getBoundingClientRect();
  return momentAt(timeline.view, (clientX - left) / width);
}

/** @param {HTMLElement} element whose width is that of the view */
export function followWheelInTime(element) {
  element.addEventListener(
    "wheel",
    (event) => {
      const { ctrlKey, metaKey, shiftKey, deltaX, deltaY, deltaMode } = event;
      const isSideways = shiftKey || Math.abs(deltaX) > Math.abs(deltaY);
      if (ctrlKey || metaKey) timeline.zoom(wheelZoom(event), momentUnder(element, event.clientX));
      else if (isSideways) panBy(element, (deltaX || deltaY) * (deltaMode ? LINE : 1));
      else return;
      event.preventDefault(); // or the page would zoom or scroll
    },
    { passive: false },
  );
}

/**
 * @param {HTMLElement} element
 * @param {number} pixels
 */
function panBy(element, pixels) {
  const [from, to] = timeline.view;
  timeline.pan((pixels / element.clientWidth) * (to - from));
}

/**
 * Two fingers zoom at their middle; one finger scrolls.
 * @param {HTMLElement} element whose width is that of the view
 */
export function followFingersInTime(element) {
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  const span = () => spanOf([...fingers.values()].slice(0, 2));
  element.addEventListener("pointerdown", ({ pointerType, pointerId, clientX, clientY, isPrimary }) => {
    if (pointerType !== "touch") return;
    if (isPrimary) fingers.clear();
    fingers.set(pointerId, { x: clientX, y: clientY });
  });
  element.addEventListener("pointermove", ({ pointerId, clientX, clientY }) => {
    const before = fingers.get(pointerId);
    if (!before) return;
    const old = fingers.size > 1 ? span() : null;
    fingers.set(pointerId, { x: clientX, y: clientY });
    if (!old) panBy(element, before.x - clientX);
    else {
      const { x, distance } = span();
      timeline.zoom(distance / old.distance, momentUnder(element, old.x));
      panBy(element, old.x - x);
    }
  });
  for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
    element.addEventListener(name, ({ pointerId }) => fingers.delete(pointerId));
  }
}

/**
 * @param {string} key as by `keyOf`
 * @returns {boolean} whether the key zooms
 */
export function pressZoom(key) {
  const { view, moment } = timeline;
  const at = moment >= view[0] && moment <= view[1] ? moment : (view[0] + view[1]) / 2;
  if (key === "+" || key === "=") timeline.zoom(KEY, at);
  else if (key === "-") timeline.zoom(1 / KEY, at);
  else if (key === "0") timeline.look([0, timeline.seconds]);
  else return false;
  return true;
}
