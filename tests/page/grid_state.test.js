// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { GridCodes } from "../../distill/ui/components/js/grid_codes.js";
import { GridState } from "../../distill/ui/components/js/grid_state.js";
import { gridValue, pack } from "./help.js";

const newState = () => new GridState(new GridCodes(gridValue()));

test("a position and its level, row and column are inverses", () => {
  const { codes } = newState();
  for (let position = 0; position < 12; position++) {
    const { level, row, column } = codes.placeOf(position);
    assert.equal(codes.positionOf(level, row, column), position);
  }
});

test("the server's codes replace those that the page put ahead of the answer", () => {
  /** @type {number[][]} */
  const put = [];
  const codes = new GridCodes(gridValue(), (position, code) => put.push([position, code]));
  codes.put([[3, 9]]);
  assert.ok(codes.isChanged(3));
  codes.correct({ positions: [3, 4], codes: [3, 7] });
  assert.deepEqual([codes.indices[3], codes.indices[4]], [3, 7]);
  assert.ok(!codes.isChanged(3));
  codes.correct({ positions: null, codes: null, indices: pack(Array(12).fill(5)) });
  assert.ok(codes.indices.every((code) => code === 5));
  assert.equal(put.length, 1 + 2 + 11); // one cell had that code before
});

test("a stroke paints each cell once, at once, without gaps", () => {
  const state = newState();
  state.brush = 9;
  state.beginStroke({ row: 0, column: 0 });
  state.goOnPainting({ row: 0, column: 2 });
  state.goOnPainting({ row: 0, column: 1 });
  assert.deepEqual([...state.codes.indices.subarray(0, 3)], [9, 9, 9]);
  const stroke = state.endStroke();
  assert.deepEqual(
    stroke?.cells.map(({ column }) => column),
    [0, 1, 2],
  );
  assert.equal(state.endStroke(), null);
});

test("Shift and arrows select from where they began; arrows alone let go", () => {
  const state = newState();
  state.moveCursor(0, 1, true);
  state.moveCursor(1, 1, true);
  assert.deepEqual(state.selection, { rows: [0, 1], columns: [0, 2] });
  state.moveCursor(0, -1, false);
  assert.equal(state.selection, null);
  assert.deepEqual(state.cursor, { row: 1, column: 1 });
});

test("the region is the selection, or the cursor's cell, on one level or on all", () => {
  const state = newState();
  state.level = 1;
  assert.deepEqual(state.region, { levels: [0, 1], rows: [0, 0], columns: [0, 0] });
  state.everyLevel = false;
  state.selectAll();
  assert.deepEqual(state.region, { levels: [1, 1], rows: [0, 1], columns: [0, 2] });
  state.unselect();
  assert.deepEqual(state.regionOfLevel, { levels: [1, 1], rows: [0, 0], columns: [0, 0] });
  assert.deepEqual(state.wholeLevel, { levels: [1, 1], rows: [0, 1], columns: [0, 2] });
});

test("a drag of the selection moves it; a click on it lets it go; a drag that is taken back does neither", () => {
  const state = newState();
  state.beginSelecting({ row: 0, column: 0 }, false);
  state.goOnSelecting({ row: 1, column: 1 });
  assert.equal(state.endSelecting(), null);
  state.remember();
  state.beginSelecting({ row: 1, column: 1 }, false);
  state.goOnSelecting({ row: 1, column: 2 });
  state.takeBack();
  assert.equal(state.endSelecting(), null);
  assert.deepEqual(state.selection, { rows: [0, 1], columns: [0, 1] });
  state.beginSelecting({ row: 1, column: 1 }, false);
  state.goOnSelecting({ row: 1, column: 2 });
  assert.deepEqual(state.endSelecting(), { levels: [0, 1], rows: [0, 1], columns: [0, 1], row: 0, column: 1 });
  assert.deepEqual(state.selection, { rows: [0, 1], columns: [1, 2] });
  state.beginSelecting({ row: 0, column: 1 }, false);
  assert.equal(state.endSelecting(), null);
  assert.equal(state.selection, null);
});

test("a stroke that is taken back leaves codes, cursor and brush as they were, and there is nothing to send", () => {
  const state = newState();
  Object.assign(state, { brush: 9, cursor: { row: 1, column: 1 } });
  const before = [...state.codes.indices];
  state.remember();
  state.level = 1;
  state.beginStroke({ row: 0, column: 0 });
  state.goOnPainting({ row: 1, column: 2 });
  assert.notDeepEqual([...state.codes.indices], before);
  state.takeBack();
  assert.deepEqual([...state.codes.indices], before);
  assert.deepEqual([state.level, state.brush, state.cursor, state.isPainting], [0, 9, { row: 1, column: 1 }, false]);
  assert.equal(state.endStroke(), null);
});

test("a selection that is taken back leaves the earlier one", () => {
  const state = newState();
  state.selectAll();
  const { selection } = state;
  state.remember();
  state.beginSelecting({ row: 0, column: 1 }, true);
  state.goOnSelecting({ row: 0, column: 0 });
  state.takeBack();
  assert.deepEqual(state.selection, selection);
});

test("an answer that comes during a stroke stays below it, and is there when the stroke is taken back", () => {
  const state = newState();
  state.brush = 9;
  state.remember();
  state.beginStroke({ row: 0, column: 0 });
  state.codes.correct({ positions: [0, 1], codes: [7, 8] });
  assert.deepEqual([...state.codes.indices.subarray(0, 2)], [9, 8]);
  state.takeBack();
  assert.deepEqual([...state.codes.indices.subarray(0, 2)], [7, 8]);
  state.beginStroke({ row: 0, column: 0 });
  state.endStroke();
  state.codes.correct({ positions: [0], codes: [4] }); // after the stroke, the server has the last word
  assert.equal(state.codes.indices[0], 4);
});

test("codes copied from one level are pasted into the chosen level, codes of all levels into all", () => {
  const state = newState();
  assert.deepEqual(state.pastes(100), []);
  state.everyLevel = false;
  state.copy();
  state.level = 1;
  state.cursor = { row: 1, column: 2 };
  assert.deepEqual(state.pastes(100), [{ level: 1, row: 1, column: 2, codes: [[[0]]] }]);
  state.everyLevel = true;
  state.copy();
  assert.deepEqual(state.pastes(100), [{ level: 0, row: 1, column: 2, codes: [[[5]], [[11]]] }]);
});

test("another clip begins at its start, with a level and a code that it has", () => {
  const state = newState();
  Object.assign(state, { level: 1, brush: 15, cursor: { row: 1, column: 2 } });
  state.selectAll();
  const smaller = gridValue({ levels: ["Structure"], indices: pack([1, 2, 3, 4, 5, 6]), original: pack([]) });
  state.take(new GridCodes(smaller), 8, true);
  assert.deepEqual([state.level, state.brush, state.cursor, state.selection], [0, 7, { row: 0, column: 0 }, null]);
});
