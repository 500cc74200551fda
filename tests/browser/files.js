// @ts-check
// What the scripts of this folder share: they read and write the files of the folder in their argument.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Codec } from "../../distill/browser/codec.js";

const folder = process.argv[2];
const browser = new URL("../../distill/browser/", import.meta.url);

/** @param {string | URL} path @returns {ArrayBuffer} */
function bytesOf(path) {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  return /** @type {ArrayBuffer} */ (buffer.slice(byteOffset, byteOffset + byteLength));
}

/** @param {string} name */
export const read = (name) => bytesOf(join(folder, name));

/** @param {string} name @returns {any} */
export const readJson = (name) => JSON.parse(readFileSync(join(folder, name), "utf-8"));

/** @param {string} name @param {Float32Array | Uint16Array} numbers */
export const write = (name, numbers) =>
  writeFileSync(join(folder, name), new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));

/** @param {string} name */
export const kernel = (name) => bytesOf(new URL(name, browser));

/** The codec and the grid of the folder, opened. */
export async function open(name = "kernel.wasm") {
  const codec = await Codec.open(read("codec.distill"), kernel(name));
  const { columns, numFrames } = readJson("grid.json");
  const codes = new Uint16Array(read("codes.u16"));
  return { codec, codes, columns, numFrames, grid: codec.openGrid(codes, columns, numFrames) };
}
