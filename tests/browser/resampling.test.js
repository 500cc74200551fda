// @ts-check
// Sounds at other rates: the rate that a file announces, and the same sound at 44 100 Hz.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isResampled, resampled } from "../../distill/browser/resampling.js";
import { sampleRateOf } from "../../distill/browser/sample_rates.js";
import { wavOf } from "../../distill/ui/components/js/bytes.js";

/** @type {(hertz: number, rate: number, count: number) => Float32Array} */
const sine = (hertz, rate, count) =>
  Float32Array.from({ length: count }, (_, index) => Math.sin((2 * Math.PI * hertz * index) / rate));

/** @type {(one: Float32Array, other: Float32Array) => number} away from both ends */
function difference(one, other) {
  let most = 0;
  for (let index = 500; index < one.length - 500; index++) most = Math.max(most, Math.abs(one[index] - other[index]));
  return most;
}

for (const rate of [8_000, 22_050, 32_000, 48_000, 96_000, 192_000]) {
  test(`a tone at ${rate} Hz is the same tone at 44 100 Hz`, async () => {
    for (const share of [0.01, 0.5, 0.9]) {
      const hertz = (share * Math.min(rate, 44_100)) / 2;
      const made = await resampled(sine(hertz, rate, rate / 5), rate, 44_100);
      assert.equal(made.length, 8_820);
      assert.ok(difference(made, sine(hertz, 44_100, 8_820)) < 2e-5, `${hertz} Hz`);
    }
  });
}

test("what no rate of 44 100 Hz can hold is gone", async () => {
  const made = await resampled(sine(23_000, 96_000, 19_200), 96_000, 44_100);
  assert.ok(difference(made, new Float32Array(made.length)) < 2e-5);
});

test("other work comes between, and rates without a short ratio are left to the browser", async () => {
  let pauses = 0;
  await resampled(new Float32Array(480_000), 48_000, 44_100, async () => {
    pauses += 1;
  });
  assert.ok(pauses >= 6);
  assert.deepEqual(
    [44_100, 48_000, 44_056, 0, 0.5].map((rate) => isResampled(rate, 44_100)),
    [true, true, false, false, false],
  );
});

/** @type {(...parts: (string | number[])[]) => ArrayBuffer} */
const file = (...parts) =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "string" ? [...part].map((letter) => letter.charCodeAt(0)) : part)),
  ).buffer;
const zeros = (/** @type {number} */ count) => Array(count).fill(0);

test("a file's rate is read from its header, and is not known where there is none", () => {
  assert.equal(sampleRateOf(wavOf(new Float32Array(9), 48_000)), 48_000);
  assert.equal(
    sampleRateOf(
      file("RIFF", zeros(4), "WAVE", "LIST", [2, 0, 0, 0], "ab", "fmt ", [16, 0, 0, 0], [1, 0, 1, 0, 0x00, 0x7d, 0, 0]),
    ),
    32_000,
  );
  assert.equal(
    sampleRateOf(file("FORM", zeros(4), "AIFF", "COMM", [0, 0, 0, 18], zeros(8), [0x40, 0x0e, 0xbb, 0x80], zeros(6))),
    48_000,
  );
  assert.equal(sampleRateOf(file("fLaC", zeros(14), [0x0a, 0xc4, 0x42, 0xf0])), 44_100);
  assert.equal(sampleRateOf(file("OggS", zeros(24), "OpusHead", zeros(20))), 48_000);
  assert.equal(
    sampleRateOf(file("OggS", zeros(24), "\x01vorbis", zeros(4), [2], [0x80, 0xbb, 0, 0], zeros(8))),
    48_000,
  );
  assert.equal(sampleRateOf(file("ID3", [4, 0, 0, 0, 0, 0, 2], zeros(2), [0xff, 0xfb, 0x94, 0x00])), 48_000);
  assert.equal(sampleRateOf(file([0xff, 0xf3, 0x90, 0x00])), 22_050);
  for (const nothing of [file("RIFF"), file(""), file("words"), file("fLaC"), file("RIFF", zeros(4), "WAVE", "fmt ")]) {
    assert.equal(sampleRateOf(nothing), 0);
  }
});
