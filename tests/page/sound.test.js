// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Deck } from "../../distill/ui/components/js/deck.js";
import { Sound } from "../../distill/ui/components/js/sound.js";
import { Tape, wholeSound } from "../../distill/ui/components/js/tape.js";
import { envelopeOf } from "../../distill/ui/components/js/waveform.js";
import { PlainBuffer, SilentContext } from "./help.js";

Object.assign(globalThis, { AudioBuffer: PlainBuffer });
function newDeck() {
  const context = new SilentContext();
  const sound = new Sound(() => /** @type {any} */ (context));
  const deck = new Deck(100, () => {}, sound);
  return { context, sound, deck };
}

const ramp = (/** @type {number} */ length) => Float32Array.from({ length }, (_, index) => index + 1);

/** What a listener hears, sample by sample, without the fades: the links that play. */
function heard(/** @type {SilentContext} */ { begun, sampleRate }) {
  /** @type {number[]} */
  const samples = [];
  for (const { buffer, when, stopped, isCut } of begun) {
    const first = Math.round(when * sampleRate);
    const end = isCut ? 0 : Math.min(buffer.length, Math.round(stopped * sampleRate) - first);
    for (let index = 0; index < end; index++) samples[first + index] = buffer.samples[index];
  }
  return samples;
}

/** Move the clock on in small steps, as links end. */
function pass(/** @type {SilentContext} */ context, /** @type {number} */ seconds) {
  const end = context.currentTime + seconds;
  while (context.currentTime < end - 1e-9) context.pass(Math.min(0.05, end - context.currentTime));
}

test("a deck hands every sample on, each right after the one before it", () => {
  const { context, deck } = newDeck();
  deck.load("track", wholeSound(ramp(400)));
  deck.play("track", { from: 0, to: 4 });
  pass(context, 4.5);
  const samples = heard(context).filter((sample) => sample !== undefined);
  assert.deepEqual(samples, [...ramp(400)]);
});

test("a deck knows the playback position, also in a loop, and stops at the end", () => {
  const { context, deck } = newDeck();
  deck.load("track", wholeSound(ramp(400)));
  deck.play("track", { from: 1, to: 4, loop: [1, 3] });
  const begun = context.begun[0].when;
  pass(context, 1.5 + begun);
  assert.ok(Math.abs(deck.moment - 2.5) < 1e-6);
  pass(context, 3);
  assert.ok(Math.abs(deck.moment - 1.5) < 1e-6);
  deck.pause();
  assert.equal(deck.isPlaying, false);
  assert.ok(Math.abs(deck.moment - 1.5) < 1e-6);
  deck.play("track", { from: 1.5, to: 4 });
  pass(context, 2.4);
  deck.stopAtEnd(0);
  assert.ok(deck.isPlaying);
  pass(context, 0.2);
  deck.stopAtEnd(0);
  assert.deepEqual([deck.isPlaying, deck.moment], [false, 0]);
});

test("the last sample of a loop is followed by its first, round after round", () => {
  const { context, deck } = newDeck();
  deck.load("track", wholeSound(ramp(400)));
  deck.play("track", { from: 0.5, to: 4, loop: [0.5, 0.87] });
  pass(context, 3);
  const samples = heard(context).filter((sample) => sample !== undefined);
  assert.ok(samples.length > 300);
  for (const [index, sample] of samples.entries()) assert.equal(sample, 51 + (index % 37));
});

test("another track goes on at the same moment, and one ends as the other begins", () => {
  const { context, deck } = newDeck();
  deck.load("one", wholeSound(ramp(400)));
  deck.load("other", wholeSound(ramp(400).map((sample) => -sample)));
  deck.play("one", { from: 1, to: 4 });
  pass(context, 1);
  const [before, position] = [context.begun.length, deck.moment];
  deck.hear("other");
  const after = context.begun[before];
  const ahead = after.when - context.currentTime;
  assert.ok(Math.abs(-after.buffer.samples[0] - (position + ahead) * 100 - 1) < 1);
  const ended = context.begun.filter(({ stopped, isCut }) => isCut || stopped < Number.POSITIVE_INFINITY);
  assert.equal(ended.length, before - context.ended);
  for (const { stopped, isCut } of ended) assert.ok(isCut || Math.abs(stopped - after.when - 0.008) < 1e-6);
  assert.ok(Math.abs(deck.moment - position) < 1e-6);
});

test("an edit of what plays changes over to the new samples without a gap", () => {
  const { context, deck } = newDeck();
  const tape = new Tape(400, 10);
  tape.write(0, ramp(400), 0);
  deck.load("track", tape);
  deck.play("track", { from: 0, to: 4, mayBeOld: true });
  pass(context, 0.5);
  tape.outdate([8, 12], 1);
  tape.write(8, new Float32Array(40).fill(-1), 1);
  deck.written("track", 80, 120);
  pass(context, 4);
  const samples = heard(context).filter((sample) => sample !== undefined);
  assert.equal(samples.length, 400);
  for (const [index, sample] of samples.entries()) assert.equal(sample, index >= 80 && index < 120 ? -1 : index + 1);
});

test("an edit of what has been played, and of another track, leaves what plays alone", () => {
  const { context, deck } = newDeck();
  deck.load("track", wholeSound(ramp(400)));
  deck.load("other", wholeSound(ramp(400)));
  deck.play("track", { from: 0, to: 4 });
  pass(context, 2);
  const { begun } = context;
  deck.written("track", 0, 100);
  deck.written("other", 0, 400);
  assert.ok(begun.every(({ stopped, isCut }) => !isCut && stopped === Number.POSITIVE_INFINITY));
});

test("playback begins as soon as its first sample is there, waits where sound is late, and misses none", () => {
  const { context, deck } = newDeck();
  const tape = new Tape(400, 10);
  deck.load("track", tape);
  deck.play("track", { from: 1, to: 4 });
  assert.deepEqual([deck.isPlaying, deck.isWaiting, context.begun.length], [true, true, 0]);
  const arrive = (/** @type {number} */ first, /** @type {number} */ last) => {
    tape.write(first, ramp(400).subarray(first * 10, last * 10), 0);
    deck.written("track", first * 10, last * 10);
  };
  arrive(0, 5);
  assert.ok(deck.isWaiting);
  arrive(10, 15);
  assert.ok(!deck.isWaiting);
  pass(context, 1);
  assert.ok(Math.abs(deck.moment - 1.5) < 1e-6);
  arrive(15, 40);
  pass(context, 5);
  const samples = heard(context).filter((sample) => sample !== undefined);
  assert.deepEqual(samples, [...ramp(400).subarray(100)]);
});

test("where the present sound is late, playback goes on with the old sound rather than stop", () => {
  const { context, deck } = newDeck();
  const tape = new Tape(400, 10);
  tape.write(0, ramp(400), 0);
  deck.load("track", tape);
  deck.play("track", { from: 0, to: 4, mayBeOld: true });
  tape.outdate([0, 40], 1);
  pass(context, 4.5);
  assert.equal(heard(context).filter((sample) => sample !== undefined).length, 400);
});

test("a deck goes on at its place where the audio context is another one", () => {
  const contexts = [new SilentContext(), new SilentContext()];
  let current = 0;
  const engine = new Sound();
  engine.wake = () => /** @type {any} */ (contexts[current]);
  const deck = new Deck(100, () => {}, engine);
  deck.load("track", wholeSound(ramp(400)));
  deck.play("track", { from: 0, to: 4 });
  pass(contexts[0], 1.01);
  current = 1;
  deck.restart();
  assert.ok(deck.isPlaying);
  assert.equal(contexts[1].begun[0].buffer.samples[0], 101);
  pass(contexts[1], 1.01);
  assert.ok(Math.abs(deck.moment - 2) < 1e-6);
});

test("a track without sound at the playhead is heard from there as soon as its sound comes", () => {
  const { context, deck } = newDeck();
  const tape = new Tape(400, 10);
  deck.load("one", wholeSound(ramp(400)));
  deck.load("other", tape);
  deck.play("one", { from: 0, to: 4 });
  pass(context, 1);
  deck.hear("other");
  pass(context, 0.5);
  const before = context.begun.length;
  tape.write(0, new Float32Array(400).fill(-1), 0);
  deck.written("other", 0, 400);
  const [first, second] = context.begun.slice(before);
  assert.ok(first.when > context.currentTime);
  assert.ok(Math.abs(second.when - first.when - first.buffer.duration) < 1e-9);
  assert.equal(first.buffer.samples[0], -1);
});

test("a sound above full scale is made quieter as a whole, as in its file, and so it is while it gets louder", () => {
  const { context, deck } = newDeck();
  const tape = new Tape(400, 10);
  tape.write(0, new Float32Array(400).fill(0.5), 0);
  deck.load("track", tape);
  deck.play("track", { from: 0, to: 4 });
  assert.equal(context.gains[2].value, 1);
  tape.write(30, new Float32Array(10).fill(-4), 0);
  deck.written("track", 300, 310);
  assert.equal(context.gains.at(-1)?.value, 0.25);
  deck.load("loud", wholeSound(new Float32Array(400).fill(2)));
  deck.play("loud", { from: 0, to: 4 });
  assert.equal(context.gains.at(-1)?.value, 0.5);
});

test("a short sound above full scale is made quieter, and ends where a deck begins", () => {
  const { context, sound, deck } = newDeck();
  const loud = /** @type {any} */ (new PlainBuffer({ length: 400, sampleRate: 100 }));
  loud.getChannelData().fill(-2);
  sound.playSingle(loud);
  assert.equal(context.gains.at(-1)?.value, 0.5);
  deck.load("track", wholeSound(ramp(400)));
  deck.play("track", { from: 0, to: 4 });
  assert.equal(context.begun[0].stopped, 0);
});

test("where one deck begins, another pauses", () => {
  const { sound, deck } = newDeck();
  const other = new Deck(100, () => {}, sound);
  deck.load("track", wholeSound(ramp(400)));
  other.load("track", wholeSound(ramp(400)));
  deck.play("track", { from: 0, to: 4 });
  other.play("track", { from: 0, to: 4 });
  assert.deepEqual([deck.isPlaying, other.isPlaying], [false, true]);
});

test("sound that was made before a change is heard until the sound that the change needs, and does not take its place", () => {
  const tape = new Tape(45, 10);
  assert.deepEqual(tape.write(0, ramp(45), 0), [[0, 45]]);
  assert.ok(tape.isFull);
  tape.outdate([1, 3], 4);
  assert.deepEqual(tape.stale, [[1, 3]]);
  assert.deepEqual(tape.write(0, new Float32Array(45), 3), [[0, 45]]);
  assert.deepEqual(tape.write(1, ramp(20), 2), []); // what is there is newer
  assert.deepEqual([tape.samples[5], tape.samples[15], tape.samples[44]], [0, 0, 0]);
  assert.deepEqual([tape.freshUntil(3), tape.freshUntil(12), tape.soundUntil(12)], [10, 12, 45]);
  assert.deepEqual([tape.freshUntil(12, 4), tape.freshUntil(12, 3)], [12, 45]);
  assert.deepEqual(tape.missing([0, 5], { most: 1 }), [1, 2]);
  assert.equal(tape.missing([0, 5], { isEmptyOnly: true }), null);
  tape.write(1, new Float32Array(20), 4);
  assert.deepEqual(tape.stale, []);
});

test("a waveform reaches from the lowest to the highest sample of each pixel", () => {
  const samples = Float32Array.of(0.5, -0.25, 0, 1);
  assert.deepEqual(envelopeOf(samples, 2), [
    [-0.25, 0.5],
    [0, 1],
  ]);
});
