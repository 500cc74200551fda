// @ts-check
// Clips in an instrument's file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GridHistory } from "../../distill/browser/grid_history.js";
import { packClip, unpackClip } from "../../distill/instrument/packed.js";

test("a saved clip keeps its newest edits, as many as the file may hold, and opens with them", () => {
  const cells = 4 * 8 * 1_000;
  const history = new GridHistory(new Uint16Array(cells));
  for (let edit = 1; edit <= 20; edit++) history.do(`edit ${edit}`, new Uint16Array(cells).fill(edit));
  const shape = { levels: 4, rows: 8, columns: 1_000, size: 64, timeStride: 16, numFrames: 16_000, samples: 8_192_000 };
  const clip = { ...shape, work: "1", name: "long.wav", modelId: "codec", spectrogram: "", history };
  const { history: opened } = unpackClip(packClip(clip), "codec");
  const kept = Math.floor((2 * 1024 ** 2) / (8 * cells + 200 + 2 * "edit 20".length)); // as distill/instrument/page.py
  assert.deepEqual(opened.labels, history.labels.slice(-kept));
  assert.deepEqual(opened.indices, history.indices);
  assert.deepEqual(opened.original, history.original);
  for (let edit = 0; edit < 20; edit++) history.undo();
  assert.equal(unpackClip(packClip(clip), "codec").history.undone.length, kept);
});
