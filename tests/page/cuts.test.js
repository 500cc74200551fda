// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { CutHistory, Cuts, LEAST } from "../../distill/ui/components/js/cuts.js";

const LENGTH = 100_000;
const AS_FOUND = /** @type {[number, number][]} */ ([
  [10_000, 20_000],
  [20_000, 50_000],
  [60_000, LENGTH],
]);

test("pieces become marks and parts, of which the silent ones are left out, and pieces again", () => {
  const cuts = Cuts.of(AS_FOUND, LENGTH);
  assert.deepEqual(cuts.marks, [10_000, 20_000, 50_000, 60_000]);
  assert.deepEqual(cuts.kept, [false, true, true, false, true]);
  assert.deepEqual(cuts.pieces, AS_FOUND);
  assert.equal(cuts.count, 3);
  const begins = Cuts.of([[0, 5_000]], LENGTH);
  assert.deepEqual([begins.marks, begins.kept], [[5_000], [true, false]]);
});

test("a whole recording has one part and no pieces", () => {
  const cuts = Cuts.of([], LENGTH);
  assert.deepEqual([cuts.isWhole, cuts.count, cuts.pieces], [true, 1, []]);
  assert.equal(Cuts.of([[0, LENGTH]], LENGTH).isWhole, true);
});

test("a cut is added where it is pressed, unless a piece would be too short", () => {
  const cuts = new Cuts(LENGTH).add(40_000);
  assert.deepEqual(cuts.pieces, [
    [0, 40_000],
    [40_000, LENGTH],
  ]);
  assert.equal(cuts.add(40_000 + LEAST - 1), cuts);
  assert.equal(cuts.add(LEAST - 1), cuts);
  assert.equal(cuts.add(LENGTH - 1), cuts);
  assert.deepEqual(Cuts.of(AS_FOUND, LENGTH).add(5_000).kept, [false, false, true, true, false, true]);
});

test("a cut moves up to its neighbours", () => {
  const cuts = Cuts.of(AS_FOUND, LENGTH);
  assert.equal(cuts.move(1, 30_000.4).marks[1], 30_000);
  assert.equal(cuts.move(1, 0).marks[1], 10_000 + LEAST);
  assert.equal(cuts.move(1, LENGTH).marks[1], 50_000 - LEAST);
  assert.equal(cuts.move(3, LENGTH).marks[3], LENGTH - LEAST);
  assert.equal(cuts.move(9, 5), cuts);
  const close = new Cuts(1_000, [400], [true, true]); // found so by the server
  assert.deepEqual([close.move(0, 0).marks, close.move(0, 900).marks], [[400], [1_000 - LEAST]]);
});

test("without a cut the parts beside it are one, which is a clip if one was", () => {
  const cuts = Cuts.of(AS_FOUND, LENGTH);
  assert.deepEqual(cuts.remove(0).pieces[0], [0, 20_000]);
  assert.deepEqual(cuts.remove(1).pieces[0], [10_000, 50_000]);
  assert.equal(cuts.remove(-1), cuts);
  let left = cuts;
  while (left.marks.length) left = left.remove(0);
  assert.equal(left.isWhole, true);
});

test("a part is left out and taken back", () => {
  const cuts = Cuts.of(AS_FOUND, LENGTH);
  assert.deepEqual(cuts.toggle(1).pieces, AS_FOUND.slice(1));
  assert.equal(cuts.toggle(1).toggle(1).equals(cuts), true);
  assert.equal(cuts.toggle(7), cuts);
  assert.deepEqual(new Cuts(LENGTH).toggle(0).pieces, []);
});

test("the part under a place and the cut near it are found", () => {
  const cuts = Cuts.of(AS_FOUND, LENGTH);
  assert.deepEqual([0, 9_999, 10_000, 99_999].map((at) => cuts.partAt(at)), [0, 0, 1, 4]); // biome-ignore format: short
  assert.deepEqual([cuts.near(19_500, 600), cuts.near(19_500, 400), cuts.near(15_000, 1e9)], [1, -1, 1]);
});

test("a drag is one step back, and undo goes back to the beginning", () => {
  const history = new CutHistory(Cuts.of(AS_FOUND, LENGTH));
  const first = history.cuts;
  history.take(history.cuts.move(1, 21_000), { isOpen: true });
  history.take(history.cuts.move(1, 22_000), { isOpen: true });
  history.close();
  history.take(history.cuts.add(80_000));
  history.take(history.cuts); // nothing changed
  history.undo();
  assert.equal(history.cuts.marks[1], 22_000);
  history.undo();
  assert.equal(history.cuts, first);
  assert.equal(history.canUndo, false);
  history.undo();
  assert.equal(history.cuts, first);
});
