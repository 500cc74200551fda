// @ts-check
// The codecs that a page loads to make sound itself.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NeverError, PageCodecs } from "../../distill/ui/components/js/page_codecs.js";
import { StandInCodec } from "./stand_in.js";

console.info = () => {};

test("one codec is kept: that of the clip which is open, whenever the others arrive", async () => {
  /** @type {Record<string, (codec: StandInCodec) => void>} */
  const arrive = {};
  const codecs = new PageCodecs(({ codec_file }) => new Promise((done) => (arrive[codec_file] = done)));
  const [one, other] = [new StandInCodec(), new StandInCodec()];
  const first = codecs.of({ codec_file: "one" });
  arrive.one(one);
  assert.equal(await first, one);
  const late = codecs.of({ codec_file: "other" });
  assert.equal(await codecs.of({ codec_file: "one" }), one);
  arrive.other(other);
  assert.equal(await late, null);
  assert.deepEqual([one.isClosed, other.isClosed], [false, true]);
  const again = codecs.of({ codec_file: "other" });
  const anew = new StandInCodec();
  arrive.other(anew);
  assert.equal(await again, anew);
  assert.deepEqual([one.isClosed, anew.isClosed], [true, false]);
  assert.equal(codecs.readyFor({ codec_file: "one" }), null);
});

test("a codec that did not arrive is loaded again for the next clip, but not in a browser that can have none", async () => {
  const codec = new StandInCodec();
  let tries = 0;
  const codecs = new PageCodecs(async () => {
    tries += 1;
    if (tries < 3) throw new Error("The codec did not arrive.");
    return codec;
  });
  assert.equal(await codecs.of({ codec_file: "one" }), null);
  assert.equal(await codecs.of({ codec_file: "one" }), null);
  assert.equal(await codecs.of({ codec_file: "one" }), codec);
  assert.equal(await codecs.of({ codec_file: "one" }), codec);
  assert.equal(tries, 3);
  codecs.giveUp(codec);
  assert.equal(await codecs.of({ codec_file: "one" }), null);
  assert.equal(tries, 3);
  let asked = 0;
  const none = new PageCodecs(async () => {
    asked += 1;
    throw new NeverError("This browser is too old.");
  });
  assert.equal(await none.of({ codec_file: "one" }), null);
  assert.equal(await none.of({ codec_file: "one" }), null);
  assert.equal(asked, 1);
});
