// @ts-check
// Snap, the brush and the order of the codes come back when the page is loaded again.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { KeptBrush } from "../../distill/ui/components/js/kept_brush.js";
import { forgetChoices, keepChoice, keepChoiceOf, keptChoices } from "../../distill/ui/components/js/kept_choices.js";

/** @type {any} */
const surroundings = globalThis;
const VALUE = { model_id: "codec", size: 64, levels: ["Structure", "Detail"] };

beforeEach(() => {
  /** @type {Map<string, string>} */
  const kept = new Map();
  surroundings.localStorage = {
    getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ words) => kept.set(key, words),
    removeItem: (/** @type {string} */ key) => kept.delete(key),
  };
});

afterEach(() => {
  delete surroundings.localStorage;
});

/** @returns {any} a list whose choice is "off" */
const list = () =>
  Object.assign(new EventTarget(), { value: "off", options: [{ value: "off" }, { value: "bar" }, { value: "4" }] });

/** @param {string} choice */
function choose(choice) {
  const chosen = list();
  keepChoiceOf(chosen, "snap");
  chosen.value = choice;
  chosen.dispatchEvent(new Event("change"));
}

test("a list of a page that is loaded again has what was chosen in it", () => {
  choose("4");
  keepChoice("sorting", "number");
  const later = list();
  keepChoiceOf(later, "snap");
  assert.equal(later.value, "4");
  assert.deepEqual(keptChoices(), { snap: "4", sorting: "number" });
  forgetChoices();
  const forgotten = list();
  keepChoiceOf(forgotten, "snap");
  assert.equal(forgotten.value, "off");
});

test("what is no choice of the list is not chosen", () => {
  for (const words of ['{"snap": "1/3"}', '{"snap": ["4"]}', "null", "{", "7"]) {
    surroundings.localStorage.setItem("distill-choices", words);
    const later = list();
    keepChoiceOf(later, "snap");
    assert.equal(later.value, "off", words);
  }
});

test("a browser that keeps nothing still has lists to choose from", () => {
  surroundings.localStorage = {
    getItem() {
      throw new Error("SecurityError");
    },
    setItem() {
      throw new Error("SecurityError");
    },
  };
  choose("4");
  assert.deepEqual(keptChoices(), {});
});

test("the brush and its level come back in the codec in which they were chosen", () => {
  const state = { brush: 0, level: 0 };
  const brush = new KeptBrush();
  brush.take(VALUE, state);
  Object.assign(state, { brush: 17, level: 1 });
  brush.note(state);

  const later = { brush: 0, level: 0 };
  const anew = new KeptBrush();
  anew.take({ ...VALUE, model_id: "example" }, later); // the page begins with the example
  anew.note(later);
  assert.deepEqual(later, { brush: 0, level: 0 });
  anew.take(VALUE, later);
  assert.deepEqual(later, { brush: 17, level: 1 });
});

test("another clip in the same codec leaves the brush as it is", () => {
  const state = { brush: 0, level: 0 };
  const brush = new KeptBrush();
  brush.take(VALUE, state);
  state.brush = 5;
  brush.note(state);
  keepChoice("brush", { model_id: "codec", level: 0, code: 6 }); // by another window
  brush.take(VALUE, state);
  assert.equal(state.brush, 5);
});

test("a brush that this codec has not is left out", () => {
  for (const kept of [
    { code: 64, level: 0 },
    { code: -1, level: 0 },
    { code: 1, level: 2 },
    { code: "1", level: 0 },
  ]) {
    keepChoice("brush", { model_id: "codec", ...kept });
    const state = { brush: 3, level: 0 };
    new KeptBrush().take(VALUE, state);
    assert.deepEqual(state, { brush: 3, level: 0 });
  }
});
