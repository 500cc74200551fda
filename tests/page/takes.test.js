// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { isStill, putsOfTake, regionOf } from "../../distill/ui/components/js/takes_region.js";

const SELECTED = { levels: [0, 2], rows: [1, 6], columns: [4, 7] };

test("what comes after or before a selection is as long as it is, and ends with the clip", () => {
  assert.deepEqual(regionOf("right", SELECTED, 20, 1)?.columns, [8, 11]);
  assert.deepEqual(regionOf("right", SELECTED, 10, 1)?.columns, [8, 9]);
  assert.equal(regionOf("right", SELECTED, 8, 1), null);
  assert.deepEqual(regionOf("left", SELECTED, 20, 1)?.columns, [0, 3]);
  assert.equal(regionOf("left", { ...SELECTED, columns: [0, 3] }, 20, 1), null);
});

test("a gap at an end of the clip leads over to the other end", () => {
  assert.equal(regionOf("fill", SELECTED, 20, 1)?.loop, false);
  assert.equal(regionOf("fill", SELECTED, 8, 1)?.loop, true);
});

test("the codes of a take go where its region is, level by level", () => {
  const codes = Uint16Array.from({ length: 2 * 2 * 3 }, (_, place) => place);
  const grid = { positionOf: (/** @type {number[]} */ ...place) => place.join(" ") };
  const asked = { tool: "vary", levels: [1, 2], rows: [5, 6], columns: [3, 5] };
  const puts = putsOfTake(/** @type {any} */ (asked), codes, /** @type {any} */ (grid));
  assert.deepEqual(puts[0], ["1 5 3", 0]);
  assert.deepEqual(puts[4], ["1 6 4", 4]);
  assert.deepEqual(puts[11], ["2 6 5", 11]);
});

test("a grid that was edited meanwhile is no longer what it was", () => {
  const base = Uint16Array.of(1, 2, 3);
  assert.ok(isStill(base, [], Uint16Array.of(1, 2, 3)));
  assert.ok(isStill(base, [[1, 9]], Uint16Array.of(1, 9, 3)));
  assert.ok(!isStill(base, [[1, 9]], Uint16Array.of(1, 9, 4)));
});
