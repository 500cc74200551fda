// @ts-check
// The code grid of the Edit tab: it shows the server's clip or, in private mode, one that only this page has.

import { mount as mountGrid } from "./code_grid.js";
import { isSameClip } from "./grid_codes.js";
import { loadCodec } from "./page_codecs.js";
import { privateMode } from "./private_mode.js";
import { ServedClip } from "./served_clip.js";

/** @typedef {import("./code_grid.js").Component} Component */

/**
 * A component whose properties are those of the private clip while one is shown.
 * @param {Component} component
 * @param {import("./private_mode.js").PrivateMode} mode
 * @returns {Component}
 */
export function besidePrivate(component, mode) {
  const { props, watch } = component;
  /** @type {Map<string, (() => void)[]>} */
  const watching = new Map();
  let second = "";
  let last = ""; // what the grid shows: a private clip, or "" for the server's
  mode.served = new ServedClip(props.value);
  const taken = () => {
    for (const act of watching.get("value") ?? []) act();
  };
  mode.follow(() => {
    const work = mode.shown?.work ?? "";
    if (work !== last) {
      last = work;
      taken();
    }
    const { work: other = "" } = mode.second;
    if (other === second) return;
    second = other;
    for (const act of watching.get("second") ?? []) act();
  });
  watch("value", () => {
    if (!props.value) return;
    const isOther = !mode.served || !isItself(mode.served.value, props.value);
    mode.served = new ServedClip(props.value);
    if (mode.shown && isOther && !mode.isRecording) mode.turn(false);
    else if (!mode.shown) taken();
  });
  return {
    ...component,
    server: mode.serverBeside(component.server),
    openCodec: mode.opening(component.openCodec ?? loadCodec),
    props: new Proxy(props, {
      get(real, name) {
        const { shown } = mode;
        if (name === "value") return mode.value ?? mode.served?.value ?? real.value;
        if (name === "second" && shown) return mode.second;
        if (name === "gone" && shown) return "";
        return Reflect.get(real, name);
      },
    }),
    watch(names, act) {
      for (const name of [names].flat()) watching.set(name, [...(watching.get(name) ?? []), act]);
      if (names !== "value") watch(names, act);
    },
  };
}

/**
 * Whether a value is of the clip that was there before: the same one, or the page's own copy of the example.
 * @param {import("./types.js").GridValue} before
 * @param {import("./types.js").GridValue} now
 */
function isItself(before, now) {
  return before.work === now.work || (!before.editable && now.editable && isSameClip(before, now));
}

/** @param {Component} component */
export function mount(component) {
  mountGrid(besidePrivate(component, privateMode));
}
