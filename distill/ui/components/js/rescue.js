// @ts-check
// The page's copy of the codes of a clip that the server has lost, as a file and as text.

import { gridFileOf, gridTextOf } from "./bytes.js";
import { make, makeButton, saveFile } from "./dom.js";

/**
 * @param {import("./types.js").GridValue} value
 * @param {Uint16Array} cells the codes that the page shows, and their faders
 * @returns {Promise<HTMLElement[]>} a button that saves the codes as a file, and the codes as text to copy
 */
export async function offersOf(value, cells) {
  const name = `${value.name.replace(/\.[^.]*$/, "")}-edited.json`;
  const file = gridFileOf(value, cells);
  const text = make("textarea", { readOnly: true, rows: 2, value: await gridTextOf(value, cells) });
  text.setAttribute("aria-label", "The grid as text");
  text.addEventListener("focus", () => text.select());
  return [makeButton("Save this grid", () => saveFile(file, "application/json", name)), text];
}
