// @ts-check
// Beat and loop of the clip: found on the server, changed by hand, and sent.
import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { editsWaiting } from "../../distill/ui/components/js/edits_waiting.js";
import { gridValue } from "./help.js";
import { plain } from "./plain_page.js";

const { GridBeat } = await import("../../distill/ui/components/js/grid_beat.js");

const FOUND = { tempo: 90, offset: 0.1, bar: 3, loop: [], note: "" };
/** @type {{request: any, answer: (answer: any) => void}[]} */
let asked;
/** @type {any} */
let grid;
/** @type {InstanceType<typeof GridBeat>} */
let beat;
const turn = () => new Promise((next) => setTimeout(next, 0));

beforeEach(() => {
  asked = [];
  grid = {
    ...{ element: plain(), canvas: plain(), value: gridValue(), show: () => beat.show(), tell: () => {} },
    ...{ state: { selection: null, cursor: { row: 0, column: 0 } }, layout: { widthOfColumn: () => 20 }, view: {} },
    sound: { deck: { moment: 0 }, playing: null, isLooping: false },
    server: { timing: (/** @type {any} */ request) => new Promise((answer) => asked.push({ request, answer })) },
  };
  beat = new GridBeat(grid);
  beat.take();
});

test("a beat that is asked for twice is found once, and the answer is taken", async () => {
  beat.find();
  beat.find();
  assert.equal(asked.length, 1);
  asked[0].answer(FOUND);
  await turn();
  assert.equal(beat.beat.tempo, 90);
  assert.equal(asked.length, 1);
});

test("a beat that shall be found anew while it is being fetched is found anew", async () => {
  beat.find();
  /** @type {any} */ (beat.findButton).onclick();
  asked[0].answer(FOUND);
  await turn();
  assert.equal(asked[1].request.find, true);
  asked[1].answer({ ...FOUND, tempo: 100 });
  await turn();
  assert.equal(beat.beat.tempo, 100);
});

test("an answer about another clip is not taken, and the clip that is open now is asked for only if it was wanted", async () => {
  beat.find();
  beat.take();
  asked[0].answer(FOUND);
  await turn();
  assert.ok(!beat.isKnown);
  assert.equal(asked.length, 1);
  beat.find();
  beat.take();
  beat.find();
  asked[1].answer(FOUND);
  await turn();
  assert.equal(asked.length, 3);
});

test("a held key of the ruler is one change, sent when it is let go or before an export", async () => {
  beat.isKnown = true;
  beat.loop = [0, 0.5];
  const ruler = /** @type {any} */ (beat.ruler.canvas);
  const press = () =>
    ruler.dispatchEvent(Object.assign(new Event("keydown"), { key: "ArrowRight", code: "ArrowRight" }));
  press();
  press();
  assert.deepEqual(beat.loop, [1, 1.5]);
  assert.equal(asked.length, 0);
  ruler.dispatchEvent(new Event("keyup"));
  assert.deepEqual(
    asked.map(({ request }) => request.loop),
    [[1, 1.5]],
  );
  asked[0].answer(FOUND);
  await turn();
  press();
  const settled = editsWaiting.settled();
  assert.equal(asked.length, 2);
  asked[1].answer(FOUND);
  await settled;
});

test("of changes that are made while one is sent, the latest is sent, and an export waits for it", async () => {
  for (const tempo of [100, 101, 102, 103]) beat.setTempo(tempo);
  let isSettled = false;
  const settled = editsWaiting.settled().then(() => (isSettled = true));
  asked[0].answer(FOUND);
  await turn();
  assert.deepEqual(
    asked.map(({ request }) => request.tempo),
    [100, 103],
  );
  assert.ok(!isSettled);
  asked[1].answer(FOUND);
  await settled;
});

test("a change that is not answered is sent a few times, the visitor is told, and an export does not wait for ever", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const pause = async () => {
    await new Promise((next) => setImmediate(next));
    mock.timers.tick(1_500);
    await new Promise((next) => setImmediate(next));
  };
  /** @type {string[]} */
  const told = [];
  grid.tell = (/** @type {string} */ words) => told.push(words);
  let count = 0;
  grid.server.timing = async () => {
    count += 1;
    return count < 6 ? null : FOUND;
  };
  let isSettled = false;
  beat.setTempo(100);
  void editsWaiting.settled().then(() => (isSettled = true));
  await pause();
  assert.match(told[0], /does not answer/);
  for (let times = 0; times < 10; times++) await pause();
  assert.deepEqual([count, isSettled], [4, true]);
  beat.setTempo(101); // the next change is sent again, and what was told is over
  await pause();
  await pause();
  assert.deepEqual([count, told.at(-1)], [6, ""]);
  mock.timers.reset();
});
