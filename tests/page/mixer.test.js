// @ts-check
// The mixer: faders with drags of their own, and what it shows after edits that come from elsewhere.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { gridValue } from "./help.js";
import { plain, stage } from "./plain_page.js";

const { Mixer } = await import("../../distill/ui/components/js/mixer.js");

/** @type {any} */
let grid;
/** @type {any[]} */
let edits;
/** @type {any[]} what each edit puts */
let puts;
/** @type {InstanceType<typeof Mixer>} */
let mixer;

beforeEach(() => {
  ({ grid, edits, puts } = stage(gridValue()));
  grid.show = () => mixer.show();
  mixer = new Mixer(plain(), grid);
  mixer.build();
  mixer.show();
});

/** The faders: two levels, then the bands, the highest first. */
const faders = () =>
  /** @type {any} */ (mixer.channels).children.flatMap((/** @type {any} */ group) =>
    group.children.map((/** @type {any} */ channel) => ({ mute: channel.children[1], fader: channel.children[2] })),
  );

/** @param {any} fader @param {number} percent */
const move = (fader, percent) => {
  fader.value = String(percent);
  fader.oninput();
};

test("faders and mutes show what the codes have, after an edit or an undo from anywhere", () => {
  const { codes } = grid.state;
  const [, { fader, mute }] = faders();
  codes.put([6, 7, 8, 9, 10, 11].map((position) => [codes.count + position, 25 + 128]));
  mixer.show();
  assert.equal(fader.value, "50");
  assert.ok(mute.isPressed);
  assert.ok(!(/** @type {any} */ (mixer.mute).isPressed)); // the other level is heard
  codes.put([6, 7, 8, 9, 10, 11].map((position) => [codes.count + position, 50]));
  mixer.show();
  assert.equal(fader.value, "100");
  assert.ok(!mute.isPressed);
});

test("two faders that are dragged at a time are two edits, each of its own cells", () => {
  const [first, second] = faders();
  move(first.fader, 50);
  move(second.fader, 20);
  move(first.fader, 40);
  assert.deepEqual([first.fader.value, second.fader.value], ["40", "20"]);
  second.fader.onchange();
  first.fader.onchange();
  assert.deepEqual(
    edits.map(({ kind, levels, gain }) => [kind, levels, gain]),
    [
      ["mix", [1, 1], 0.2],
      ["mix", [0, 0], 0.4],
    ],
  );
});

test("a drag that ends where it began is over, though the browser tells of no change", () => {
  const [{ fader }] = faders();
  fader.onpointerdown();
  move(fader, 50);
  move(fader, 100);
  fader.onpointerup();
  assert.deepEqual(
    edits.map(({ gain }) => gain),
    [1],
  );
  fader.onchange();
  assert.equal(edits.length, 1);
});

test("Escape takes the drag of its fader back and no other", () => {
  const { codes } = grid.state;
  const [first, second] = faders();
  move(first.fader, 50);
  move(second.fader, 20);
  first.fader.onkeydown({ key: "Escape", stopPropagation: () => {} });
  assert.deepEqual([codes.faders[0], codes.faders[6]], [50, 10]);
  first.fader.onchange();
  second.fader.onchange();
  assert.equal(edits.length, 1);
});

test("a band's fader reaches the selection and is off outside it", () => {
  grid.state.selection = { rows: [0, 0], columns: [1, 2] };
  mixer.show();
  const [, , high, low] = faders();
  assert.deepEqual([high.fader.disabled, low.fader.disabled], [true, false]);
  move(low.fader, 0);
  low.fader.onchange();
  assert.deepEqual(
    [edits[0].rows, edits[0].columns],
    [
      [0, 0],
      [1, 2],
    ],
  );
});

test("a solo follows the selection, and all is shown again without work while nothing changes", () => {
  mixer.switchSolo();
  assert.ok(/** @type {any} */ (mixer.solo).isPressed);
  grid.state.selection = { rows: [1, 1], columns: [0, 1] };
  mixer.show();
  assert.deepEqual(grid.sound.soloed.rows, [1, 1]);
  let reads = 0;
  const { faders: stand } = grid.state.codes;
  Object.defineProperty(grid.state.codes, "faders", {
    get: () => {
      reads += 1;
      return stand;
    },
  });
  mixer.show();
  reads = 0;
  mixer.show();
  assert.equal(reads, 0);
  mixer.switchSolo();
  assert.equal(grid.sound.soloed, null);
});

test("the steps of a held key are one edit; its faders stay when the answer to an edit before it comes", () => {
  const [{ fader }] = faders();
  const press = (/** @type {number} */ percent, repeat = false) => {
    fader.onkeydown({ key: "ArrowLeft", repeat });
    move(fader, percent);
    fader.onchange();
  };
  press(98);
  press(96, true);
  press(94);
  const [first, second, third] = edits;
  assert.ok(first.gesture);
  assert.equal(second.gesture, first.gesture);
  assert.notEqual(third.gesture, first.gesture);
  const { codes } = grid.state;
  const places = [0, 1, 2, 3, 4, 5].map((place) => codes.count + place);
  codes.correct({ positions: places, codes: places.map(() => 49) }, puts.at(-1));
  assert.equal(codes.faders[0], 47);
});
