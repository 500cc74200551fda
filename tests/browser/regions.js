// @ts-check
// Whether parts of a sound, before and after edits, have the bits of the whole. Prints what differs.

import { open } from "./files.js";

let state = 7;
/** @param {number} below */
function random(below) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

const { codec, codes, columns, numFrames, grid } = await open();
/** @type {string[]} */
const different = [];
const current = codes.slice();

/** @param {string} what @param {Float32Array} part @param {number} first @param {Float32Array} whole */
function compare(what, part, first, whole) {
  const at = part.findIndex((sample, i) => sample !== whole[first * 512 + i]);
  if (at >= 0) different.push(`${what}: sample ${first * 512 + at}`);
}

let heard = codec.sound(grid, 0, numFrames);
for (let round = 0; round < 12; round++) {
  const position = random(codes.length);
  current[position] = random(codec.size);
  codec.put(grid, Uint32Array.of(position), Uint16Array.of(current[position]));
  const column = position % columns;
  const first = Math.max(0, column * codec.timeStride - codec.reach.before);
  const last = Math.min(numFrames, (column + 1) * codec.timeStride + codec.reach.after);
  const from = first + random(last - first);
  const part = codec.sound(grid, from, Math.min(last, from + 8));
  const region = codec.sound(grid, first, last);
  const fresh = codec.openGrid(current, columns, numFrames);
  const whole = codec.sound(fresh, 0, numFrames);
  codec.closeGrid(fresh);
  compare("a first part", part, from, whole);
  compare("a region", region, first, whole);
  compare("before a region", heard.subarray(0, first * 512), 0, whole);
  compare("after a region", heard.subarray(last * 512), last, whole);
  compare("all after an edit", codec.sound(grid, 0, numFrames), 0, whole);
  heard = whole;
}
console.log(JSON.stringify(different));
