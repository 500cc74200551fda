// @ts-check
// Reads grids as the page does, for tests/instrument/test_grid_files.py: JSON in, JSON out.

import { readFileSync } from "node:fs";
import { readGridFile, readGridText } from "../../distill/browser/grid_files.js";
import { GridHistory } from "../../distill/browser/grid_history.js";
import { LocalServer } from "../../distill/browser/local_server.js";

/** @param {{file?: string, text?: string}} given */
async function answerOf({ file, text }) {
  const asked =
    file === undefined ? readGridText(text ?? "") : readGridFile(new Uint8Array(Buffer.from(file, "base64")));
  const grid = await asked.catch((error) => ({ error: error.message }));
  if ("error" in grid) return grid;
  const server = new LocalServer(/** @type {any} */ ({}), null);
  server.open({ ...grid, work: "work", name: "clip", history: new GridHistory(grid.indices), spectrogram: "" });
  return server.valueOf("work");
}

const answers = [];
for (const given of JSON.parse(readFileSync(0, "utf8"))) answers.push(await answerOf(given));
process.stdout.write(JSON.stringify(answers));
