// @ts-check
// How long a note is that a pad plays over the running clip.
import assert from "node:assert/strict";
import { test } from "node:test";
import { USUAL } from "../../distill/ui/components/js/beats.js";
import { HeldNotes } from "../../distill/ui/components/js/held_notes.js";

const COLUMN = 0.5; // seconds
const COLUMNS = 20;

/** @param {{round?: [number, number] | null, latency?: number}} [how] */
function open({ round = null, latency = 0 } = {}) {
  const deck = { moment: 0, latest: { latency } };
  /** @type {Set<number>} */
  const filled = new Set();
  const measure = { beat: USUAL, snap: "off", columnSeconds: COLUMN, columns: COLUMNS, seconds: COLUMN * COLUMNS };
  const sound = { deck, round, playing: "all" };
  const grid = {
    sound,
    beat: { measure },
    value: { column_seconds: COLUMN },
    state: { codes: { rows: 1, columns: COLUMNS } },
  };
  const notes = new HeldNotes(/** @type {any} */ (grid), (puts) => {
    for (const [position] of puts) filled.add(position);
  });
  const now = performance.now();
  /** Press a pad at a column, some seconds ago. @param {number} column @param {number} [ago] */
  const hold = (column, ago = 0) => notes.hold(1, { column, time: now - 1000 * ago, code: 3, level: 0, rows: [0, 0] });
  return { deck, sound, notes, hold, columns: () => [...filled] };
}

test("a note reaches to the moment that was heard when it was let go, not to the playhead", () => {
  const { deck, notes, hold, columns } = open({ latency: 0.5 });
  hold(2);
  deck.moment = 3.5; // 3 s are heard
  notes.release(1, performance.now() - 1_000); // and it was let go a second ago, at 2 s
  assert.deepEqual(columns(), [3]);
  notes.release(1, performance.now());
  assert.deepEqual(columns(), [3]); // it is let go once
});

test("a short press fills no more than its column", () => {
  const { deck, notes, hold, columns } = open({ round: [0, 10] });
  hold(2);
  deck.moment = 1.1;
  notes.release(1, performance.now());
  assert.deepEqual(columns(), []);
});

test("in a loop a note goes on over the loop's end, and what is heard there is not before its start", () => {
  const { deck, notes, hold, columns } = open({ round: [2, 5], latency: 0.5 });
  hold(8, 2);
  deck.moment = 3.5;
  notes.release(1, performance.now());
  assert.deepEqual(columns(), [9, 4, 5]);
  deck.moment = 2.1;
  assert.ok(Math.abs(notes.heardAt(performance.now()) - 4.6) < 0.05);
});

test("a short press that is let go on a line before its own does not fill the round", () => {
  const { deck, notes, hold, columns } = open({ round: [0, 10] });
  hold(12);
  deck.moment = 5.7; // the tempo was changed meanwhile, or the two times were rounded apart
  notes.release(1, performance.now());
  hold(0); // played just before the loop's end, for the next round
  deck.moment = 9.7;
  notes.release(1, performance.now());
  assert.deepEqual(columns(), []);
});

test("a note that is held for a whole round or longer fills all of it", () => {
  const { deck, notes, hold, columns } = open({ round: [2, 5] });
  hold(6, 4);
  deck.moment = 4; // a round and a second
  notes.write();
  const other = [4, 5, 7, 8, 9];
  assert.deepEqual(columns().sort(), other);
  deck.moment = 4.5;
  notes.release(1, performance.now() + 500);
  assert.deepEqual(columns().sort(), other);
});

test("a note goes on from the start of a loop that begins while it is held", () => {
  const { deck, sound, notes, hold, columns } = open();
  hold(15, 2);
  sound.round = [2, 5];
  deck.moment = 3;
  notes.release(1, performance.now());
  assert.deepEqual(columns(), [4, 5]);
});

test("what is held is written up to now, goes on while the clip runs, and ends with it", () => {
  const { deck, sound, notes, hold, columns } = open();
  hold(2);
  deck.moment = 2.5;
  notes.write();
  assert.deepEqual(columns(), [3, 4]);
  deck.moment = 3.5;
  sound.playing = /** @type {any} */ (null);
  notes.write();
  assert.deepEqual(columns(), [3, 4, 5, 6]);
  deck.moment = 9;
  notes.release(1, performance.now());
  assert.deepEqual(columns(), [3, 4, 5, 6]);
});
