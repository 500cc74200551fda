// @ts-check
// Pads and the record: what is played becomes one edit, and none is lost to an export or to another clip.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { USUAL } from "../../distill/ui/components/js/beats.js";
import { editsWaiting } from "../../distill/ui/components/js/edits_waiting.js";
import { gridValue } from "./help.js";
import { page, stage } from "./plain_page.js";

const { GridPads } = await import("../../distill/ui/components/js/grid_pads.js");

/** @type {any} */
let grid;
/** @type {any[]} */
let edits;
/** @type {InstanceType<typeof GridPads>} */
let pads;

beforeEach(() => {
  ({ grid, edits } = stage(gridValue()));
  const { edit } = grid.editor;
  grid.editor.edit = (/** @type {any} */ asked, /** @type {any} */ puts) => {
    pads.finish(); // as the editor does
    edit(asked, puts);
  };
  grid.show = () => pads.show();
  const measure = { beat: USUAL, snap: "off", columnSeconds: 0.5, columns: 3, seconds: 1.5 };
  grid.beat = { measure, beat: USUAL, snap: "off", loop: null };
  pads = new GridPads(grid);
  pads.take();
});

/** @param {() => void} play */
function recorded(play) {
  pads.switchRecord();
  play();
}

const cells = () => edits.flatMap(({ notes }) => notes.map((/** @type {number[]} */ note) => note.join(" ")));

test("Rec turns the pads on; keys that are pressed one after another are written step by step, as one edit", () => {
  recorded(() => {
    pads.hit(3);
    pads.release(3);
    pads.hit(5);
    pads.release(5);
  });
  assert.equal(pads.mode, "codes");
  assert.ok(pads.isUnsent);
  assert.deepEqual(
    [0, 1, 3, 4].map((place) => grid.state.codes.indices[place]),
    [3, 5, 3, 5],
  );
  assert.equal(edits.length, 0);
  pads.switchRecord();
  assert.equal(edits.length, 1);
  assert.deepEqual(cells(), ["0 0 0 3", "0 1 0 3", "0 0 1 5", "0 1 1 5"]);
  assert.ok(!pads.isUnsent);
});

test("what is recorded becomes an edit before an export, though Rec is on and a pad is held", async () => {
  grid.sound.playing = "all";
  recorded(() => pads.hit(3, 1));
  grid.sound.deck.moment = 1;
  await editsWaiting.settled();
  assert.deepEqual(cells(), ["0 0 0 3", "0 1 0 3", "0 0 1 3", "0 1 1 3"]);
  grid.sound.deck.moment = 1.5;
  pads.release(3);
  await editsWaiting.settled();
  assert.deepEqual(cells().slice(4), ["0 0 2 3", "0 1 2 3"]);
});

test("a note ends with the record, with playback, and when the window loses the keys", () => {
  grid.sound.playing = "all";
  recorded(() => pads.hit(3));
  grid.sound.deck.moment = 1;
  page.dispatchEvent(new Event("blur"));
  grid.sound.deck.moment = 1.5;
  pads.switchRecord();
  assert.equal(cells().length, 4);
  grid.sound.deck.moment = 0;
  recorded(() => pads.hit(4));
  pads.show();
  grid.sound.deck.moment = 1;
  grid.sound.playing = null;
  pads.show();
  assert.equal(cells().length, 8);
  grid.sound.deck.moment = 1.5;
  pads.release(4);
  assert.ok(!pads.isUnsent);
});

test("while only an edited place is heard, a key writes at the cursor", () => {
  grid.sound.playing = "edit";
  grid.sound.deck.moment = 1.2;
  recorded(() => pads.hit(3));
  pads.switchRecord();
  assert.deepEqual(cells(), ["0 0 0 3", "0 1 0 3"]);
});

test("a key that is written without playing is followed by the next line, whatever loop was played before", () => {
  grid.sound.round = [0, 1];
  Object.assign(grid.beat.measure, { beat: { ...USUAL, tempo: 60 }, snap: "1" });
  recorded(() => {
    pads.hit(3);
    pads.release(3);
    pads.hit(5);
  });
  pads.switchRecord();
  assert.deepEqual(cells(), ["0 0 0 3", "0 1 0 3", "0 0 2 5", "0 1 2 5"]);
});

test("pads of clips have no clips of the server where it gives none, and the sounds of those that it gives are made", async () => {
  const turn = () => new Promise((next) => setTimeout(next, 0));
  /** @type {any} */
  let answer = { clips: [{ id: "1", name: "drum.wav" }] };
  /** @type {string[]} */
  const asked = [];
  grid.server = {
    clip_names: async () => answer,
    clip_codes: async (/** @type {any} */ { id }) => void asked.push(id),
  };
  await pads.choose("clips");
  await turn();
  assert.deepEqual([pads.count, asked], [1, ["1"]]);
  pads.take();
  await turn();
  assert.deepEqual([pads.count, asked], [1, ["1", "1"]]);
  answer = { error: "This clip is private." };
  pads.take();
  await turn();
  assert.equal(pads.count, 0);
});

test("letters are the pads' while they are on, and a key that is held plays once", () => {
  const press = (repeat = false) =>
    pads.press(/** @type {any} */ ({ code: "KeyE", repeat, timeStamp: performance.now() }));
  assert.ok(!press());
  recorded(() => {
    assert.ok(press());
    assert.ok(press(true));
  });
  pads.switchRecord();
  assert.deepEqual(cells(), ["0 0 0 2", "0 1 0 2"]);
});

test("after a choice of the pads by pointer the focus goes to the grid, after one by key it stays", () => {
  let focused = 0;
  grid.canvas.focus = () => (focused += 1);
  const choice = /** @type {any} */ (pads.choice);
  choice.value = "codes";
  choice.dispatchEvent(new Event("keydown"));
  choice.dispatchEvent(new Event("change"));
  assert.deepEqual([focused, pads.mode], [0, "codes"]);
  choice.dispatchEvent(new Event("pointerdown"));
  choice.dispatchEvent(new Event("change"));
  assert.equal(focused, 1);
});

test("the board is built when it changes, not at each turn", async () => {
  await pads.choose("codes");
  const [first] = pads.board.children;
  pads.show();
  assert.equal(pads.board.children[0], first);
  grid.state.level = 1;
  pads.show();
  assert.notEqual(pads.board.children[0], first);
});

test("while Rec is on, the page says what is overwritten, and where", () => {
  const words = grid.element.querySelector(".rec-words");
  pads.show();
  assert.ok(words.hidden);
  pads.switchRecord();
  assert.ok(!words.hidden);
  assert.match(words.textContent, /overwrites the grid \(Structure, all bands\) at the cursor/);
  grid.state.level = 1;
  grid.state.select({ rows: [0, 0], columns: [0, 1] });
  pads.show();
  assert.match(words.textContent, /\(Detail, selected bands\)/);
  pads.mode = "columns";
  grid.sound.playing = "all";
  grid.sound.deck.isPlaying = true;
  pads.show();
  assert.match(words.textContent, /\(All levels, all bands\)/);
  pads.switchRecord();
  assert.ok(words.hidden);
});
