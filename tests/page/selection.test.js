// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cellsBetween,
  codesIn,
  contains,
  draggedTo,
  parts,
  pasteParts,
  placedAt,
  regionBetween,
  sizeOf,
  stepped,
} from "../../distill/ui/components/js/selection.js";

const SHAPE = { levels: 2, rows: 8, columns: 20 };

test("a region is the same from whichever corner it is drawn", () => {
  const region = { rows: [2, 5], columns: [3, 9] };
  assert.deepEqual(regionBetween({ row: 5, column: 3 }, { row: 2, column: 9 }), region);
  assert.deepEqual(regionBetween({ row: 2, column: 9 }, { row: 5, column: 3 }), region);
});

test("a region holds its ends and nothing beyond", () => {
  const region = regionBetween({ row: 2, column: 3 }, { row: 5, column: 9 });
  assert.ok(contains(region, { row: 2, column: 9 }));
  assert.ok(!contains(region, { row: 1, column: 5 }));
  assert.ok(!contains(region, { row: 3, column: 10 }));
  assert.ok(!contains(null, { row: 0, column: 0 }));
  assert.deepEqual(sizeOf(region), { tall: 4, wide: 7 });
});

test("a dragged region stays in the grid, and keeps its size where there is room", () => {
  const region = regionBetween({ row: 2, column: 3 }, { row: 3, column: 4 });
  const from = { row: 2, column: 3 };
  assert.equal(draggedTo(region, from, from), null);
  assert.deepEqual(draggedTo(region, from, { row: 0, column: 0 }), { row: 0, column: 0 });
  assert.deepEqual(draggedTo(region, { row: 3, column: 4 }, { row: 0, column: 0 }), { row: 0, column: 0 });
  assert.deepEqual(placedAt(region, { row: 7, column: 19 }, SHAPE), { rows: [7, 7], columns: [19, 19] });
  assert.deepEqual(placedAt(region, { row: 0, column: 5 }, SHAPE), { rows: [0, 1], columns: [5, 6] });
});

test("a step ends at the grid's edge", () => {
  assert.deepEqual(stepped({ row: 7, column: 0 }, 1, -1, SHAPE), { row: 7, column: 0 });
  assert.deepEqual(stepped({ row: 7, column: 0 }, -1, 1, SHAPE), { row: 6, column: 1 });
});

test("between two cells there is no gap, and the last one is reached", () => {
  for (const to of [
    { row: 0, column: 19 },
    { row: 7, column: 1 },
    { row: 3, column: 3 },
  ]) {
    let before = { row: 3, column: 3 };
    const cells = cellsBetween(before, to);
    for (const cell of cells) {
      assert.ok(Math.abs(cell.row - before.row) <= 1 && Math.abs(cell.column - before.column) <= 1);
      before = cell;
    }
    assert.deepEqual(cells.at(-1), to);
  }
});

test("codes of a region are those of its levels, rows and columns", () => {
  const shape = { levels: 2, rows: 2, columns: 3 };
  const indices = Uint16Array.from({ length: 12 }, (_, code) => code);
  assert.deepEqual(codesIn(indices, shape, { levels: [1, 1], rows: [0, 1], columns: [1, 2] }), [
    [
      [7, 8],
      [10, 11],
    ],
  ]);
  assert.deepEqual(codesIn(indices, shape, { levels: [0, 1], rows: [1, 1], columns: [0, 0] }), [[[3]], [[9]]]);
});

test("a long stroke is cut into parts that the server takes, none of it lost", () => {
  const cells = Array.from({ length: 10 }, (_, index) => index);
  assert.deepEqual(parts(cells, 4), [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [8, 9],
  ]);
  assert.deepEqual(parts([], 4), []);
});

test("a paste is cut by columns, and columns after the end are left out", () => {
  const codes = [
    [
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
    ],
  ];
  const cut = pasteParts(codes, 17, SHAPE, 4);
  assert.deepEqual(
    cut.map((part) => part.column),
    [17, 19],
  );
  assert.deepEqual(cut[0].codes, [
    [
      [1, 2],
      [6, 7],
    ],
  ]);
  assert.ok(cut.every((part) => part.codes.flat(2).length <= 4));
});
