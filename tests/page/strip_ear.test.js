// @ts-check
// Listening to the clips of the strip.
import assert from "node:assert/strict";
import { test } from "node:test";
import { playOnce } from "../../distill/ui/components/js/sound.js";
import { StripEar } from "../../distill/ui/components/js/strip_ear.js";
import { PlainBuffer, SilentContext } from "./help.js";

const context = new SilentContext();
Object.assign(globalThis, {
  AudioBuffer: PlainBuffer,
  AudioContext: function AudioContext() {
    return context;
  },
  OfflineAudioContext: class {
    decodeAudioData = async () => new PlainBuffer({ length: 10, sampleRate: 100 });
  },
});
const newEar = () => new StripEar(/** @type {any} */ ({ strip_sound: async () => ({ flac: "" }) }), () => {});
const codec = { soundId: "codec", sampleRate: 100 };

test("a clip's end is told, and a second press stops it", async () => {
  const ear = newEar();
  await ear.play("one", "original", codec);
  assert.equal(ear.heard?.id, "one");
  context.pass(0.2);
  assert.equal(ear.heard, null);
  await ear.play("one", "original", codec);
  await ear.play("one", "original", codec);
  assert.equal(ear.heard, null);
  assert.equal(context.begun.at(-1)?.stopped, 0);
});

test("a code that is played during a clip takes its place, and plays to its end", async () => {
  const ear = newEar();
  await ear.play("one", "original", codec);
  playOnce(new Float32Array(100), 100);
  assert.equal(ear.heard, null);
  await new Promise((next) => setTimeout(next, 300)); // longer than the clip
  ear.pause();
  assert.equal(context.begun.at(-1)?.stopped, Number.POSITIVE_INFINITY);
});

test("a reconstruction is asked for by the codec that the page shows, and kept for that codec alone", async () => {
  /** @type {string[]} */
  const asked = [];
  const strip_sound = async (/** @type {{id: string, track: string, sound_id: string}} */ request) => {
    asked.push(`${request.id} ${request.track} ${request.sound_id}`);
    return { error: "No." };
  };
  const server = /** @type {any} */ ({ strip_sound });
  const ear = new StripEar(server, () => {});
  for (const soundId of ["one", "other"]) await ear.play("clip", "codec", { soundId, sampleRate: 44_100 });
  assert.deepEqual(asked, ["clip codec one", "clip codec other"]);
});
