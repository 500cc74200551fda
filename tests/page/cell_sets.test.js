// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cellsOf,
  cellsWith,
  grown,
  inverted,
  lassoed,
  movedCells,
  selectionOf,
  shrunk,
} from "../../distill/ui/components/js/cell_sets.js";
import { EditQueue } from "../../distill/ui/components/js/edit_queue.js";
import { chosenBy } from "../../distill/ui/components/js/grid_choosing.js";
import { hashOf, RegionAmounts } from "../../distill/ui/components/js/grid_sliders.js";
import { GridState } from "../../distill/ui/components/js/grid_state.js";
import { putsOf } from "../../distill/ui/components/js/grid_tools.js";
import { bandWords, cellWords, selectionWords } from "../../distill/ui/components/js/grid_words.js";
import { contains } from "../../distill/ui/components/js/selection.js";

const SIZE = { rows: 8, columns: 12 };
const cell = (/** @type {number} */ row, /** @type {number} */ column) => row * SIZE.columns + column;
const codes = () => {
  const indices = Uint16Array.from({ length: 2 * 8 * 12 }, (_, position) => position % 7);
  const positionOf = (/** @type {number} */ level, /** @type {number} */ row, /** @type {number} */ column) =>
    (level * 8 + row) * 12 + column;
  return /** @type {any} */ ({
    ...{ levels: 2, ...SIZE, indices, positionOf },
    codeAt: (/** @type {number} */ level, /** @type {any} */ at) => indices[positionOf(level, at.row, at.column)],
    uncover: () => {},
  });
};

test("cells that fill their box are a rectangle, others keep their cells", () => {
  const full = new Set([cell(1, 2), cell(1, 3), cell(2, 2), cell(2, 3)]);
  assert.deepEqual(selectionOf(full, SIZE), { rows: [1, 2], columns: [2, 3] });
  full.delete(cell(1, 2));
  const region = selectionOf(full, SIZE);
  assert.deepEqual([region?.rows, region?.columns, region?.cells], [[1, 2], [2, 3], full]);
  assert.equal(selectionOf(new Set(), SIZE), null);
  assert.deepEqual(cellsOf({ rows: [1, 2], columns: [2, 3] }, SIZE).size, 4);
});

test("a selection grows at its sides, shrinks from its edge, and is turned round", () => {
  const one = new Set([cell(3, 3)]);
  assert.deepEqual(
    [...grown(one, SIZE)].sort((a, b) => a - b),
    [cell(2, 3), cell(3, 2), cell(3, 3), cell(3, 4), cell(4, 3)],
  );
  assert.deepEqual(shrunk(grown(one, SIZE), SIZE), one);
  assert.deepEqual(shrunk(cellsOf({ rows: [0, 7], columns: [0, 11] }, SIZE), SIZE).size, 96); // the grid's own edge is none
  assert.deepEqual(inverted(inverted(one, SIZE), SIZE), one);
  assert.equal(inverted(one, SIZE).size, 95);
});

test("a loop holds the cells that it runs through and those inside", () => {
  const corners = [
    [1, 2],
    [1, 8],
    [5, 8],
    [5, 2],
    [1, 2],
  ];
  const points = [];
  for (let index = 0; index + 1 < corners.length; index++) {
    const [[row, column], [toRow, toColumn]] = [corners[index], corners[index + 1]];
    const steps = Math.max(Math.abs(toRow - row), Math.abs(toColumn - column));
    for (let step = 0; step < steps; step++) {
      points.push({ row: row + ((toRow - row) * step) / steps, column: column + ((toColumn - column) * step) / steps });
    }
  }
  assert.deepEqual(selectionOf(lassoed(points, SIZE), SIZE), { rows: [1, 5], columns: [2, 8] });
});

test("all cells of a code are selected, and all like it", () => {
  const state = new GridState(codes());
  state.cursor = { row: 0, column: 3 };
  const same = chosenBy("same", state, []);
  assert.deepEqual(cellsOf(same, SIZE), cellsWith(state.codes, 0, new Set([3])));
  assert.deepEqual(cellsOf(chosenBy("like", state, [4, 5]), SIZE), cellsWith(state.codes, 0, new Set([3, 4, 5])));
  assert.equal(chosenBy("shrink", state, []), null);
});

test("an edit names the cells of a selection that is no rectangle, and the page puts only these", () => {
  const state = new GridState(codes());
  state.select(selectionOf(new Set([cell(1, 2), cell(2, 3)]), SIZE));
  assert.deepEqual(state.regionOfLevel.only, [
    [1, 2],
    [2, 3],
  ]);
  const puts = putsOf({ kind: "set", ...state.regionOfLevel, code: 9 }, state.codes);
  assert.deepEqual(puts, [
    [cell(1, 2), 9],
    [cell(2, 3), 9],
  ]);
  assert.equal(contains(state.selection, { row: 1, column: 3 }, SIZE.columns), false);
});

test("copied cells are pasted as they stood, also where an edit is split", () => {
  const state = new GridState(codes());
  state.select(selectionOf(new Set([cell(1, 2), cell(2, 5)]), SIZE));
  state.copy();
  state.cursor = { row: 4, column: 6 };
  state.select(null);
  assert.deepEqual(
    state.pastes(1000).map(({ only }) => only),
    [
      [
        [4, 6],
        [5, 9],
      ],
    ],
  );
  assert.deepEqual(
    state.pastes(8).map(({ column, only }) => [column, only]),
    [
      [6, [[4, 6]]],
      [8, [[5, 9]]],
    ],
  );
});

test("cells move with a drag, and what leaves the grid is gone", () => {
  const moved = movedCells(new Set([cell(1, 2), cell(7, 11)]), { rows: 1, columns: 1 }, SIZE);
  assert.deepEqual(moved, new Set([cell(2, 3)]));
});

test("a region keeps its amounts as long as it has the codes that they made", () => {
  const amounts = new RegionAmounts();
  amounts.keep("region", { amounts: { brightness: 0.5 }, since: 2, made: "7" });
  assert.equal(amounts.of("region", "7")?.since, 2);
  assert.equal(amounts.of("region", "8"), null);
  assert.equal(amounts.of("region", "7")?.amounts.brightness, 0.5); // after an undo and a redo
  amounts.forgetFrom(3);
  assert.notEqual(amounts.of("region", "7"), null);
  amounts.forgetFrom(2); // another edit took the place of the slider's
  assert.equal(amounts.of("region", "7"), null);
});

test("the number of a region's codes changes with each of them", () => {
  const all = codes();
  const region = {
    levels: /** @type {[number, number]} */ ([0, 1]),
    rows: /** @type {[number, number]} */ ([0, 7]),
    columns: /** @type {[number, number]} */ ([0, 11]),
  };
  const before = hashOf(all, region);
  all.indices[100] += 1;
  assert.notEqual(hashOf(all, region), before);
});

test("of a slider's moves that wait only the last is sent, and none of another gesture is lost", async () => {
  /** @type {any[]} */
  const sent = [];
  /** @type {any} */
  let goOn;
  const send = (/** @type {any} */ request) => {
    sent.push([request.kind, request.amount]);
    return new Promise((done) => {
      goOn = () => done(/** @type {any} */ ({ positions: [] }));
    });
  };
  const listener = /** @type {any} */ ({ done: () => {}, changed: () => {} });
  let count = 0;
  const queue = new EditQueue(/** @type {any} */ (send), listener, { id: () => String(++count) });
  queue.add("a", "blend", { amount: 0.1, gesture: "one" });
  queue.add("a", "blend", { amount: 0.2, gesture: "one" });
  queue.add("a", "blend", { amount: 0.3, gesture: "one" });
  queue.add("a", "blend", { amount: 0.4, gesture: "two" });
  queue.add("a", "clear");
  for (let time = 0; time < 6; time++) {
    goOn?.();
    await new Promise((done) => setTimeout(done, 1));
  }
  assert.deepEqual(sent, [
    ["blend", 0.1],
    ["blend", 0.3],
    ["blend", 0.4],
    ["clear", undefined],
  ]);
});

test("place, band and codes are read out, of a cell and of the selection", () => {
  const value = /** @type {any} */ ({
    levels: ["Structure", "Detail"],
    bands: ["0–300 Hz", "300–900 Hz", "0.9–1.5 kHz"],
    column_seconds: 0.5,
  });
  assert.equal(bandWords(value.bands, [0, 2]), "0 Hz to 1.5 kHz");
  assert.equal(bandWords(value.bands, [1, 1]), "300–900 Hz");
  assert.equal(
    cellWords(value, codes(), { row: 1, column: 2, level: 0 }),
    "1.00 s, 300–900 Hz: Structure code 0, Detail 5.",
  );
  const region = { rows: /** @type {[number, number]} */ ([0, 0]), columns: /** @type {[number, number]} */ ([0, 8]) };
  assert.equal(
    selectionWords(value, codes(), region, 0),
    "Selected: 9 × 1, 4.50 s, 0–300 Hz, codes 0 (2 ×), 1 (2 ×), 2, 3 and 3 more.",
  );
});
