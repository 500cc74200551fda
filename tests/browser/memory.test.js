// @ts-check
// Memory that the browser refuses is a sentence, and what it was wanted for can be tried again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Codec } from "../../distill/browser/codec.js";
import { readCodecFile } from "../../distill/browser/codec_file.js";
import { Memory } from "../../distill/browser/memory.js";

/** @param {string} path */
const bytes = (path) => new Uint8Array(readFileSync(new URL(`../../${path}`, import.meta.url)));
const file = readCodecFile(bytes("examples/models/loops.distill").buffer);
const SENTENCE = { message: "There is not enough memory for the codec in this page." };

/** A kernel of which a test decides when it gets no memory. */
async function scarce() {
  const { instance } = await WebAssembly.instantiate(bytes("distill/browser/kernel.wasm"), {});
  const exports = /** @type {any} */ (instance.exports);
  let end = Number.POSITIVE_INFINITY;
  const alloc = (/** @type {number} */ size) => {
    if (exports.mark() + size > end) throw new WebAssembly.RuntimeError("unreachable");
    return exports.alloc(size);
  };
  /** Leave so many bytes from now on. @param {number} bytes */
  const leave = (bytes) => {
    end = exports.mark() + bytes;
  };
  return { kernel: { ...exports, alloc }, leave };
}

test("a codec that finds no memory says so", async () => {
  const { kernel, leave } = await scarce();
  leave(2 ** 20);
  assert.throws(() => new Codec(new Memory(kernel), file), SENTENCE);
});

test("a sound that finds no memory says so, and is made when there is memory again", async () => {
  const { kernel, leave } = await scarce();
  const codec = new Codec(new Memory(kernel), file);
  const grid = codec.openGrid(new Uint16Array(24 * 4), 4, 60);
  const before = kernel.mark();
  leave(2 ** 20);
  assert.throws(() => codec.sound(grid, 0, 60), SENTENCE);
  assert.equal(kernel.mark(), before);
  leave(Number.POSITIVE_INFINITY);
  assert.equal(codec.sound(grid, 0, 60).length, 60 * 512);
});

test("ten minutes take no more memory than a minute", async () => {
  const { kernel } = await scarce();
  const codec = new Codec(new Memory(kernel), file);
  const size = () => kernel.memory.buffer.byteLength;
  /** @param {number} columns */
  const listened = (columns) => {
    const grid = codec.openGrid(new Uint16Array(24 * columns), columns, columns * 16);
    for (let column = 0; column < columns; column += 100) codec.sound(grid, 16 * column, 16 * column + 16);
    codec.closeGrid(grid);
    return size();
  };
  const minute = listened(323);
  assert.equal(listened(3230), minute);
  assert.ok(minute < 96 * 2 ** 20, `${minute}`);
});

test("what does not fit a codec is refused", async () => {
  const { kernel } = await scarce();
  const codec = new Codec(new Memory(kernel), file);
  const codes = new Uint16Array(24 * 4);
  assert.throws(() => codec.openGrid(codes, 5, 60), /does not fit/);
  assert.throws(() => codec.openGrid(codes, 4, 65), /does not fit/);
  const grid = codec.openGrid(codes, 4, 60);
  assert.throws(() => codec.sound(grid, 0, 61), /not in the grid/);
  assert.throws(() => codec.sound(grid, -1, 6), /not in the grid/);
  assert.throws(() => codec.sound(grid, 0, 6, 4), /levels/);
  assert.throws(() => codec.put(grid, Uint32Array.of(192), Uint16Array.of(0)), /not in the grid/);
  assert.throws(() => codec.audition(3, 0), /no level/);
  assert.throws(() => codec.audition(0, 64), /no level/);
  codec.put(grid, Uint32Array.of(95), Uint16Array.of(65_535));
  assert.ok(codec.sound(grid, 0, 60).every(Number.isFinite));
  codec.closeGrid(grid);
  assert.throws(() => codec.sound(grid, 0, 60), /not open/);
});

test("a second grid that finds no memory takes the place of the first", async () => {
  const { kernel, leave } = await scarce();
  const codec = new Codec(new Memory(kernel), file);
  const [one, two] = [0, 1].map((code) => codec.openGrid(new Uint16Array(24 * 4).fill(code), 4, 60));
  const before = codec.sound(one, 0, 60);
  leave(16 * 2 ** 20);
  assert.equal(codec.sound(two, 0, 60).length, 60 * 512);
  assert.deepEqual(codec.sound(one, 0, 60), before);
});
