// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { GridLayout } from "../../distill/ui/components/js/grid_layout.js";
import { Pinch, spanOf, wheelZoom } from "../../distill/ui/components/js/grid_zoom.js";

const layoutOf = (columns = 100) =>
  new GridLayout({ codes: { levels: 3, rows: 8, columns }, level: 0, isStacked: false });

/** A grid in a view of 500 pixels, scrolled to a place, without a page. */
function gridAt(scrollLeft = 700) {
  const layout = layoutOf();
  const scroller = { scrollLeft };
  return /** @type {any} */ ({
    ...{ layout, scroller, value: { columns: 100 }, track: { style: {} }, draw() {} },
    get view() {
      return { scrollLeft: scroller.scrollLeft, width: 500 };
    },
  });
}

/** @param {any} grid @param {number} x */
const columnAt = (grid, x) => (grid.scroller.scrollLeft + x) / grid.layout.widthOfColumn(grid.view);

test("a zoom keeps the point under the pointer where it is, up to the limits", () => {
  const grid = gridAt();
  const column = columnAt(grid, 123);
  for (const factor of [1.5, 1.5, 0.8, 100, 0.5]) {
    const width = grid.layout.widthOfColumn(grid.view) * factor;
    grid.scroller.scrollLeft = grid.layout.widen(width, { column, x: 123 }, grid.view);
    assert.ok(Math.abs(columnAt(grid, 123) - column) < 1e-9);
  }
  assert.equal(grid.layout.columnWidth, 36); // half of the widest
  grid.layout.widen(0, { column, x: 123 }, grid.view);
  assert.equal(grid.layout.columnWidth, 5); // all columns in view
});

test("two fingers hold what is under them, as they spread, close and move", () => {
  const grid = gridAt();
  const [left, right] = [columnAt(grid, 200), columnAt(grid, 300)];
  const pinch = new Pinch(grid, [
    { x: 200, y: 50 },
    { x: 300, y: 50 },
  ]);
  for (const [from, to] of [
    [150, 350],
    [180, 380],
    [90, 170],
    [200, 300],
  ]) {
    pinch.follow([
      { x: from, y: 50 },
      { x: to, y: 50 },
    ]);
    assert.ok(Math.abs(columnAt(grid, from) - left) < 1e-9 && Math.abs(columnAt(grid, to) - right) < 1e-9);
  }
});

test("two fingers on one place do not zoom without end", () => {
  assert.deepEqual(
    spanOf([
      { x: 100, y: 10 },
      { x: 100, y: 10 },
    ]),
    { x: 100, distance: 24 },
  );
});

test("a notch of a wheel zooms as a press of the button does, a trackpad in small steps, and back again", () => {
  assert.ok(Math.abs(wheelZoom({ deltaY: -120, deltaMode: 0 }) - 1.5) < 0.02);
  assert.ok(Math.abs(wheelZoom({ deltaY: -3, deltaMode: 1 }) - 1.5) < 0.02);
  assert.ok(Math.abs(wheelZoom({ deltaY: -2, deltaMode: 0 }) - 1.02) < 0.001);
  assert.ok(Math.abs(wheelZoom({ deltaY: 5, deltaMode: 0 }) * wheelZoom({ deltaY: -5, deltaMode: 0 }) - 1) < 1e-9);
});
