// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { placeBeside } from "../../distill/ui/components/js/tour_place.js";

const room = { width: 390, height: 800 };
const box = { width: 340, height: 180 };

test("the box of the tour is below its target, above it, or over it, and always within the window", () => {
  assert.equal(placeBeside({ left: 0, top: 100, bottom: 200, width: 390 }, box, room).top, 210);
  assert.equal(placeBeside({ left: 0, top: 600, bottom: 780, width: 390 }, box, room).top, 410);
  for (const target of [
    { left: 0, top: -50, bottom: 900, width: 390 },
    { left: 380, top: 20, bottom: 40, width: 10 },
    { left: -200, top: 790, bottom: 799, width: 30 },
  ]) {
    const { left, top } = placeBeside(target, box, room);
    assert.ok(left >= 0 && left + box.width <= room.width);
    assert.ok(top >= 0 && top + box.height <= room.height);
  }
});
