// @ts-check
// The switch of private mode, beside the other ways in for a sound. It keeps those from sending anything while it is on,
// files that are dropped on the page among them.
//
// element.privacy = the mode, for scripts and tests.

import { findButton, showPressed } from "./dom.js";
import { takeDrops } from "./drops.js";
import { guardFiles, guardMicrophone } from "./private_guard.js";
import { privateMode } from "./private_mode.js";

/** @param {import("./types.js").Component<unknown, unknown>} component */
export function mount({ element }) {
  const button = findButton(element, ".switch");
  takeDrops(); // before the guard, which lets nobody after it know of a drop
  guardFiles(privateMode);
  guardMicrophone(privateMode);
  const show = () => {
    showPressed(button, privateMode.isOn);
    document.body.classList.toggle("is-private", privateMode.isOn);
    document.body.classList.toggle("shows-private", privateMode.shown !== null);
  };
  button.onclick = () => privateMode.turn(!privateMode.isOn);
  privateMode.follow(show);
  Object.assign(element, { privacy: privateMode });
  show();
}
