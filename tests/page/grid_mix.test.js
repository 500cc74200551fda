// @ts-check
// The mixer's faders: which cells they reach, what they change, and what is heard alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FULL, gainsIn, MUTED, mixOf, soloCells } from "../../distill/browser/mixing.js";
import { GridCodes } from "../../distill/ui/components/js/grid_codes.js";
import { mixPuts, mixWords, reachOf, standOf, standWords } from "../../distill/ui/components/js/grid_mix.js";
import { GridState } from "../../distill/ui/components/js/grid_state.js";
import { gridValue, pack } from "./help.js";

/** 2 levels of 2 rows and 3 columns. */
const state = () => new GridState(new GridCodes(gridValue()));

test("a fader of a level or a row reaches the selection, and without one the whole clip", () => {
  const grid = state();
  assert.deepEqual(reachOf({ name: "level", index: 1 }, grid), { levels: [1, 1], rows: [0, 1], columns: [0, 2] });
  grid.selection = { rows: [1, 1], columns: [1, 2] };
  assert.deepEqual(reachOf({ name: "level", index: 1 }, grid), { levels: [1, 1], rows: [1, 1], columns: [1, 2] });
  assert.deepEqual(reachOf({ name: "row", index: 1 }, grid), { levels: [0, 1], rows: [1, 1], columns: [1, 2] });
  assert.equal(reachOf({ name: "row", index: 0 }, grid), null); // this band is not selected
  grid.selection = { rows: [0, 1], columns: [0, 1], cells: new Set([0, 1, 4]) };
  const only = { levels: [0, 1], rows: [1, 1], columns: [0, 1], only: [[1, 1]] };
  assert.deepEqual(reachOf({ name: "row", index: 1 }, grid), only);
  grid.everyLevel = false;
  assert.deepEqual(reachOf({ name: "row", index: 0 }, grid)?.levels, [0, 0]);
});

test("a mute keeps the fader where it stands, and the codes stay", () => {
  const grid = state();
  const { codes } = grid;
  const before = codes.indices.slice();
  const region = reachOf({ name: "row", index: 0 }, grid);
  assert.ok(region);
  codes.put(mixPuts(codes, { ...region, gain: 0.5 }));
  codes.put(mixPuts(codes, { ...region, mute: true }));
  assert.equal(standWords(standOf(codes, region)), "50 %, muted");
  assert.equal(mixWords(grid), " Mix: 50 %, muted.");
  assert.ok(codes.isChanged(0));
  codes.put(mixPuts(codes, { ...region, mute: false }));
  assert.equal(standWords(standOf(codes, region)), "50 %");
  assert.equal(standWords(standOf(codes, { ...region, rows: [0, 1] })), "50–100 %");
  assert.deepEqual(codes.indices, before);
  codes.put(mixPuts(codes, { ...region, gain: 1 }));
  assert.equal(mixOf(codes.cells, codes.count), null);
});

test("an answer with the whole grid brings its mix, or none", () => {
  const { codes } = state();
  const mix = Array(12).fill(FULL);
  mix[3] = MUTED + 25;
  codes.correct({ positions: null, codes: null, indices: pack(Array(12).fill(5)), mix: pack(mix) });
  assert.deepEqual([...codes.faders], mix);
  codes.correct({ positions: [12 + 3, 0], codes: [75, 2] });
  assert.deepEqual([codes.faders[3], codes.indices[0]], [75, 2]);
  codes.correct({ positions: null, codes: null, indices: pack(Array(12).fill(5)), mix: null });
  assert.equal(mixOf(codes.cells, codes.count), null);
});

test("a solo mutes all but its region and leaves its faders", () => {
  const { codes } = state();
  codes.put([[codes.count + 1, 25]]);
  const alone = soloCells(codes.cells, codes, { levels: [0, 0], rows: [0, 0], columns: [1, 2] });
  assert.deepEqual([...(gainsIn(alone, 3, 0, 3) ?? [])], [0, 0.5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(gainsIn(codes.cells, 3, 2, 3), null);
});
