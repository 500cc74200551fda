// @ts-check
// MIDI keyboards and pads, where the browser has Web MIDI.

import { padOfMidi } from "./pads.js";

/**
 * `force` is 0 for a pad that is let go; `time` is in milliseconds of the page.
 * @typedef {(pad: number, force: number, time: number | undefined) => void} Play
 */

const REFUSED =
  "This browser did not allow MIDI here: allow it beside the page's address, or open the page in its own tab.";
const NONE = "No MIDI device is connected: connect one now, it is heard at once.";

export const hasMidi = () => typeof navigator.requestMIDIAccess === "function";

/**
 * Listen to all MIDI devices, those that come later too.
 * @param {Play} play
 * @returns {Promise<{words: string, stop: () => void}>} what there is, in a sentence
 */
export async function listenToMidi(play) {
  let access;
  try {
    access = await navigator.requestMIDIAccess();
  } catch {
    return { words: REFUSED, stop: () => {} };
  }
  const hear = (/** @type {MIDIMessageEvent} */ { data, timeStamp }) => {
    const note = padOfMidi(data);
    if (note) play(note.pad, note.force, timeStamp);
  };
  const listen = () => {
    for (const input of access.inputs.values()) input.onmidimessage = hear;
  };
  listen();
  access.onstatechange = listen;
  const names = [...access.inputs.values()].map(({ name }) => name ?? "a device");
  return {
    words: names.length ? `MIDI: ${names.join(", ")}.` : NONE,
    stop: () => {
      access.onstatechange = null;
      for (const input of access.inputs.values()) input.onmidimessage = null;
    },
  };
}
