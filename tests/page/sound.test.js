// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Deck } from "../../distill/ui/components/js/deck.js";
import { Pieces } from "../../distill/ui/components/js/pieces.js";
import { Sound } from "../../distill/ui/components/js/sound.js";
import { samplesAhead, writePatch } from "../../distill/ui/components/js/splice.js";
import { envelopeOf } from "../../distill/ui/components/js/waveform.js";
import { PlainBuffer, SilentContext } from "./help.js";

Object.assign(globalThis, { AudioBuffer: PlainBuffer });
const buffer = (/** @type {number} */ length) => /** @type {any} */ (new PlainBuffer({ length, sampleRate: 100 }));
const patch = (/** @type {number} */ start, /** @type {number[]} */ ...samples) => ({
  start,
  samples: Float32Array.from(samples),
});

function newDeck() {
  const context = new SilentContext();
  const sound = new Sound(() => /** @type {any} */ (context));
  const deck = new Deck(100, () => {}, sound);
  return { context, sound, deck };
}

test("a patch changes its own samples, and is cut at the end of the sound", () => {
  const whole = buffer(4);
  writePatch(whole, patch(1, 5, 6));
  assert.deepEqual([...whole.samples], [0, 5, 6, 0]);
  writePatch(whole, patch(3, 7, 8));
  writePatch(whole, patch(9, 9));
  assert.deepEqual([...whole.samples], [0, 5, 6, 7]);
});

test("the samples ahead go around a loop, and are silent after the end without one", () => {
  const samples = Float32Array.of(0, 1, 2, 3, 4);
  assert.deepEqual([...samplesAhead(samples, 3, 4, null)], [3, 4, 0, 0]);
  assert.deepEqual([...samplesAhead(samples, 3, 6, [1, 4])], [3, 1, 2, 3, 1, 2]);
  assert.deepEqual([...samplesAhead(samples, 4, 3, [2, 9])], [4, 2, 3]);
});

test("a piece that arrives is overwritten by later edits, and overwrites earlier ones", () => {
  const pieces = new Pieces({ samples: 10, piece_samples: 4, pieces: 3 });
  assert.deepEqual([pieces.take(), pieces.take(), pieces.take()], [0, 1, 2]);
  pieces.keep({ ...patch(3, 1, 2, 3), version: 5 });
  pieces.keep({ ...patch(4, 9), version: 4 });
  const written = pieces.arrived(1, Float32Array.of(0, 0, 0, 0), 4);
  assert.deepEqual(
    written.map(({ start, samples }) => [start, ...samples]),
    [
      [4, 0, 0, 0, 0],
      [4, 2, 3],
    ],
  );
  assert.deepEqual(pieces.partIn(2, patch(3, 1)), []);
});

test("a span that changed makes all pieces stale that it touches, and no others", () => {
  const pieces = new Pieces({ samples: 10, piece_samples: 4, pieces: 3 });
  pieces.stale.clear();
  pieces.outdate(3, 4);
  assert.deepEqual([...pieces.stale], [0]);
  pieces.outdate(3, 5);
  assert.deepEqual([...pieces.stale], [0, 1]);
  pieces.outdate(9, 10);
  assert.deepEqual([...pieces.stale], [0, 1, 2]);
});

test("a deck knows the playback position, also in a loop, and stops at the end", () => {
  const { context, deck } = newDeck();
  deck.load("track", buffer(400));
  deck.play("track", { from: 1, to: 4, loop: [1, 3] });
  context.currentTime = 1.5;
  assert.equal(deck.moment, 2.5);
  context.currentTime = 4.5;
  assert.equal(deck.moment, 1.5);
  deck.pause();
  assert.deepEqual([deck.isPlaying, deck.moment], [false, 1.5]);
  deck.play("track", { from: 1.5, to: 4 });
  context.currentTime = 6.9;
  deck.stopAtEnd(0);
  assert.ok(deck.isPlaying);
  context.currentTime = 7;
  deck.stopAtEnd(0);
  assert.deepEqual([deck.isPlaying, deck.moment], [false, 0]);
});

test("another track goes on at the same moment, and one ends as the other begins", () => {
  const { context, deck } = newDeck();
  for (const name of ["one", "other"]) deck.load(name, buffer(400));
  deck.play("one", { from: 1, to: 4 });
  context.currentTime = 1;
  deck.hear("other");
  const [before, after] = context.begun;
  assert.ok(Math.abs(after.offset - (1 + after.when)) < 1e-9);
  assert.ok(before.stopped > after.when && before.stopped < after.when + 0.02);
  assert.ok(Math.abs(deck.moment - 2) < 1e-9);
});

test("samples of a track that does not play are written at once, and no sound is copied", async () => {
  const { context, deck } = newDeck();
  const track = buffer(400);
  deck.load("track", track);
  await deck.write("track", patch(10, 1));
  assert.equal(track.samples[10], 1);
  assert.equal(context.begun.length, 0);
});

test("samples of a playing track are written while a copy of the earlier samples plays", async () => {
  const { context, deck } = newDeck();
  const track = buffer(400);
  track.samples.fill(1);
  deck.load("track", track);
  deck.play("track", { from: 0, to: 4 });
  context.currentTime = 1;
  const writing = deck.write("track", patch(100, 2, 2));
  await Promise.resolve();
  const copy = context.begun[1];
  assert.ok(copy.buffer !== track && copy.buffer.samples[0] === 1);
  context.currentTime = 1.1;
  await writing;
  assert.equal(track.samples[100], 2);
  const last = context.begun[2];
  assert.equal(last.buffer, track);
  assert.ok(Math.abs(last.offset - last.when) < 1e-9);
});

test("patches that come together are written in their order, also where playing ends meanwhile", async () => {
  const { deck } = newDeck();
  const track = buffer(400);
  deck.load("track", track);
  deck.play("track", { from: 0, to: 4 });
  const writing = [deck.write("track", patch(10, 1)), deck.write("track", patch(10, 2))];
  deck.pause();
  writing.push(deck.write("track", patch(10, 3)));
  await Promise.all(writing);
  assert.equal(track.samples[10], 3);
});

test("a patch for an earlier clip does not reach the next one", async () => {
  const { deck } = newDeck();
  const [earlier, next] = [buffer(400), buffer(400)];
  deck.load("track", earlier);
  deck.play("track", { from: 0, to: 4 });
  const writing = deck.write("track", patch(10, 1));
  deck.clear();
  deck.load("track", next);
  await writing;
  assert.deepEqual([earlier.samples[10], next.samples[10]], [1, 0]);
});

test("where one deck begins, another pauses", () => {
  const { sound, deck } = newDeck();
  const other = new Deck(100, () => {}, sound);
  deck.load("track", buffer(400));
  other.load("track", buffer(400));
  deck.play("track", { from: 0, to: 4 });
  other.play("track", { from: 0, to: 4 });
  assert.deepEqual([deck.isPlaying, other.isPlaying], [false, true]);
});

test("a waveform reaches from the lowest to the highest sample of each pixel", () => {
  const samples = Float32Array.of(0.5, -0.25, 0, 1);
  assert.deepEqual(envelopeOf(samples, 2), [
    [-0.25, 0.5],
    [0, 1],
  ]);
});
