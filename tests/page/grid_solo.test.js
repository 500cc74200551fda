// @ts-check
// A solo: a part of the grid is heard alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { soloCells } from "../../distill/browser/mixing.js";
import { assertIsSoundOf, context, open, settle } from "./grid_sound_stage.js";

test("a solo is heard at once, follows edits and faders, and leaves the edited sound as it is", async () => {
  const { sound, codes, value } = open();
  await settle();
  const edited = sound.samples?.slice();
  sound.solo({ levels: [0, 0], rows: [0, 0], columns: [0, 1] });
  await settle();
  const heard = () => {
    const tape = sound.maker.tapes.solo;
    assert.ok(tape && !tape.stale.length);
    return tape.samples;
  };
  const alone = () => soloCells(codes.cells, codes, { levels: [0, 0], rows: [0, 0], columns: [0, 1] });
  assert.equal(sound.heard, "solo");
  assertIsSoundOf(heard(), alone());
  assert.deepEqual(sound.samples, edited);
  codes.put([
    [3, 9],
    [codes.count + 1, 25],
  ]);
  await settle();
  assertIsSoundOf(heard(), alone());
  sound.take(value, false, codes); // the server's value of the same clip
  await settle();
  assert.equal(sound.heard, "solo");
  sound.solo(null);
  await settle();
  assert.equal(sound.heard, "edited");
  assertIsSoundOf(sound.samples, codes.cells);
});

test("the server is asked for what is soloed where the page cannot make it", async () => {
  const { sound, server } = open({ load: () => Promise.reject(new Error("no codec")) });
  /** @type {any[]} */
  const asked = [];
  const answer = server.sound.bind(server);
  server.sound = (/** @type {any} */ request) => {
    asked.push(request);
    return answer(request);
  };
  await settle();
  const region = /** @type {import("../../distill/ui/components/js/types.js").Solo} */ ({
    levels: [0, 0],
    rows: [0, 1],
    columns: [1, 2],
  });
  sound.solo(region);
  sound.play(null);
  await settle();
  assert.deepEqual(asked.at(-1).solo, region);
  assert.equal(asked.at(-1).track, "edited");
});

test("an edit under a solo is heard where the server makes the sound", async () => {
  const { sound, server } = open({ load: () => Promise.reject(new Error("no codec")) });
  await settle();
  sound.solo({ levels: [0, 0], rows: [0, 1], columns: [0, 5] });
  await settle();
  /** @type {any[]} */
  const asked = [];
  const answer = server.sound.bind(server);
  server.sound = (/** @type {any} */ request) => {
    asked.push(request);
    return answer(request);
  };
  const begun = context.begun.length;
  const flac = Buffer.from(new Float32Array(2 * 512).fill(0.5).buffer).toString("base64");
  const changes = { positions: [2], start: 4 * 512, flac, stale: [], version: 1 };
  await sound.answered(/** @type {any} */ (changes), true);
  await settle();
  assert.equal(sound.playing, "edit");
  assert.equal(sound.heard, "solo");
  assert.ok(asked.length && asked[0].solo);
  assert.ok(context.begun.length > begun);
  assert.ok(!sound.deck.isWaiting);
});
