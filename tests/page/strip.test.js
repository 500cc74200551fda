// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Batches } from "../../distill/ui/components/js/batches.js";
import { Choice } from "../../distill/ui/components/js/strip_choice.js";
import {
  inView,
  matching,
  movedBy,
  sortedClips,
  stretchesOf,
  takenAnew,
} from "../../distill/ui/components/js/strip_list.js";
import { factsOf, wordsOf } from "../../distill/ui/components/js/strip_words.js";

/** @type {(id: string, group: string, seconds?: number) => import("../../distill/ui/components/js/types.js").StripClip} */
const clip = (id, group, seconds = 1) => ({ id, name: id, seconds, group, is_kept: true, note: "", weight: 1 });
const CLIPS = [clip("a", "yours", 1), clip("b", "yours", 3), clip("c", "yours", 2), clip("d", "examples", 9)];
const idsOf = (/** @type {{id: string}[]} */ clips) => clips.map(({ id }) => id).join("");
const settled = () => new Promise((done) => setTimeout(done, 5));

test("clips are sorted within their groups, and those without an error come last", () => {
  const errors = new Map([
    ["a", 0.2],
    ["c", 0.9],
  ]);
  const errorOf = (/** @type {string} */ id) => errors.get(id) ?? null;
  assert.equal(idsOf(sortedClips(CLIPS, "given", errorOf)), "abcd");
  assert.equal(idsOf(sortedClips(CLIPS, "length", errorOf)), "bcad");
  assert.equal(idsOf(sortedClips(CLIPS, "error", errorOf)), "cabd");
});

test("clips that changed are shown as they are now, in the order that was shown", () => {
  const shown = sortedClips(CLIPS, "length", () => null);
  const now = [clip("e", "yours", 7), ...CLIPS.map((each) => ({ ...each, is_kept: each.id !== "a" }))];
  assert.equal(idsOf(takenAnew(shown, now)), "bcaed");
  assert.equal(takenAnew(shown, now)[2].is_kept, false);
  assert.equal(idsOf(takenAnew(shown, CLIPS.slice(1))), "bcd");
  assert.equal(idsOf(takenAnew([], CLIPS)), "abcd");
});

test("each group has a name, a beginning and a number of clips", () => {
  const found = stretchesOf(CLIPS);
  assert.deepEqual(found, [
    { name: "Your clips", first: 0, count: 3 },
    { name: "Examples", first: 3, count: 1 },
  ]);
  assert.deepEqual(stretchesOf([]), []);
});

test("only clips in view and three on each side are drawn", () => {
  assert.deepEqual(inView({ left: 0, width: 1000, each: 100, count: 500 }), [0, 13]);
  assert.deepEqual(inView({ left: 20_000, width: 1000, each: 100, count: 500 }), [197, 213]);
  assert.deepEqual(inView({ left: 49_000, width: 1000, each: 100, count: 500 }), [487, 500]);
  assert.deepEqual(inView({ left: 49_000, width: 1000, each: 100, count: 3 }), [3, 3]);
});

test("keys move along the strip and stop at its ends", () => {
  const list = { count: 10, page: 4 };
  assert.equal(movedBy("ArrowRight", 0, list), 1);
  assert.equal(movedBy("ArrowLeft", 0, list), 0);
  assert.equal(movedBy("PageDown", 8, list), 9);
  assert.equal(movedBy("End", 0, list), 9);
  assert.equal(movedBy("a", 3, list), null);
});

test("each picture is asked for once, those in view now before those that were", async () => {
  /** @type {string[]} */
  const asked = [];
  const batches = new Batches(
    async (ids) => {
      asked.push(ids.join(""));
      await settled();
      return ids.map((id) => (id === "x" ? null : id.toUpperCase()));
    },
    () => {},
    2,
  );
  batches.want(["a", "b", "c", "x"]);
  batches.want(["f", "a"]);
  for (let turn = 0; turn < 6; turn++) await settled();
  batches.want(["a", "f", "x"]);
  for (let turn = 0; turn < 4; turn++) await settled();
  assert.deepEqual(asked, ["ab", "f", "x"]);
  assert.deepEqual([batches.of("a"), batches.of("f"), batches.of("x"), batches.of("c")], ["A", "F", null, undefined]);
});

test("a refusal is told once, and what was refused is asked for again when it is wanted", async () => {
  /** @type {string[]} */
  const told = [];
  let refuses = true;
  const batches = new Batches(
    async (ids) => (refuses ? { error: "Too busy." } : ids),
    (refusal) => told.push(refusal),
    1,
    settled,
  );
  batches.want(["a", "b"]);
  await settled();
  refuses = false;
  batches.want(["a"]);
  for (let turn = 0; turn < 3; turn++) await settled();
  assert.deepEqual(told, ["Too busy.", ""]);
  assert.equal(batches.of("a"), "a");
});

test("what is wanted as soon as a refusal is told is asked for after a pause, and not at once", async () => {
  let asked = 0;
  const batches = new Batches(
    async (/** @type {string[]} */ ids) => (++asked === 1 ? { error: "Too busy." } : ids),
    (refusal) => {
      if (refusal) batches.want(["a"]);
    },
    1,
    settled,
  );
  batches.want(["a"]);
  await Promise.resolve().then(() => {});
  assert.equal(asked, 1);
  for (let turn = 0; turn < 4; turn++) await settled();
  assert.deepEqual([asked, batches.of("a")], [2, "a"]);
});

test("clips are found by all words of their names, in any case and order", () => {
  const named = ["Kick 01.wav", "kick 02 low.wav", "Snare.wav"].map((name) => ({ ...clip(name, "yours"), name }));
  const found = (/** @type {string} */ words) => matching(named, words).map(({ name }) => name);
  assert.deepEqual(found("KICK"), ["Kick 01.wav", "kick 02 low.wav"]);
  assert.deepEqual(found(" low  kick"), ["kick 02 low.wav"]);
  assert.equal(matching(named, "  "), named);
  assert.deepEqual(found("cymbal"), []);
});

test("several clips are chosen in the order of the presses, and a second press takes one away", () => {
  const choice = new Choice();
  choice.only("a");
  assert.deepEqual(choice.all, ["a"]);
  choice.toggle("c");
  choice.toggle("b");
  assert.deepEqual(choice.all, ["a", "c", "b"]);
  assert.deepEqual([choice.placeOf("c"), choice.placeOf("d")], [2, 0]);
  choice.toggle("a");
  assert.deepEqual(choice.all, ["c", "b"]);
  choice.only("d");
  assert.deepEqual(choice.all, ["d"]);
});

test("in the mode for several, only what is pressed is chosen", () => {
  const choice = new Choice();
  choice.only("a");
  choice.switchMode();
  choice.toggle("b");
  choice.toggle("c");
  assert.deepEqual(choice.all, ["b", "c"]);
  choice.switchMode();
  assert.deepEqual(choice.all, ["c"]);
});

test("a span is chosen from the clip that was pressed before, in both directions", () => {
  const choice = new Choice();
  const ids = ["a", "b", "c", "d"];
  choice.only("b");
  choice.extendTo("d", ids);
  assert.deepEqual(choice.all, ["b", "c", "d"]);
  choice.extendTo("a", ids);
  assert.deepEqual(choice.all, ["b", "a"]);
  choice.extendTo("x", ids);
  assert.deepEqual(choice.all, ["b", "a"]);
  choice.only("gone");
  choice.extendTo("c", ids);
  assert.deepEqual(choice.all, ["c"]);
});

test("clips that are gone are chosen no longer", () => {
  const choice = new Choice();
  for (const id of ["a", "b", "c"]) choice.toggle(id);
  choice.keep(new Set(["a", "b"]));
  assert.deepEqual([choice.all, choice.one], [["a", "b"], "b"]);
  choice.end();
  choice.keep(new Set());
  assert.deepEqual([choice.all, choice.one], [[], ""]);
});

const KNOWN = { mel_l1: 0.5, word: "known", codes: 0.25 };
const VALUE = /** @type {import("../../distill/ui/components/js/types.js").StripValue} */ ({ heard_seconds: 12 });

test("a cell tells the length, the error and the weight of its clip", () => {
  assert.equal(factsOf(clip("a", "yours", 0.3), KNOWN), "0.30 s · 4.3 dB");
  assert.equal(factsOf({ ...clip("a", "yours"), weight: 4 }, undefined), "1.00 s · ×4");
  assert.equal(factsOf({ ...clip("a", "yours"), weight: 0 }, undefined), "1.00 s · left out");
  assert.equal(factsOf({ ...clip("a", "yours"), is_kept: false }, KNOWN), "1.00 s · gone");
});

test("the bar tells how well the clip is known, now and before, and how long several are", () => {
  const [a, b] = [clip("a", "yours", 1), clip("b", "yours", 70)];
  const shown = { clips: [a], clip: a, known: KNOWN, before: { ...KNOWN, mel_l1: 1 }, heard: "", isMode: false };
  assert.equal(
    wordsOf({ ...shown, value: VALUE }),
    "a · 1.00 s · 4.3 dB off (8.7 dB before), known · uses 25 % of its codes",
  );
  assert.equal(wordsOf({ ...shown, clips: [a, b], value: VALUE }), "2 clips · 1 min 11 s");
  assert.equal(
    wordsOf({ ...shown, clips: [b], clip: b, known: null, before: null, value: VALUE }),
    "b · 1 min 10 s · press to hear its first 12 s",
  );
  assert.match(wordsOf({ ...shown, clips: [], clip: undefined, isMode: true, value: VALUE }), /Press the clips/);
});

test("a clip that was chosen while another was being opened stays chosen", () => {
  const choice = new Choice();
  choice.only("b");
  assert.ok(choice.follows([])); // a sound was opened elsewhere
  assert.ok(choice.follows(["b"]));
  assert.ok(choice.follows(["a", "b"])); // both are laid out
  assert.ok(!choice.follows(["a"]));
});
