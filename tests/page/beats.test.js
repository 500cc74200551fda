// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import {
  linesIn,
  movedLoop,
  partAt,
  periodOf,
  placeInBars,
  snapped,
  snappedColumn,
  snappedColumns,
  Taps,
  withOffset,
} from "../../distill/ui/components/js/beats.js";

const BEAT = { tempo: 120, offset: 0.25, bar: 4 }; // a beat each 0.5 s
const COLUMN = 8192 / 44100; // 186 ms

/** @type {(snap: import("../../distill/ui/components/js/beats.js").Snap) => import("../../distill/ui/components/js/beats.js").Measure} */
const measure = (snap) => ({ beat: BEAT, snap, columnSeconds: COLUMN, columns: 40, seconds: 40 * COLUMN });

/** @type {(one: number[] | null, other: number[]) => void} */
const near = (one, other) => {
  assert.equal(one?.length, other.length);
  for (const [index, value] of (one ?? []).entries())
    assert.ok(Math.abs(value - other[index]) < 1e-9, `${one} is not ${other}`);
};

test("lines are beats and bars, with parts between them where the beat snaps to parts", () => {
  const lines = linesIn(BEAT, "1", [0, 2.5]);
  near(
    lines.map(({ moment }) => moment),
    [0.25, 0.75, 1.25, 1.75, 2.25],
  );
  assert.deepEqual(
    lines.map(({ isBar }) => isBar),
    [true, false, false, false, true],
  );
  const parts = linesIn(BEAT, "4", [0.25, 0.75]);
  near(
    parts.map(({ moment }) => moment),
    [0.25, 0.375, 0.5, 0.625, 0.75],
  );
  assert.deepEqual(
    parts.map(({ isBeat }) => isBeat),
    [true, false, false, false, true],
  );
  assert.equal(placeInBars(BEAT, 0.75), "1.2");
  assert.equal(placeInBars(BEAT, 2.25), "2.1");
});

test("a moment snaps to the nearest line within the clip, without a beat to a column", () => {
  near([snapped(measure("1"), 0.9)], [0.75]);
  near([snapped(measure("bar"), 0.9)], [0.25]);
  near([snapped(measure("1"), 0.02)], [0]);
  near([snapped(measure("1"), 0.2)], [0.25]);
  near([snapped(measure("1"), 100)], [40 * COLUMN]);
  near([snapped(measure("off"), 0.9)], [5 * COLUMN]);
});

test("a selection grows to whole beats, and neighbouring beats share no column", () => {
  const beats = [];
  for (let column = 0; column < 40; column++) {
    const [first, last] = snappedColumns(measure("1"), [column, column]);
    assert.ok(first <= column && column <= last);
    beats.push(`${first} ${last}`);
  }
  const different = [...new Set(beats)].map((beat) => beat.split(" ").map(Number));
  for (const [index, [first]] of different.slice(1).entries()) assert.equal(first, different[index][1] + 1);
  assert.deepEqual(snappedColumns(measure("off"), [3, 4]), [3, 4]);
  assert.deepEqual(snappedColumns(measure("1"), [0, 39]), [0, 39]);
  assert.equal(snappedColumn(measure("1"), 5), 4); // 0.93 s: the line at 0.75 s
  assert.equal(snappedColumn(measure("off"), 5), 5);
});

test("repeats of a beat keep its time, which columns have not", () => {
  const columns = snappedColumns(measure("1"), [4, 4]);
  near([periodOf(measure("1"), columns)], [0.5 / COLUMN]);
  assert.equal(periodOf(measure("off"), columns), 0);
});

test("a loop is moved by its edges and its middle, on the beat and within the clip", () => {
  near(movedLoop(measure("1"), [0.75, 1.75], "stop", 0.6), [0.75, 2.25]);
  near(movedLoop(measure("1"), [0.75, 1.75], "start", 1.4), [1.75, 2.25]); // past the other end
  near(movedLoop(measure("1"), [0.75, 1.75], "start", 1.05), [1.25, 1.75]); // never empty
  near(movedLoop(measure("1"), [0.75, 1.75], "middle", 0.45), [1.25, 2.25]);
  near(movedLoop(measure("1"), [0.75, 1.75], "middle", 99), [40 * COLUMN - 1, 40 * COLUMN]);
  near(movedLoop(measure("off"), [COLUMN, 2 * COLUMN], "stop", COLUMN), [COLUMN, 3 * COLUMN]);
});

test("an edge is held near it, and a short loop keeps a middle", () => {
  assert.equal(partAt([1, 2], 0.95, 0.1), "start");
  assert.equal(partAt([1, 2], 2.05, 0.1), "stop");
  assert.equal(partAt([1, 2], 1.5, 0.1), "middle");
  assert.equal(partAt([1, 2], 0.5, 0.1), null);
  assert.equal(partAt([1, 1.05], 1.025, 0.1), "middle");
  assert.equal(partAt(null, 1, 0.1), null);
});

test("taps give their tempo, one late tap moves it little, and a pause begins anew", () => {
  const taps = new Taps();
  const lateness = [0, 0, 0.02, 0, 0, 0, 0, 0];
  const tempos = lateness.map((late, index) => taps.add(10 + 0.5 * index + late));
  assert.equal(tempos[0], null);
  assert.ok(Math.abs((tempos.at(-1) ?? 0) - 120) < 1);
  assert.equal(taps.add(30), null);
  assert.equal(taps.add(31), 60);
});

test("the first beat stays within the first bar", () => {
  near([withOffset(BEAT, -0.1).offset], [1.9]);
  near([withOffset(BEAT, 2.3).offset], [0.3]);
});
