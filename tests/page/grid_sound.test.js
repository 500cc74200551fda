// @ts-check
// The sound of the code grid: from the page's codec as soon as it is there, from the server otherwise.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sound } from "../../distill/ui/components/js/sound.js";
import { assertIsSoundOf, COLUMNS, context, FRAMES, open, RATE, StandInServer, settle } from "./grid_sound_stage.js";
import { STRIDE, StandInCodec, soundOf } from "./stand_in.js";

/** The codec makes all that waits, and that is the sound of the codes. @param {ReturnType<typeof open>} grid */
async function assertEndsWell({ sound, codes, codec }) {
  codec.isHeld = false;
  codec.release();
  await settle();
  assertIsSoundOf(sound.samples, codes.cells);
}

const UNABLE = {
  "cannot be loaded": () => Promise.reject(new Error("The codec did not arrive.")),
  "never comes": () => new Promise(() => {}),
  "is another one": async () => Object.assign(new StandInCodec(), { modelId: "another" }),
  "cannot be opened": async () => ({
    modelId: "codec",
    openGrid: () => {
      throw new Error("Out of memory.");
    },
    close() {},
  }),
};

for (const [what, load] of Object.entries(UNABLE)) {
  test(`the server makes the sound where the codec ${what}, and nothing is said`, async () => {
    const grid = open({ load });
    await settle();
    assert.equal(grid.sound.isLocal, false);
    assertIsSoundOf(grid.sound.samples, grid.codes.cells);
    assert.deepEqual(grid.told, []);
    await grid.sound.audition(0, 1);
    assert.equal(grid.server.asked.audition, 1);
  });
}

test("the server makes the sound until the codec is there, and is not asked any more then", async () => {
  const codec = new StandInCodec();
  /** @type {(codec: StandInCodec) => void} */
  let arrive = () => {};
  const grid = open({ load: () => new Promise((done) => (arrive = done)) });
  await settle();
  assertIsSoundOf(grid.sound.samples, grid.codes.cells);
  const { sound: before } = grid.server.asked;
  arrive(codec);
  await settle();
  assert.ok(grid.sound.isLocal);
  grid.codes.put([[3, 5]]);
  await settle();
  await grid.sound.audition(1, 2);
  assertIsSoundOf(grid.sound.samples, grid.codes.cells);
  assert.deepEqual(grid.server.asked, { sound: before, audition: 0 });
});

test("an edit before the codec came, which the server has not answered, is heard from the codec", async () => {
  const codec = new StandInCodec();
  /** @type {(codec: StandInCodec) => void} */
  let arrive = () => {};
  const grid = open({ load: () => new Promise((done) => (arrive = done)) });
  await settle();
  grid.codes.put([[3, 5]]);
  arrive(codec);
  await settle();
  assertIsSoundOf(grid.sound.samples, grid.codes.cells);
});

test("an edit is played from where its cell begins, as soon as the first part is made", async () => {
  const grid = open();
  await settle();
  context.begun.length = 0;
  grid.codec.isHeld = true;
  grid.codes.put([[10, 5]]);
  assert.deepEqual(grid.codec.grids[0].asked.at(-1), [10 * STRIDE, 11 * STRIDE + 1, true]);
  assert.equal(context.begun.length, 0);
  grid.codec.release();
  await settle();
  assert.equal(context.begun[0].buffer.samples[0], soundOf(grid.codes.cells, COLUMNS, 10 * STRIDE));
  assert.ok(context.begun[0].buffer.length <= STRIDE * 512);
  assert.ok(Math.abs(grid.sound.deck.moment - (10 * STRIDE) / 10) < 1e-6);
  await assertEndsWell(grid);
});

test("an edit goes before sound that is being made elsewhere", async () => {
  const grid = open();
  grid.codec.isHeld = true;
  await settle();
  grid.codes.put([[20, 5]]);
  const asked = grid.codec.grids[0].asked;
  assert.deepEqual(asked.at(-1), [20 * STRIDE, 21 * STRIDE + 1, true]);
  await assertEndsWell(grid);
});

test("a job that is stopped, and ends after all others, holds up nothing", async () => {
  const grid = open({ rate: RATE / 20 }); // a frame lasts 2 s, so only a part of the clip is made
  await settle();
  grid.codec.isHeld = true;
  grid.sound.deck.moment = 60;
  void grid.sound.maker.make();
  grid.codes.put([[3, 5]]); // stops what is being made
  await settle();
  grid.codec.releaseLatest();
  await settle();
  grid.sound.deck.moment = 0;
  grid.codec.isHeld = false;
  grid.codec.releaseLatest();
  await settle();
  grid.codec.release();
  await settle();
  grid.sound.deck.pause();
  grid.sound.deck.moment = 90;
  grid.sound.follow();
  await settle();
  assert.ok(grid.sound.stale.every(([first, last]) => last <= 45 || first >= 60));
});

test("while the brush goes on before a part is made, that part is heard all the same", async () => {
  const grid = open({ isStroke: true });
  await settle();
  context.begun.length = 0;
  grid.codec.isHeld = true;
  grid.codes.put([[4, 5]]);
  await settle();
  grid.codes.put([[8, 6]]);
  await settle();
  grid.codec.releaseFirst(); // the urgent part of the first cell; that of the second one waits
  await settle();
  assert.equal(context.begun[0]?.buffer.samples[0], soundOf(grid.codes.cells, COLUMNS, 4 * STRIDE));
  await assertEndsWell(grid);
});

test("a fast stroke over adjacent cells is heard from its first cell on, before it ends", async () => {
  const grid = open({ isStroke: true });
  await settle();
  context.begun.length = 0;
  grid.codec.isHeld = true;
  grid.codes.put([[4, 5]]);
  await settle();
  grid.codes.put([[COLUMNS + 4, 6]]); // the next cell makes all of that sound old before it is there
  await settle();
  assert.equal(context.begun.length, 0);
  grid.codec.releaseFirst();
  await settle();
  assert.ok(context.begun.length > 0);
  for (let column = 5; column < 12; column++) grid.codes.put([[column, 5]]);
  await settle();
  const [from] = grid.codec.grids[0].asked.at(-1) ?? [];
  assert.ok(Number(from) <= 5 * STRIDE); // what comes next for the ear is made first, not what is under the brush
  await assertEndsWell(grid);
});

test("edits faster than the codec all end in the right sound", async () => {
  const grid = open();
  grid.codec.isHeld = true;
  for (let column = 0; column < COLUMNS; column++) {
    grid.codes.put([[column, column % 7]]);
    if (column % 4 === 0) grid.codec.release();
    if (column % 5 === 0) await settle();
  }
  await assertEndsWell(grid);
});

test("where the codec fails in the middle, the server goes on, with the edits that it has", async () => {
  const grid = open();
  await settle();
  grid.codec.isDead = true;
  grid.codes.put([[10, 5]]);
  grid.server.codes[10] = 5;
  await settle();
  assert.equal(grid.sound.isLocal, false);
  assertIsSoundOf(grid.sound.samples, grid.codes.cells);
  assert.deepEqual(grid.told, []);
  assert.ok(grid.codec.isClosed);
  assert.equal(grid.codecs.readyFor(grid.value), null);
});

test("a codec that is lost while nothing is made gives way to the server too", async () => {
  const grid = open();
  await settle();
  grid.codec.onlost();
  await settle();
  assert.equal(grid.sound.isLocal, false);
  const answer = /** @type {any} */ ({ start: 0, stale: [[0, 2 * 512]], version: 1, flac: null, positions: [0] });
  grid.codes.put([[0, 7]]);
  grid.server.codes[0] = 7;
  grid.server.sound = async ({ piece }) => ({
    ...(await StandInServer.prototype.sound.call(grid.server, { track: "edited", piece })),
    version: 1,
  });
  await grid.sound.answered(answer, true);
  await settle();
  assertIsSoundOf(grid.sound.samples, grid.codes.cells);
});

test("with the codec, edits are heard although the server is gone, and nothing is said", async () => {
  const grid = open();
  await settle();
  grid.server.isGone = true;
  grid.codes.put([[4, 9]]);
  await settle();
  assertIsSoundOf(grid.sound.samples, grid.codes.cells);
  await grid.sound.compare(null);
  assert.ok(grid.sound.isComparing);
  assert.deepEqual(grid.told, []);
});

test("without a codec and without a server, playback ends with a sentence", async () => {
  const grid = open({ load: UNABLE["cannot be loaded"] });
  grid.server.isGone = true;
  grid.sound.play(null, 4.5);
  await settle();
  assert.ok(grid.told.some((words) => /does not answer/.test(words)));
  assert.equal(grid.sound.deck.isPlaying, false);
});

test("playback begins with the piece under the playhead, before the others are there", async () => {
  const grid = open({ load: UNABLE["cannot be loaded"] });
  const fetch = grid.server.sound.bind(grid.server);
  /** @type {number[]} */
  const pieces = [];
  /** @type {(() => void)[]} */
  const held = [];
  grid.server.sound = async (asked) => {
    pieces.push(asked.piece);
    await new Promise((goOn) => held.push(() => goOn(null)));
    return fetch(asked);
  };
  const letGo = () => {
    for (const goOn of held.splice(0)) goOn();
  };
  letGo();
  await settle();
  grid.sound.play(null, 4.5);
  await settle();
  while (!pieces.includes(2)) {
    letGo();
    await settle();
  }
  letGo();
  await settle();
  assert.ok(!grid.sound.deck.isWaiting);
  assert.ok(grid.sound.deck.isPlaying);
});

test("in a tab that draws no frames, playback goes on to the end, and stops there", async () => {
  const grid = open({ rate: RATE / 20 }); // a frame lasts 2 s, so at first only a part of the clip is made
  await settle();
  grid.sound.play(null, 0);
  for (let second = 0; second < FRAMES * 2 + 1; second++) {
    for (let step = 0; step < 10; step++) context.pass(0.1);
    if (second % 10 === 0) await settle();
    if (second === 100) assert.ok(Math.abs(grid.sound.deck.moment - 101) < 1);
  }
  assert.equal(grid.sound.deck.isPlaying, false);
  assert.equal(grid.sound.playing, null);
  assertIsSoundOf(grid.sound.samples, grid.codes.cells);
});

test("a loop and playback from a pause go on while codes change", async () => {
  const grid = open();
  await settle();
  grid.sound.isLooping = true;
  grid.sound.play([1, 2], 1);
  grid.codes.put([[7, 3]]);
  await settle();
  assert.equal(grid.sound.playing, "all");
  assert.ok(!grid.sound.deck.isWaiting);
  sound.begin({ pause: () => {} });
});
