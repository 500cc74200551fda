// @ts-check
// Which take is in the grid: chosen, exchanged, undone, made again; and when takes no longer fit.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { gridValue, pack } from "./help.js";
import { stage } from "./plain_page.js";

const { Takes } = await import("../../distill/ui/components/js/takes.js");

/** @type {any} */
let grid;
/** @type {any[]} */
let edits;
/** @type {any[]} what each edit puts */
let puts;
let redo = () => {};
/** @type {InstanceType<typeof Takes>} */
let takes;

/** Give a grid a history of its own, as the server keeps it. */
function keepHistory() {
  const { codes } = grid.state;
  const { edit } = grid.editor;
  /** @type {Uint16Array[]} */
  const done = [];
  /** @type {Uint16Array[]} */
  let undone = [];
  const go = (/** @type {Uint16Array[]} */ from, /** @type {Uint16Array[]} */ to) => {
    to.push(codes.cells.slice());
    codes.put([.../** @type {Uint16Array} */ (from.pop()).entries()]);
  };
  grid.editor.made = 0;
  grid.editor.edit = (/** @type {any} */ asked, /** @type {any} */ put) => {
    const before = codes.cells.slice();
    edit(asked, put);
    grid.editor.made += asked.kind === "undo" ? -1 : 1;
    if (asked.kind === "undo") {
      go(done, undone);
      return;
    }
    done.push(before);
    undone = [];
  };
  redo = () => {
    grid.editor.made += 1;
    go(undone, done);
  };
}

beforeEach(async () => {
  ({ grid, edits, puts } = stage(gridValue()));
  grid.state.selection = { rows: [0, 1], columns: [1, 1] };
  keepHistory();
  const drawn = [20, 30].map((code) => ({
    seed: code,
    codes: pack([code, code]),
    sure: 0.5,
    copied: "",
    copied_share: 0,
  }));
  takes = new Takes(/** @type {any} */ (grid), async () => /** @type {any} */ ({ takes: drawn }));
  await takes.draw("vary");
});

/** The lanes that are pressed; the first is the clip as it was. */
function pressed() {
  takes.show();
  /** @type {any[]} */
  const lanes = /** @type {any} */ (takes.lanes).children;
  return lanes.flatMap((lane, place) => (lane.isPressed ? [place] : []));
}

const codesOf = () => [1, 4].map((place) => grid.state.codes.indices[place]);

test("a take is put into the grid, exchanged and taken back by the undo of this very edit", () => {
  assert.deepEqual(pressed(), [0]);
  takes.choose(0);
  assert.deepEqual([codesOf(), pressed()], [[20, 20], [1]]);
  takes.choose(1);
  assert.deepEqual([codesOf(), pressed()], [[30, 30], [2]]);
  takes.choose(-1);
  assert.deepEqual([codesOf(), pressed()], [[1, 4], [0]]);
  const [first, undo, second, last] = edits;
  assert.deepEqual(
    puts.map((put) => [...put]),
    [
      [
        [1, 20],
        [4, 20],
      ],
      [],
      [
        [1, 30],
        [4, 30],
      ],
      [
        [1, 1],
        [4, 4],
      ],
    ],
  );
  assert.deepEqual([undo.kind, undo.gesture], ["undo", first.gesture]);
  assert.deepEqual([last.kind, last.gesture], ["undo", second.gesture]);
  assert.notEqual(first.gesture, second.gesture);
});

test("after Control Z the clip as it was is shown as chosen, after a redo the take again", () => {
  takes.choose(0);
  grid.editor.edit({ kind: "undo" });
  assert.deepEqual(pressed(), [0]);
  takes.choose(0); // again
  assert.deepEqual([codesOf(), pressed()], [[20, 20], [1]]);
  grid.editor.edit({ kind: "undo" });
  redo();
  assert.deepEqual(pressed(), [1]);
  takes.choose(1);
  assert.deepEqual([codesOf(), pressed()], [[30, 30], [2]]);
});

test("a code or a fader that was changed since is not lost to a take", () => {
  takes.choose(0);
  const { codes } = grid.state;
  grid.editor.edit({ kind: "mix" }, [[codes.count + 5, 10]]);
  assert.deepEqual(pressed(), []);
  const count = edits.length;
  takes.choose(1);
  takes.choose(-1);
  assert.equal(edits.length, count);
  assert.match(takes.words.textContent ?? "", /has changed/);
});

test("an edit that left the codes as the take has them is not undone in its place", () => {
  takes.choose(0);
  grid.editor.edit({ kind: "paint" }, []);
  const count = edits.length;
  takes.choose(1);
  assert.equal(edits.length, count);
});

test("takes go with their clip, those too that come after it", async () => {
  takes.take();
  assert.equal(takes.lanes.children.length, 0);
  takes.choose(0);
  assert.equal(edits.length, 0);
  const drawing = takes.draw("vary");
  await null;
  takes.take();
  await drawing;
  await null;
  assert.equal(takes.lanes.children.length, 0);
});
