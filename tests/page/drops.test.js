// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { takersOf } from "../../distill/ui/components/js/drops.js";

test("a dropped file goes where its kind is opened, and several files are a set to train on", () => {
  assert.deepEqual(takersOf(["Kick.WAV"]), { tab: "", takers: ["#explore-upload"] });
  assert.deepEqual(takersOf(["no ending"]), { tab: "", takers: ["#explore-upload"] });
  assert.deepEqual(takersOf(["loops.DISTILL"]).takers, ["#train-load"]);
  for (const name of ["a.npz", "a.json"]) assert.deepEqual(takersOf([name]).takers, ["#edit-load"]);
  for (const names of [["all.zip"], ["a.wav", "b.wav"], ["a.distill", "b.wav"]]) {
    assert.deepEqual(takersOf(names), { tab: "Train", takers: ["#train-files", "#train-add"] });
  }
});
