// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Cuts } from "../../distill/ui/components/js/cuts.js";
import { CutterSearch } from "../../distill/ui/components/js/cutter_search.js";
import { extremesOf } from "../../distill/ui/components/js/cutter_view.js";
import { applyOf, nameOf, toldOf } from "../../distill/ui/components/js/cutter_words.js";

/** @type {(pieces?: [number, number][]) => import("../../distill/ui/components/js/types.js").Recording} */
const recording = (pieces = []) => ({
  id: "set/0",
  name: "take.wav",
  seconds: 1,
  num_samples: 44_100,
  is_long: true,
  pieces,
});
const HALVES = /** @type {[number, number][]} */ ([
  [0, 22_050],
  [22_050, 44_100],
]);

test("the button says how many clips there will be, and is ready if that changes the set", () => {
  const cut = Cuts.of(HALVES, 44_100);
  assert.deepEqual(applyOf([{ recording: recording(), cuts: cut }]), { isReady: true, words: "Cut into 2 clips" });
  assert.deepEqual(applyOf([{ recording: recording(HALVES), cuts: cut }]), {
    isReady: false,
    words: "Cut into 2 clips, done",
  });
  const whole = new Cuts(44_100);
  assert.deepEqual(applyOf([{ recording: recording(HALVES), cuts: whole }]), {
    isReady: true,
    words: "Put together again",
  });
  assert.equal(applyOf([{ recording: recording(), cuts: whole }]).isReady, false);
});

test("the part under the cursor and the chosen cut are told in seconds", () => {
  const cuts = Cuts.of(HALVES, 44_100);
  assert.equal(toldOf(cuts, 1, 0, 44_100), "Clip 2 of 2 · 0.50 s to 1.00 s · 0.50 s long · cut 1 at 0.500 s");
  assert.match(toldOf(cuts.toggle(0), 0, -1, 44_100), /^Left out · 0\.00 s to 0\.50 s/);
  assert.match(toldOf(new Cuts(44_100), 0, -1, 44_100), /^Not cut/);
  assert.equal(nameOf(recording(), cuts), "take.wav · 1.00 s · 2 clips");
});

test("the extremes under a pixel are those of all its blocks, and of one at least", () => {
  const drawing = { extremes: Int8Array.of(-1, 2, -30, 4, -5, 60), block: 100 };
  assert.deepEqual(extremesOf(drawing, 0, 200), [-30, 4]);
  assert.deepEqual(extremesOf(drawing, 210, 212), [-5, 60]);
  assert.deepEqual(extremesOf(drawing, 900, 901), [0, 0]);
});

/** A page's elements as far as a search needs them. */
function makeSearch() {
  const buttons = { onsets: part(), silence: part(), all: part() };
  const slider = Object.assign(part(), { value: "80" });
  /** @type {Record<string, unknown>} */
  const parts = {
    "[data-by=onsets]": buttons.onsets,
    "[data-by=silence]": buttons.silence,
    ".all": buttons.all,
    ".fineness": slider,
  };
  const element = /** @type {HTMLElement} */ (
    /** @type {unknown} */ ({ querySelector: (/** @type {string} */ name) => parts[name] })
  );
  return { element, slider };
}

const part = () => ({ setAttribute() {}, onclick: null, onchange: null });

test("a search asks as the slider says, and an answer that is overtaken is not taken", async () => {
  const { element, slider } = makeSearch();
  /** @type {unknown[]} */
  const asked = [];
  /** @type {((answer: {pieces: [number, number][]}) => void)[]} */
  const waiting = [];
  /** @type {number[]} */
  const found = [];
  const message = /** @type {HTMLElement} */ ({ textContent: "" });
  const cut_found = (/** @type {unknown} */ request) => {
    asked.push(request);
    return new Promise((answer) => waiting.push(answer));
  };
  const cutter = {
    value: { recordings: [recording()] },
    recording: recording(),
    message,
    server: /** @type {any} */ ({ cut_found }),
    cuts: new Cuts(44_100),
    cutsOf: () => cutter.cuts,
    found: (/** @type {unknown} */ _, /** @type {Cuts} */ cuts) => void found.push(cuts.count),
  };
  const search = new CutterSearch(cutter, element);
  const first = search.look("silence");
  slider.value = "100";
  const second = search.look("onsets");
  waiting[1]({ pieces: HALVES });
  waiting[0]({ pieces: [] });
  await Promise.all([first, second]);
  assert.deepEqual(asked, [
    { id: "set/0", by: "silence", fineness: 0.8 },
    { id: "set/0", by: "onsets", fineness: 1 },
  ]);
  assert.deepEqual(found, [2]);
  const none = search.look("onsets");
  waiting[2]({ pieces: [] });
  await none;
  const late = search.look("onsets");
  cutter.cuts = cutter.cuts.add(9_000); // by hand, before the answer
  waiting[3]({ pieces: HALVES });
  await late;
  assert.deepEqual(found, [2, 1]);
  assert.match(message.textContent ?? "", /Nothing to cut was found in take\.wav/);
});
