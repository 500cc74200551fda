// @ts-check
// Private mode: what a visitor opens stays in the page, which answers for it in place of the server.
import assert from "node:assert/strict";
import { test } from "node:test";
import { packCodes, unpackCodes } from "../../distill/browser/base64.js";
import { GridError } from "../../distill/browser/edit_refusals.js";
import { GridHistory } from "../../distill/browser/grid_history.js";
import { LocalServer } from "../../distill/browser/local_server.js";
import { PrivateCodec } from "../../distill/ui/components/js/private_codec.js";
import { bytesOfMel, gainOf } from "../../distill/ui/components/js/private_explore.js";
import { besidePrivate } from "../../distill/ui/components/js/private_grid.js";
import { PrivateMode } from "../../distill/ui/components/js/private_mode.js";
import { gridValue } from "./help.js";

console.info = () => {};
const codebooks = { levels: [0, 1].map(() => Float32Array.from({ length: 16 }, (_, i) => i)), dim: 1 };
const quiet = [0, 1].map(() => [0, 0]);

/** A codec that opens files as clips of three columns whose codes are all the file's size. */
class StandInPrivate extends PrivateCodec {
  /** @type {PrivateCodec["add"]} */
  async add(work, file, told) {
    told(0.5);
    if (!file.size) throw new GridError("The file is empty.");
    const indices = new Uint16Array(12).fill(file.size);
    const clip = { ...this.shape, work, name: file.name, columns: 3, numFrames: 48, samples: 150, spectrogram: "" };
    this.server.open({ ...clip, history: new GridHistory(indices) });
  }
}

/** A recording of three bytes, once the microphone is there. */
class StandInRecording {
  isOn = false;
  /** @type {(file: File | null) => void} */
  #end = () => {};

  /** @param {string} name @returns {Promise<File | null>} */
  start(name) {
    this.isOn = true;
    return new Promise((end) => {
      this.#end = () => end(new File(["123"], name));
    });
  }

  stop() {
    this.isOn = false;
    this.#end(null);
  }
}

/** A page whose server counts what it is asked for; `grid` is what the code grid was given. */
function open(recordings = () => new StandInRecording()) {
  /** @type {any[]} */
  const asked = [];
  /** @type {string[]} what it is asked about codecs */
  const facts = [];
  const server = {
    edit: async (/** @type {any} */ request) => {
      asked.push(request);
      return { positions: [1], codes: [9], history: ["painted"], edits: 1, can_undo: true, can_redo: false };
    },
    codec_pictures: async (/** @type {any} */ { work }) => {
      facts.push(`pictures by ${work}`);
      return { of: work, sprites: [] };
    },
    codec_lens: async (/** @type {any} */ { work }) => {
      facts.push(`lens by ${work}`);
      return { of: work };
    },
    second_grid: async (/** @type {any} */ request) => void asked.push(request),
    beat: async (/** @type {any} */ request) => void asked.push(request),
  };
  /** @type {Record<string, () => void>} */
  const watched = {};
  const component = {
    ...{ element: {}, trigger: () => {}, server },
    props: {
      value: gridValue({ codec_file: "codec/1", editable: false }),
      second: { work: "theirs", name: "theirs.wav" },
      gone: "",
    },
    watch: (/** @type {string} */ name, /** @type {() => void} */ act) => {
      watched[name] = act;
    },
  };
  const mode = new PrivateMode(async (value) => {
    const local = new LocalServer({ codebooks, quiet, neutral: quiet }, null);
    return new StandInPrivate(value, local, async () => Promise.reject(new Error("no codec")));
  }, recordings);
  const grid = besidePrivate(/** @type {any} */ (component), mode);
  const taken = { count: 0 };
  grid.watch("value", () => {
    taken.count += 1;
  });
  return { mode, grid, component, asked, facts, watched, taken };
}

const codesOf = (/** @type {any} */ value) => [...unpackCodes(value.indices)];
const paint = (/** @type {string} */ work) => ({ work, id: "1", kind: "paint", level: 0, code: 3, cells: [[0, 0]] });

test("a private clip is shown and edited in the page, and the server is asked for nothing", async () => {
  const { mode, grid, asked, facts, taken } = open();
  assert.equal(grid.props.value.work, "secret");
  await mode.open(new File(["12345"], "mine.wav"));
  const { value } = grid.props;
  assert.deepEqual([value.name, value.codec_file, taken.count], ["mine.wav", "codec/1", 1]);
  assert.deepEqual(codesOf(value), Array(12).fill(5));
  assert.deepEqual(grid.props.second, {});
  const answer = await grid.server.edit(paint(value.work));
  assert.deepEqual([answer.positions, answer.codes], [[0], [3]]);
  assert.equal(codesOf(grid.props.value)[0], 3);
  const refused = await /** @type {any} */ (grid.server).beat({ work: value.work });
  assert.match(refused.error, /private/);
  assert.deepEqual(asked, []);
  assert.deepEqual(await grid.server.codec_pictures({ work: value.work }), { of: "secret", sprites: [] });
  assert.ok(facts.every((fact) => fact.endsWith(" by secret")));
});

test("the page returns to the server's clip with the edits that the server has made, and back to the private one", async () => {
  const { mode, grid, asked, taken } = open();
  await grid.server.edit(paint("secret"));
  await mode.open(new File(["12"], "mine.wav"));
  mode.turn(false);
  assert.equal(taken.count, 2);
  assert.deepEqual(codesOf(grid.props.value), [0, 9, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(grid.props.value.history, ["painted"]);
  mode.served?.correct("secret", { positions: [12], codes: [25] }); // after the codes follow the faders
  assert.deepEqual([...unpackCodes(grid.props.value.mix ?? "")], [25, ...Array(11).fill(50)]);
  assert.equal(asked.length, 1);
  mode.turn(true);
  assert.equal(grid.props.value.name, "mine.wav");
});

test("another clip of the server ends private mode, and the page's own copy of the example does not", async () => {
  const { mode, grid, component, watched, taken } = open();
  await mode.open(new File(["12"], "mine.wav"));
  component.props.value = gridValue({ work: "copy", codec_file: "codec/1" });
  watched.value();
  assert.deepEqual([mode.isOn, grid.props.value.name, taken.count], [true, "mine.wav", 1]);
  component.props.value = gridValue({ work: "other", name: "other.wav", indices: packCodes([1]) });
  watched.value();
  assert.deepEqual([mode.isOn, grid.props.value.name, taken.count], [false, "other.wav", 2]);
});

test("private clips are second clips of each other, and of no other clip", async () => {
  const { mode, grid } = open();
  await mode.open(new File(["12"], "one.wav"));
  await mode.open(new File(["123"], "two.wav"));
  const [one, two] = mode.clips;
  assert.deepEqual(
    mode.seconds.map(({ name }) => name),
    ["one.wav"],
  );
  mode.chooseSecond(one.work);
  assert.deepEqual(grid.props.second, { work: one.work, name: "one.wav" });
  const region = { levels: [0, 1], rows: [0, 1], columns: [0, 0] };
  await grid.server.edit({ work: two.work, id: "2", kind: "swap", second: one.work, ...region });
  assert.deepEqual(codesOf(grid.props.value).slice(0, 3), [2, 3, 3]);
  mode.show(one.work);
  assert.deepEqual(codesOf(grid.props.value).slice(0, 3), [3, 2, 2]);
  assert.deepEqual(grid.props.second, {});
  mode.turn(false);
  assert.deepEqual(grid.props.second, { work: "theirs", name: "theirs.wav" });
});

test("a file that cannot be opened is refused in a sentence, and the clip before it stays", async () => {
  const { mode, grid } = open();
  await mode.open(new File([], "empty.wav"));
  assert.equal(mode.words, "The file is empty.");
  assert.equal(mode.shown, null);
  assert.equal(grid.props.value.work, "secret");
  await mode.open(new File(["1"], "mine.wav"));
  assert.equal(mode.words, "");
});

test("spectrograms of a private clip are packed as the server packs them", () => {
  const mel = new Float32Array(3 * 128).fill(Math.log(1e-5)); // -100 dB, the byte 0
  mel[128] = 0; // the second frame, the lowest band: 0 dB
  mel[2 * 128 + 1] = 10; // 87 dB is beyond the highest byte
  assert.deepEqual([...bytesOfMel(mel, 0, 3, 1).subarray(0, 6)], [0, 200, 0, 0, 0, 255]);
  assert.deepEqual([...bytesOfMel(mel, 0, 3, 2).subarray(0, 4)], [200, 0, 0, 255]);
});

test("a sound is made as loud as the original, within 12 dB", () => {
  const [one, half] = [1, 0.5].map((level) => new Float32Array(9).fill(level));
  assert.ok(Math.abs(gainOf(half, one) - 6.02) < 0.01);
  assert.equal(gainOf(new Float32Array(9).fill(0.01), one), 12);
  assert.equal(gainOf(new Float32Array(9), one), 0);
});

/** @param {ReturnType<typeof open>} page @param {Partial<import("../../distill/ui/components/js/types.js").GridValue>} changes */
function serve({ component, watched }, changes) {
  component.props.value = gridValue({ codec_file: "codec/1", ...changes });
  watched.value();
}

test("another clip of the server with the same name and length is another clip", async () => {
  const page = open();
  serve(page, { work: "one" });
  await page.mode.open(new File(["12"], "mine.wav"));
  serve(page, { work: "two" });
  assert.deepEqual([page.mode.isOn, page.grid.props.value.work], [false, "two"]);
});

test("a private clip of an earlier codec keeps the facts of its own codec", async () => {
  const page = open();
  const { mode, grid } = page;
  await mode.open(new File(["12"], "early.wav"));
  const { work } = grid.props.value;
  serve(page, { work: "other", model_id: "later codec", codec_file: "codec/2" });
  mode.show(work);
  const { server } = grid;
  assert.deepEqual(await server.codec_pictures({ work }), { of: "secret", sprites: [] });
  assert.deepEqual(await server.codec_lens?.({ work }), { of: "secret" });
  await mode.open(new File(["123"], "late.wav"));
  const late = grid.props.value;
  assert.equal(late.model_id, "later codec");
  assert.deepEqual(await server.codec_lens?.({ work: late.work }), { of: "other" });
  assert.deepEqual(await server.codec_lens?.({ work }), { of: "secret" });
});

test("a private second clip has its grid from the page", async () => {
  const { mode, grid, asked } = open();
  await mode.open(new File(["12"], "one.wav"));
  await mode.open(new File(["123"], "two.wav"));
  const [{ work }] = mode.seconds;
  const answer = /** @type {any} */ (await grid.server.second_grid?.({ work }));
  assert.deepEqual([answer.columns, [...unpackCodes(answer.indices)]], [3, Array(12).fill(2)]);
  assert.deepEqual(asked, []);
});

test("the code grid looks at its second clip again only if there is another one", async () => {
  const { mode, grid } = open();
  let looked = 0;
  grid.watch("second", () => {
    looked += 1;
  });
  await mode.open(new File(["12"], "one.wav"));
  await mode.open(new File(["123"], "two.wav"));
  mode.say("Opening: 50 %");
  assert.equal(looked, 0);
  mode.chooseSecond(mode.clips[0].work);
  mode.say("Opening: 60 %");
  assert.equal(looked, 1);
});

test("a closed private clip is let go, and no server is told of it", async () => {
  const { mode, grid, asked } = open();
  await mode.open(new File(["12"], "one.wav"));
  await mode.open(new File(["123"], "two.wav"));
  const [one, two] = mode.clips;
  mode.close();
  assert.equal(grid.props.value.name, "one.wav");
  assert.equal(one.codec.server.clips.has(two.work), false);
  mode.close();
  assert.deepEqual([mode.shown, grid.props.value.work, one.codec.server.clips.size], [null, "secret", 0]);
  assert.match(/** @type {any} */ (await grid.server.edit(paint(two.work))).error, /no longer open/);
  assert.deepEqual(asked, []);
});

test("a clip that is opened while the server turns to another codec keeps its codec for the next one", async () => {
  const page = open();
  const { mode } = page;
  let goOn = () => {};
  const { fetchCodec } = mode;
  /** @type {string[]} */
  const fetched = [];
  mode.fetchCodec = async (value) => {
    fetched.push(value.model_id);
    const codec = await fetchCodec(value);
    const { add } = codec;
    if (fetched.length > 1) return codec;
    codec.add = async (...file) => {
      await new Promise((done) => (goOn = () => done(null)));
      return add.apply(codec, file);
    };
    return codec;
  };
  const opening = mode.open(new File(["12"], "early.wav"));
  await new Promise((next) => setTimeout(next));
  serve(page, { work: "other", model_id: "later codec" });
  await mode.open(new File(["123"], "late.wav"));
  goOn();
  await opening;
  serve(page, { work: "again" });
  const second = mode.open(new File(["1234"], "second.wav"));
  await new Promise((next) => setTimeout(next));
  goOn();
  await second;
  assert.deepEqual(fetched, ["codec", "later codec"]);
  assert.deepEqual(
    mode.seconds.map(({ name }) => name),
    ["early.wav"],
  );
});

test("both bars follow one recording, and it goes on when the server shows another clip", async () => {
  const recording = new StandInRecording();
  const page = open(() => recording);
  const { mode } = page;
  await mode.open(new File(["1"], "first.wav"));
  const recorded = mode.record();
  serve(page, { work: "trained", model_id: "trained" });
  assert.deepEqual([mode.isRecording, recording.isOn, mode.isOn], [true, true, true]);
  void mode.record(); // from the other tab
  await recorded;
  assert.deepEqual([mode.isRecording, recording.isOn, mode.value?.name], [false, false, "recording 1"]);
});

test("who turns private mode off while it records gets the clip when it is turned on again", async () => {
  const recording = new StandInRecording();
  const { mode, grid } = open(() => recording);
  const recorded = mode.record();
  mode.turn(false);
  assert.equal(recording.isOn, false);
  await recorded;
  assert.deepEqual([mode.isOn, grid.props.value.work], [false, "secret"]);
  mode.turn(true);
  assert.equal(grid.props.value.name, "recording 1");
});

test("a codec that failed is closed, and one that rests is closed once", async () => {
  const made = /** @type {{closed: number}[]} */ ([]);
  const open = async () => {
    const codec = { closed: 0, close: () => (codec.closed += 1) };
    made.push(codec);
    return /** @type {any} */ (codec);
  };
  const local = new LocalServer({ codebooks, quiet, neutral: quiet }, null);
  const codec = new PrivateCodec(gridValue(), local, open);
  let end = () => {};
  const busy = codec.use(() => new Promise((done) => (end = () => done(null))));
  await assert.rejects(
    codec.use(() => Promise.reject(new GridError("Not of this codec."))),
    GridError,
  );
  await assert.rejects(codec.use(() => Promise.reject(new Error("The worker died."))));
  assert.deepEqual([made.length, made[0].closed], [1, 0]);
  await codec.use(async () => {});
  end();
  await busy;
  await new Promise((done) => setTimeout(done));
  assert.deepEqual([made.length, made[0].closed, made[1].closed], [2, 1, 0]);
  codec.rest();
  codec.rest();
  await new Promise((done) => setTimeout(done));
  assert.equal(made[1].closed, 1);
});
