// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Deck } from "../../distill/ui/components/js/deck.js";
import { Sound } from "../../distill/ui/components/js/sound.js";
import { wholeSound } from "../../distill/ui/components/js/tape.js";
import { PlainBuffer, SilentContext } from "./help.js";

Object.assign(globalThis, { AudioBuffer: PlainBuffer });
const buffer = () => /** @type {any} */ (new PlainBuffer({ length: 400, sampleRate: 100 }));
const ramp = () => Float32Array.from({ length: 400 }, (_, index) => index + 1);
/** A start takes a sample or two. @type {(deck: Deck, moment: number) => void} */
const isAt = (deck, moment) => assert.ok(Math.abs(deck.moment - moment) < 0.05, `${deck.moment} is not ${moment}`);

/** An audio context that a test interrupts. */
class FickleContext extends SilentContext {
  state = "running";
  resumed = 0;

  resume() {
    this.resumed += 1;
    return this.state === "interrupted" ? Promise.reject(new Error("interrupted")) : Promise.resolve();
  }

  close() {
    this.state = "closed";
    return Promise.resolve();
  }
}

/** A deck that plays from its second 1, and what a test needs to let time pass: a look at the clock each quarter of a second. */
function playing({ deckLoop = /** @type {[number, number] | null} */ (null) } = {}) {
  /** @type {FickleContext[]} */
  const contexts = [];
  /** @type {string[]} */
  const told = [];
  let look = () => {};
  const sound = new Sound(
    () => {
      contexts.push(new FickleContext());
      return /** @type {any} */ (contexts.at(-1));
    },
    (act) => {
      look = act;
      return () => {
        look = () => {};
      };
    },
  );
  sound.onTrouble((words) => told.push(words));
  const deck = new Deck(100, () => {}, sound);
  deck.load("track", wholeSound(ramp()));
  deck.play("track", { from: 1, to: 4, loop: deckLoop });
  const pass = (/** @type {number} */ seconds, isStill = false) => {
    for (let looks = 0; looks < seconds * 4; looks++) {
      const context = /** @type {FickleContext} */ (contexts.at(-1));
      if (!isStill) context.pass(0.25);
      look();
    }
  };
  return { sound, deck, contexts, told, pass };
}

test("a context whose clock moves is left alone", () => {
  const { deck, contexts, told, pass } = playing();
  pass(2);
  assert.deepEqual([contexts.length, told, deck.isPlaying], [1, [], true]);
  isAt(deck, 3);
});

for (const state of ["running", "suspended", "interrupted"]) {
  test(`a context that is ${state} and stands still is resumed, then replaced, and the sound goes on from there`, () => {
    const { deck, contexts, told, pass } = playing();
    pass(0.5);
    contexts[0].state = state;
    const resumed = contexts[0].resumed;
    pass(0.75, true);
    assert.ok(contexts[0].resumed > resumed);
    assert.equal(contexts.length, 1);
    pass(0.25, true);
    assert.deepEqual([contexts.length, contexts[0].state], [2, "closed"]);
    isAt(deck, 1.5);
    pass(1);
    assert.deepEqual([contexts.length, told, deck.isPlaying], [2, [], true]);
    isAt(deck, 2.5);
    assert.ok(Math.abs(contexts[1].begun[0].buffer.samples[0] - 151) < 5);
  });
}

test("a context that comes back within the second is not replaced", () => {
  const { deck, contexts, pass } = playing();
  pass(0.5);
  pass(0.75, true);
  pass(0.5);
  pass(0.75, true);
  assert.equal(contexts.length, 1);
  isAt(deck, 2);
});

test("a loop goes on as a loop", () => {
  const { deck, contexts, pass } = playing({ deckLoop: [1, 2] });
  pass(0.5);
  pass(1, true);
  pass(1.25);
  assert.equal(contexts.length, 2);
  isAt(deck, 1.75);
});

test("a context that opens slowly is given more time", () => {
  const { contexts, pass } = playing();
  contexts[0].state = "suspended";
  pass(2.5, true);
  assert.equal(contexts.length, 1);
  pass(1, true);
  assert.equal(contexts.length, 2);
});

test("where no sound device answers, playback pauses with a sentence, and the next press tries anew", () => {
  const { deck, contexts, told, pass } = playing();
  pass(0.5);
  pass(1, true);
  pass(3.5, true);
  assert.deepEqual([contexts.length, deck.isPlaying], [2, false]);
  isAt(deck, 1.5);
  assert.equal(told.length, 1);
  assert.match(told[0], /no sound device/);
  deck.play("track", { from: deck.moment, to: 4 });
  pass(0.5);
  assert.deepEqual([deck.isPlaying, told[1]], [true, ""]);
  isAt(deck, 2);
});

test("a long interruption is waited for, in words, and the sound goes on after it", () => {
  const { deck, contexts, told, pass } = playing();
  pass(0.5);
  contexts[0].state = "interrupted";
  pass(1, true);
  contexts[1].state = "interrupted";
  pass(60, true);
  assert.deepEqual([contexts.length, deck.isPlaying], [2, true]);
  assert.match(told[0], /goes on after that/);
  contexts[1].state = "running";
  pass(1);
  assert.equal(told.at(-1), "");
  isAt(deck, 2.5);
});

test("a single code that was cut off is played again, and one that has ended needs no care", () => {
  const { sound, deck, contexts, pass } = playing();
  pass(0.25);
  deck.pause();
  const single = buffer();
  sound.playSingle(single);
  pass(0.25);
  pass(1, true);
  assert.deepEqual([contexts.length, contexts[1].begun[0].buffer], [2, single]);
  sound.stopSingle();
  pass(10, true);
  assert.equal(contexts.length, 2);
});

test("a context that the browser has closed is replaced with the next press", () => {
  const { deck, contexts } = playing();
  deck.pause();
  contexts[0].state = "closed";
  deck.play("track", { from: 2, to: 4 });
  assert.equal(contexts.length, 2);
  isAt(deck, 2);
});
