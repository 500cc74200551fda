// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { isLight } from "../../distill/ui/components/js/code_tiles.js";
import { PicturesOfCodecs } from "../../distill/ui/components/js/codec_pictures.js";
import { EditsWaiting } from "../../distill/ui/components/js/edits_waiting.js";
import { GridCodes } from "../../distill/ui/components/js/grid_codes.js";
import { GridLayout } from "../../distill/ui/components/js/grid_layout.js";
import { GridState } from "../../distill/ui/components/js/grid_state.js";
import { editOf, idleWords, putsOf } from "../../distill/ui/components/js/grid_tools.js";
import { historyShown } from "../../distill/ui/components/js/history.js";
import { PlayerState } from "../../distill/ui/components/js/player_state.js";
import { codeInWords, sortedCodes } from "../../distill/ui/components/js/usage.js";
import { gridValue } from "./help.js";

const FIELDS = { times: 2, rank: 1, amount: 0.5 };
const PICTURES = { sprites: [], colours: [], order: [] };

test("each cell is found at its middle, on one level and on all", () => {
  const shape = { levels: 3, rows: 8, columns: 40 };
  const view = { scrollLeft: 30, width: 400 };
  for (const isStacked of [false, true]) {
    const layout = new GridLayout({ codes: shape, level: 1, isStacked });
    layout.columnWidth = 20;
    layout.lanes.forEach((level, lane) => {
      for (const [row, column] of [
        [0, 2],
        [7, 5],
        [3, 20],
      ]) {
        const x = (column + 0.5) * 20 - view.scrollLeft;
        const y = layout.laneTop(lane) + (7 - row + 0.5) * layout.rowHeight;
        assert.deepEqual(layout.cellAt({ x, y }, view), { level, row, column });
      }
    });
    assert.equal(layout.cellAt({ x: 10, y: layout.height - 2 }, view), null);
    assert.deepEqual(layout.cellAt({ x: -100, y: 5000 }, view, true), { level: 1, row: 0, column: 0 });
  }
});

test("zooming leaves the cursor's column where it is on the screen", () => {
  const layout = new GridLayout({ codes: { levels: 1, rows: 8, columns: 100 }, level: 0, isStacked: false });
  const view = { scrollLeft: 200, width: 440 };
  const before = 20.5 * layout.widthOfColumn(view) - view.scrollLeft;
  const scrollLeft = layout.zoom(1.5, 20, view);
  assert.ok(Math.abs(20.5 * layout.columnWidth - scrollLeft - before) < 1e-9);
  for (let index = 0; index < 20; index++) layout.zoom(0.5, 20, view);
  assert.equal(layout.columnWidth, 4.4); // fits the view
  assert.deepEqual(layout.columnsIn({ scrollLeft: 44, width: 88 }), { first: 10, stop: 30 });
});

test("each tool asks for one edit, by its one name", () => {
  const state = new GridState(new GridCodes(gridValue()));
  state.brush = 7;
  const kinds = ["clear", "reverse", "set", "repeat", "similar", "random", "replace", "undo", "redo", "reset"];
  for (const tool of kinds) assert.equal(/** @type {any} */ (editOf(tool, state, FIELDS, null)).kind, tool);
  assert.deepEqual(editOf("clear-level", state, FIELDS, null), {
    kind: "clear",
    levels: [0, 0],
    rows: [0, 1],
    columns: [0, 2],
  });
  assert.equal(/** @type {any} */ (editOf("up", state, FIELDS, null)).by_rows, 1);
  assert.equal(/** @type {any} */ (editOf("left", state, FIELDS, null)).by_columns, -1);
  assert.match(String(editOf("blend", state, FIELDS, null)), /second clip/);
  assert.equal(/** @type {any} */ (editOf("swap", state, FIELDS, "other")).second, "other");
  state.brush = 0;
  assert.match(String(editOf("replace", state, FIELDS, null)), /Pick another code/);
  assert.equal(editOf("copy", state, FIELDS, null), null);
});

test("an edit that needs no more than its request is shown at once, cut at the grid's ends", () => {
  const codes = new GridCodes(gridValue());
  const set = { kind: "set", levels: [1, 1], rows: [0, 1], columns: [1, 1], code: 3 };
  assert.deepEqual(putsOf(set, codes), [
    [7, 3],
    [10, 3],
  ]);
  const copied = [
    [
      [5, 6],
      [7, 8],
    ],
  ];
  assert.deepEqual(putsOf({ kind: "paste", level: 1, row: 1, column: 2, codes: copied }, codes), [[11, 5]]);
  assert.deepEqual(putsOf({ kind: "reverse", levels: [0, 1], rows: [0, 1], columns: [0, 1] }, codes), []);
});

test("a message tells of an edit that changed nothing, except for edits that often change nothing", () => {
  assert.match(idleWords("clear", []), /changed nothing/);
  assert.equal(idleWords("paint", []), "");
  assert.equal(idleWords("clear", [1]), "");
  assert.equal(idleWords("clear", null), "");
});

test("the history is shown with the latest edit first, and an edit on its way can be undone", () => {
  const history = Array.from({ length: 20 }, (_, index) => `edit ${index}`);
  const shown = historyShown({ history, edits: 30, can_undo: true, can_redo: false }, false);
  assert.deepEqual([shown.labels[0], shown.labels.length, shown.first], ["edit 19", 12, 30]);
  const none = { history: [], edits: 0, can_undo: false, can_redo: false };
  assert.deepEqual(historyShown(none, true), { labels: [], first: 0, isEmpty: true, canUndo: true, canRedo: false });
  assert.equal(historyShown(none, false).canUndo, false);
});

test("a codec's pictures are asked for once, however many components and clips there are", async () => {
  let asked = 0;
  const pictures = new PicturesOfCodecs();
  const ask = async () => {
    asked += 1;
    return PICTURES;
  };
  const all = await Promise.all([pictures.of("one", ask), pictures.of("one", ask), pictures.of("other", ask)]);
  assert.equal(all[0], all[1]);
  assert.equal(await pictures.of("one", ask), all[0]);
  assert.equal(asked, 2);
});

test("pictures that did not arrive are asked for again, and a refusal is not kept", async () => {
  const answers = [null, { error: "Busy." }, PICTURES];
  const pictures = new PicturesOfCodecs(async () => {});
  const ask = async () => answers.shift() ?? null;
  assert.deepEqual(await pictures.of("one", ask), { error: "Busy." });
  assert.deepEqual(await pictures.of("one", ask), PICTURES);
});

test("a picture of a codec has a short address, which gives its bytes", async () => {
  const sprites = [`data:image/png;base64,${btoa("a picture")}`];
  const given = await new PicturesOfCodecs().of("one", async () => ({ ...PICTURES, sprites }));
  const [address] = /** @type {import("../../distill/ui/components/js/types.js").CodecPictures} */ (given).sprites;
  assert.match(address, /^blob:/);
  const picture = await fetch(address);
  assert.equal(picture.headers.get("content-type"), "image/png");
  assert.equal(await picture.text(), "a picture");
});

test("waiting for edits ends when the last edit is answered", async () => {
  const waiting = new EditsWaiting();
  await waiting.settled();
  waiting.set(2);
  let isOver = false;
  const over = waiting.settled().then(() => {
    isOver = true;
  });
  waiting.set(1);
  await Promise.resolve();
  assert.equal(isOver, false);
  waiting.set(0);
  await over;
});

test("a comparison goes to the original and back to the track that was heard", () => {
  const state = new PlayerState(4, 10);
  state.current = state.toCompare();
  assert.equal(state.current, 3);
  state.current = 2;
  state.current = state.toCompare();
  assert.equal(state.current, 0);
  assert.equal(state.toCompare(), 2);
  state.take(3, 5);
  assert.deepEqual([state.current, state.toCompare(), state.span], [0, 2, [0, 5]]);
});

test("a part of the clip is chosen from either end, within the clip, and is not too short", () => {
  const state = new PlayerState(2, 10);
  state.choosePart(8, 12);
  assert.deepEqual(state.span, [8, 10]);
  state.choosePart(5, 5.01);
  assert.deepEqual(state.span, [8, 10]);
  state.choosePart(6, 4);
  assert.deepEqual(state.span, [4, 6]);
});

test("tracks are as loud as the original only if loudness is matched", () => {
  const state = new PlayerState(2, 10);
  assert.equal(state.volumeOf(20), 10);
  state.isMatched = false;
  assert.equal(state.volumeOf(20), 1);
});

test("codes are sorted by use or by number, and said in words", () => {
  const [here, trained] = [
    [1, 0, 3],
    [0, 8, 2],
  ];
  assert.deepEqual(sortedCodes([2, 0, 1], "similarity", here, trained), [2, 0, 1]);
  assert.deepEqual(sortedCodes([0, 1, 2], "here", here, trained), [2, 0, 1]);
  assert.deepEqual(sortedCodes([0, 1, 2], "trained", here, trained), [1, 2, 0]);
  assert.deepEqual(sortedCodes([0, 1, 2], "trained", here, null), [2, 0, 1]);
  assert.deepEqual(sortedCodes([2, 0, 1], "number", here, trained), [0, 1, 2]);
  const words = "Timbre, code 2: 3 cells of this clip (75 %), 20 % of the training clips.";
  assert.equal(codeInWords("Timbre", 2, here, trained), words);
  assert.match(codeInWords("Timbre", 0, here, trained), /dead/);
});

test("dark text is used on light colours only", () => {
  assert.ok(isLight("rgb(250 250 200)"));
  assert.ok(!isLight("rgb(20 10 90)"));
});
