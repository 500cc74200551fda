// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { momentInLoop, ordered, startWithin, ticksOf } from "../../distill/ui/components/js/axes.js";

test("a loop comes back to its start, however often it went round", () => {
  assert.equal(momentInLoop(0.5, [1, 3]), 0.5); // playback began before the loop
  assert.equal(momentInLoop(2.5, [1, 3]), 2.5);
  assert.equal(momentInLoop(3, [1, 3]), 1);
  assert.equal(momentInLoop(8.5, [1, 3]), 2.5);
  assert.equal(momentInLoop(8.5, null), 8.5);
});

test("a part is played from its start when the moment is not in it", () => {
  assert.equal(startWithin(2, [1, 3]), 2);
  assert.equal(startWithin(0.5, [1, 3]), 1);
  assert.equal(startWithin(3, [1, 3]), 1);
  assert.equal(startWithin(2.995, [1, 3]), 1);
});

test("two ends are put in order", () => {
  assert.deepEqual(ordered(5, 2), [2, 5]);
  assert.deepEqual(ordered(2, 5), [2, 5]);
});

test("ticks are far enough apart to be read, and begin at or before the visible part", () => {
  for (const perSecond of [0.5, 7, 61, 300, 900]) {
    const ticks = ticksOf(1.3, 40, perSecond);
    assert.ok(ticks[0] <= 1.3);
    assert.ok(ticks.every((tick) => tick <= 40));
    for (let index = 1; index < ticks.length; index++) assert.ok((ticks[index] - ticks[index - 1]) * perSecond > 60);
  }
  assert.deepEqual(ticksOf(0, 2, 100), [0, 1, 2]);
});
