// @ts-check
// The player of Explore, also of a private clip.

import { mount as mountOfServer } from "./player.js";
import { explorePrivate } from "./private_explore.js";
import { privateMode } from "./private_mode.js";

/** @param {Parameters<typeof mountOfServer>[0]} component */
export function mount(component) {
  mountOfServer(explorePrivate(component, privateMode, "player"));
}
