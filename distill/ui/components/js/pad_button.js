// @ts-check
// A pad on the screen: a button with its letter, hit when a pointer goes down.

import { make } from "./dom.js";
import { KEYS } from "./pads.js";

/**
 * @param {{hit: (pad: number, force?: number, time?: number) => void, release: (pad: number, time?: number) => void}} pads
 * @param {string} name what the pad plays; "" if nothing
 * @param {number} pad
 */
export function makePad(pads, name, pad) {
  const letter = KEYS[pad].slice(-1);
  const button = make("button", { type: "button", className: "pad", disabled: !name, title: name });
  button.append(make("b", { textContent: letter }), make("span", { textContent: name }));
  button.setAttribute("aria-label", `Pad ${letter}: ${name || "empty"}`);
  button.onpointerdown = (event) => {
    if (event.button) return;
    if (button.hasPointerCapture(event.pointerId)) button.releasePointerCapture(event.pointerId);
    pads.hit(pad, 1, event.timeStamp);
  };
  for (const end of /** @type {const} */ (["pointerup", "pointerleave", "pointercancel"])) {
    button.addEventListener(end, (event) => pads.release(pad, event.timeStamp));
  }
  button.onclick = (event) => {
    if (event.detail) return; // a pointer's press was heard already
    pads.hit(pad);
    pads.release(pad);
  };
  return button;
}
