// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf, padOfKey, padOfMidi, putsOfCode, putsOfPiece, Take } from "../../distill/ui/components/js/pads.js";

const SHAPE = { levels: 2, rows: 2, columns: 4 };

test("letters are pads by where they sit, whatever they print", () => {
  assert.equal(padOfKey("KeyQ"), 0);
  assert.equal(padOfKey("KeyA"), 10);
  assert.equal(padOfKey("KeyM"), 25);
  assert.equal(padOfKey("Digit1"), -1);
  assert.equal(padOfKey("Space"), -1);
});

test("notes of MIDI are pads from note 36 on, with their force; other messages are none", () => {
  assert.deepEqual(padOfMidi([0x99, 36, 127]), { pad: 0, force: 1 });
  assert.deepEqual(padOfMidi([0x90, 40, 0]), { pad: 4, force: 0 });
  assert.deepEqual(padOfMidi([0x83, 37, 64]), { pad: 1, force: 0 });
  assert.equal(padOfMidi([0xb0, 1, 64]), null);
  assert.equal(padOfMidi([0xf8]), null);
  assert.equal(padOfMidi(null), null);
});

test("what is played is written at the nearest column, and just before the loop's end at its start", () => {
  const clip = { columnSeconds: 0.1, columns: 20, loop: null };
  assert.equal(columnOf(0.44, clip), 4);
  assert.equal(columnOf(0.46, clip), 5);
  assert.equal(columnOf(9, clip), 19);
  assert.equal(columnOf(-0.1, clip), 0);
  const loop = /** @type {[number, number]} */ ([0.5, 1]);
  assert.equal(columnOf(0.97, { ...clip, loop }), 5);
  assert.equal(columnOf(0.9, { ...clip, loop }), 9);
});

test("a code fills its rows on its level, a piece all levels, up to the end of the clip", () => {
  const note = { level: 1, code: 7, rows: /** @type {[number, number]} */ ([1, 1]) };
  assert.deepEqual(putsOfCode(SHAPE, note, [2, 9]), [
    [14, 7],
    [15, 7],
  ]);
  const piece = [
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [7, 8],
    ],
  ];
  assert.deepEqual(putsOfPiece(SHAPE, piece, 3), [
    [3, 1],
    [7, 3],
    [11, 5],
    [15, 7],
  ]);
});

test("a take has the latest code of each cell, as the notes of one edit", () => {
  const take = new Take();
  assert.ok(take.isEmpty);
  take.add([
    [3, 1],
    [5, 2],
  ]);
  take.add([[3, 9]]);
  const placeOf = (/** @type {number} */ position) => ({
    level: Math.floor(position / 8),
    row: Math.floor(position / 4) % 2,
    column: position % 4,
  });
  assert.deepEqual(Take.notes(take.puts, placeOf), [
    [0, 1, 1, 2],
    [0, 0, 3, 9],
  ]);
});
