// @ts-check
// The sounds of pads.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PlainBuffer, SilentContext } from "./help.js";

const context = new SilentContext();
Object.assign(globalThis, {
  AudioBuffer: PlainBuffer,
  AudioContext: function AudioContext() {
    return context;
  },
});
const { PadSounds } = await import("../../distill/ui/components/js/pad_sounds.js");
const { sound } = await import("../../distill/ui/components/js/sound.js");

const SAMPLES = new Float32Array(200).fill(0.5);

test("pads sound together, a pad that is hit again replaces its own sound, and a stop ends all", () => {
  context.begun = [];
  const sounds = new PadSounds();
  sounds.play(0, SAMPLES, 100, 1);
  sounds.play(1, SAMPLES, 100, 0.5);
  assert.deepEqual(
    context.begun.map(({ stopped }) => stopped),
    [Infinity, Infinity],
  );
  sounds.play(0, SAMPLES, 100, 1);
  const [first, second, third] = context.begun;
  assert.ok(first.stopped < 0.1);
  assert.deepEqual([second.stopped, third.stopped], [Infinity, Infinity]);
  sounds.stop();
  assert.ok(second.stopped < 0.1 && third.stopped < 0.1);
});

test("pads fall silent when a player begins", () => {
  context.begun = [];
  const sounds = new PadSounds();
  sounds.play(0, SAMPLES, 100, 1);
  sound.begin({ pause: () => {} });
  assert.ok(context.begun[0].stopped < 0.1);
  assert.equal(sounds.stops, 1);
});

test("a sound is made once, and again if it could not be made", async () => {
  const sounds = new PadSounds();
  let made = 0;
  const make = async () => (++made > 1 ? SAMPLES : null);
  assert.equal(await sounds.of("a", make), null);
  await null;
  assert.equal(await sounds.of("a", make), SAMPLES);
  assert.equal(await sounds.of("a", make), SAMPLES);
  assert.equal(made, 2);
});
