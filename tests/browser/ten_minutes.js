// @ts-check
// Parts of a long clip, out of order.

import { open, readJson, write } from "./files.js";

const { codec, grid } = await open();
for (const first of readJson("parts.json")) write(`${first}.f32`, codec.sound(grid, first, first + 20));
console.log("null");
