// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BANDS,
  bandAt,
  decibelsAt,
  heightOf,
  hzOfBand,
  showDb,
  showHz,
  unpackSpectra,
} from "../../distill/ui/components/js/spectra_data.js";
import { momentAt, moved, placeIn, within, zoomed } from "../../distill/ui/components/js/time_view.js";
import { Timeline } from "../../distill/ui/components/js/timeline.js";

/** @type {(one: readonly number[], other: readonly number[]) => void} */
function alike(one, other) {
  assert.equal(one.length, other.length);
  for (const [index, value] of one.entries())
    assert.ok(Math.abs(value - other[index]) < 1e-9, `${one} is not ${other}`);
}

test("a view stays within the clip and is never too short to be seen", () => {
  alike(within([-1, 2], 10), [0, 3]);
  alike(within([9, 12], 10), [7, 10]);
  alike(within([0, 99], 10), [0, 10]);
  alike(within([4, 4], 10), [3.975, 4.025]);
  alike(within([0, 1], 0.02), [0, 0.02]);
});

test("a zoom keeps the moment under the pointer where it is, and a zoom back restores the view", () => {
  const view = /** @type {[number, number]} */ ([2, 6]);
  for (const moment of [2, 3.3, 6]) {
    const closer = zoomed(view, 10, 2, moment);
    assert.ok(Math.abs(closer[1] - closer[0] - 2) < 1e-9);
    assert.ok(Math.abs(placeIn(closer, moment) - placeIn(view, moment)) < 1e-9);
    alike(zoomed(closer, 10, 0.5, moment), view);
  }
  alike(zoomed(view, 10, 0.001, 3), [0, 10]);
});

test("a view is moved as far as the clip goes", () => {
  alike(moved([2, 6], 10, 1.5), [3.5, 7.5]);
  alike(moved([2, 6], 10, 99), [6, 10]);
  alike(moved([2, 6], 10, -99), [0, 4]);
});

test("a moment and its place in a view are inverses", () => {
  assert.equal(placeIn([2, 6], 4), 0.5);
  assert.equal(momentAt([2, 6], 0.5), 4);
  assert.ok(placeIn([2, 6], 1) < 0);
});

test("the player and the pictures share moment, view, part and track", () => {
  const timeline = new Timeline();
  let drawn = 0;
  /** @type {number[][]} */
  const told = [];
  timeline.follow({ seek: (moment) => told.push([moment]), choose: (one, other) => told.push([one, other]) });
  timeline.add(() => {
    drawn += 1;
  });
  timeline.begin(8);
  assert.deepEqual(timeline.view, [0, 8]);
  timeline.look([2, 4]);
  timeline.show({ moment: 3, part: [2, 3], track: 1 });
  assert.equal(drawn, 4);
  timeline.followMoment();
  assert.deepEqual(timeline.view, [2, 4]);
  timeline.show({ moment: 5 });
  timeline.followMoment();
  alike(timeline.view, [4.8, 6.8]);
  timeline.point(1);
  timeline.choose(3, 1);
  assert.deepEqual(told, [[1], [3, 1]]);
  timeline.begin(2);
  assert.deepEqual([timeline.view, timeline.part, timeline.moment], [[0, 2], null, 0]);
});

test("a band is read by its frequency, and each frequency has its height", () => {
  assert.equal(bandAt(0), 0);
  assert.equal(bandAt(0.9999), BANDS - 1);
  for (let band = 0; band < BANDS; band++) {
    assert.ok(Math.abs(heightOf(hzOfBand(band)) - (band + 0.5) / BANDS) < 1e-9);
    assert.equal(bandAt(heightOf(hzOfBand(band))), band);
  }
  assert.equal(showHz(hzOfBand(0)), "31 Hz");
  assert.equal(showHz(1234), "1.2 kHz");
});

test("levels are unpacked and read in dB; outside of the part there are none", async () => {
  const mels = [Uint8Array.from({ length: 2 * BANDS }, (_, index) => index), new Uint8Array(2 * BANDS)];
  const packed = mels.map(async (mel) => {
    const deflated = new Blob([mel]).stream().pipeThrough(new CompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(deflated).arrayBuffer());
    return btoa(String.fromCharCode(...bytes));
  });
  const answer = { first: 10, stride: 3, columns: 2, low_db: -100, step_db: 0.5, top_db: 0 };
  const data = await unpackSpectra({ ...answer, mels: await Promise.all(packed) });
  assert.deepEqual(data.mels[0], mels[0]);
  assert.equal(decibelsAt(data, 0, 12, 5), -100 + 0.5 * 10);
  assert.equal(decibelsAt(data, 0, 13, 5), -100 + 0.5 * 11);
  assert.equal(decibelsAt(data, 0, 16, 5), null);
  assert.equal(decibelsAt(data, 0, 9, 5), null);
  assert.equal(decibelsAt(data, 2, 12, 5), null);
  assert.deepEqual([showDb(-12.6), showDb(-0.4), showDb(3.2)], ["−13 dB", "0 dB", "3 dB"]);
});
