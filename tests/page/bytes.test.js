// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { packCodes, unpackCodes } from "../../distill/browser/base64.js";
import { gridFileOf, gridTextOf, wavOf } from "../../distill/ui/components/js/bytes.js";
import { gridValue } from "./help.js";

test("codes are unpacked as they were packed, those above 255 too", () => {
  assert.deepEqual([...unpackCodes(packCodes([0, 1, 255, 256, 65535]))], [0, 1, 255, 256, 65535]);
  assert.equal(unpackCodes("").length, 0);
});

test("a WAV file says how long it is, and a sound above full scale is scaled down", () => {
  const view = new DataView(wavOf(Float32Array.of(0, 0.5, -2, 1), 44_100));
  const text = (/** @type {number} */ at) =>
    String.fromCharCode(...Array.from({ length: 4 }, (_, index) => view.getUint8(at + index)));
  assert.deepEqual([text(0), text(8), text(12), text(36)], ["RIFF", "WAVE", "fmt ", "data"]);
  assert.equal(view.getUint32(4, true), view.byteLength - 8);
  assert.equal(view.getUint32(24, true), 44_100);
  assert.equal(view.getUint32(40, true), 8);
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => view.getInt16(44 + 2 * index, true)),
    [0, 8_192, -32_768, 16_384],
  );
});

test("a saved grid holds its codes by level, row and column", () => {
  const value = gridValue();
  const file = JSON.parse(gridFileOf(value, unpackCodes(value.indices)));
  assert.deepEqual(file.indices, [
    [
      [0, 1, 2],
      [3, 4, 5],
    ],
    [
      [6, 7, 8],
      [9, 10, 11],
    ],
  ]);
  assert.deepEqual([file.num_frames, file.model_id, file.codebook_size, file.format], [48, "codec", 16, 1]);
  assert.deepEqual([file.num_samples, file.time_stride], [value.samples, 16]);
});

test("a grid's text names its codec and its shape, and holds its codes in as few bits as there are", async () => {
  const value = { ...gridValue(), size: 64, model_id: "0123456789ab" };
  const codes = unpackCodes(value.indices).map((code) => code % 64);
  const text = await gridTextOf(value, codes);
  const [format, codec, size, length, levels, rows, body] = text.split(".");
  assert.deepEqual([format, codec, Number(size)], ["distill2", "0123456789ab", 64]);
  assert.deepEqual([Number(length), Number(levels), Number(rows)], [value.samples, value.levels.length, value.rows]);
  const whole = await gridTextOf({ ...value, samples: value.num_frames * 512 }, codes);
  assert.ok(whole.startsWith(`distill1.0123456789ab.64.${value.num_frames}.`));
  const fine = await gridTextOf({ ...value, time_stride: 4 }, codes);
  assert.ok(fine.startsWith(`distill3.0123456789ab.64.${value.samples}.4.${value.levels.length}.${value.rows}.`));
  assert.match(body, /^[\w-]+$/);
  const bits = [...inflateSync(Buffer.from(body, "base64url"))].flatMap((byte) =>
    [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (byte >> bit) & 1),
  );
  const read = [...codes].map((_, index) => Number.parseInt(bits.slice(6 * index, 6 * index + 6).join(""), 2));
  assert.deepEqual(read, [...codes]);
});
