// @ts-check
// A code as a button: a small picture of its sound, its number and its colour.

import { make } from "./dom.js";

const TILE = 32; // pixels, as wide as a tile is drawn

/**
 * @param {import("./types.js").CodecPictures | null} pictures null until they arrive
 * @param {number} level
 * @param {number} code
 * @param {number} size number of codes of the level
 */
export function makeTile(pictures, level, code, size) {
  const label = make("span", { textContent: String(code) });
  const tile = make("button", { type: "button", className: "tile" }, label);
  if (pictures) {
    tile.style.backgroundImage = `url(${pictures.sprites[level]})`;
    tile.style.backgroundSize = `${TILE * size}px var(--tile-picture)`;
    tile.style.backgroundPositionX = `${-TILE * code}px`;
    label.style.borderColor = pictures.colours[level][code];
  }
  return tile;
}

/**
 * @param {string} colour as "rgb(red green blue)"
 * @returns {number[]} red, green and blue, 0 to 255
 */
export const channelsOf = (colour) => (colour.match(/\d+/g) ?? ["0", "0", "0"]).map(Number);

/**
 * Whether a colour is light enough for dark text on it.
 * @param {string} colour as "rgb(red green blue)"
 */
export function isLight(colour) {
  const [red, green, blue] = channelsOf(colour);
  return 0.3 * red + 0.59 * green + 0.11 * blue > 120;
}

/**
 * The codes of a level, sorted so that neighbours sound alike; sorted by number until the pictures arrive.
 * @param {import("./types.js").CodecPictures | null} pictures
 * @param {number} level
 * @param {number} size
 */
export function codesInOrder(pictures, level, size) {
  return pictures?.order[level] ?? Array.from({ length: size }, (_, code) => code);
}
