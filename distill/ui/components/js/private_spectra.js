// @ts-check
// The spectrograms of Explore, also of a private clip.

import { explorePrivate } from "./private_explore.js";
import { privateMode } from "./private_mode.js";
import { mount as mountOfServer } from "./spectra.js";

/** @param {Parameters<typeof mountOfServer>[0]} component */
export function mount(component) {
  mountOfServer(explorePrivate(component, privateMode, "spectra"));
}
