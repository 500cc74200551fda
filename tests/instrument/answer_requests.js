// @ts-check
// Answers lists of requests with the page's own server, for tests/instrument/test_parity.py: JSON in, JSON out.

import { readFileSync } from "node:fs";
import { GridHistory } from "../../distill/browser/grid_history.js";
import { LocalServer } from "../../distill/browser/local_server.js";

/** @param {any} given */
async function answersOf({ shape, codec, clips, requests, edit_cells: editCells }) {
  const levels = codec.codebooks.map((/** @type {number[][]} */ book) => Float32Array.from(book.flat()));
  const floats = (/** @type {any[]} */ list) => Float32Array.from(list.flat(3));
  const { steps, loudness, quietness, travel } = codec.slides;
  const slides = { steps: floats(steps), loudness: floats(loudness), quietness: floats(quietness), travel };
  const dim = codec.codebooks[0][0].length;
  const server = new LocalServer({ ...codec, slides, codebooks: { levels, dim } }, null, editCells);
  for (const { work, name, columns, indices } of clips) {
    server.open({ ...shape, work, name, columns, history: new GridHistory(Uint16Array.from(indices)) });
  }
  const answers = [];
  for (const request of requests) answers.push(await server.edit(request));
  return {
    answers,
    grids: clips.map((/** @type {any} */ { work }) => [.../** @type {any} */ (server.clips.get(work)).history.indices]),
  };
}

const cases = JSON.parse(readFileSync(0, "utf8"));
const answered = [];
for (const each of cases) answered.push(await answersOf(each));
process.stdout.write(JSON.stringify(answered));
