// @ts-check
// A code as a button: a small picture of its sound, its number, its colour.

import { make } from "./dom.js";

const TILE = 32; // pixels, as wide as a tile is drawn

/**
 * @param {import("./types.js").CodecPictures | null} pictures none while they are on their way
 * @param {number} level
 * @param {number} code
 * @param {number} size codes of the level
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
 * Whether a colour is so light that dark letters are read on it.
 * @param {string} colour as "rgb(red green blue)"
 */
export function isLight(colour) {
  const [red, green, blue] = (colour.match(/\d+/g) ?? ["0", "0", "0"]).map(Number);
  return 0.3 * red + 0.59 * green + 0.11 * blue > 120;
}

/**
 * A level's codes in an order in which neighbours sound alike; by their numbers, as long as that order is not there.
 * @param {import("./types.js").CodecPictures | null} pictures
 * @param {number} level
 * @param {number} size
 */
export function codesInOrder(pictures, level, size) {
  return pictures?.order[level] ?? Array.from({ length: size }, (_, code) => code);
}
