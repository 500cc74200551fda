// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { EditQueue } from "../../distill/ui/components/js/edit_queue.js";

/**
 * A queue with a fake server, and the log of its events.
 * @param {(request: any, times: number) => any} answer makes the answer from the request and the number of requests so far
 */
function newQueue(answer) {
  /** @type {any[]} */
  const sent = [];
  /** @type {string[]} */
  const told = [];
  let ids = 0;
  const queue = new EditQueue(
    async (request) => {
      sent.push(request);
      return answer(request, sent.length);
    },
    {
      done: ({ request }) => void told.push(`done ${request.kind}`),
      refused: ({ request }, { error }) => void told.push(`refused ${request.kind}: ${error}`),
      gone: ({ request }) => void told.push(`gone ${request.kind}`),
      retrying: () => void told.push("retrying"),
      changed: () => {},
    },
    {
      pause: (milliseconds) => (milliseconds > 10_000 ? new Promise(() => {}) : Promise.resolve(null)),
      id: () => `${++ids}`,
    },
  );
  return { queue, sent, told };
}

const FINE = { positions: [] };
const settle = () => new Promise((done) => setTimeout(done, 5));

test("edits are sent one after another, in their order, each once and with a name of its own", async () => {
  let under = 0;
  const { queue, sent, told } = newQueue(async () => {
    assert.equal(++under, 1);
    await settle();
    under -= 1;
    return FINE;
  });
  for (const kind of ["paint", "clear", "undo"]) queue.add("work", kind);
  assert.equal(queue.length, 3);
  while (queue.pending) await settle();
  assert.deepEqual(
    sent.map(({ kind }) => kind),
    ["paint", "clear", "undo"],
  );
  assert.deepEqual(told, ["done paint", "done clear", "done undo"]);
  assert.equal(new Set(sent.map(({ id }) => id)).size, 3);
  assert.equal(queue.pending, 0);
});

test("an edit that was not answered is sent again under the same name, before any later one", async () => {
  const { queue, sent, told } = newQueue((_, times) => {
    if (times === 1) throw new Error("no network");
    return times === 2 ? null : FINE;
  });
  queue.add("work", "paint");
  queue.add("work", "clear");
  await settle();
  assert.deepEqual(
    sent.map(({ kind, id }) => [kind, id]),
    [
      ["paint", "1"],
      ["paint", "1"],
      ["paint", "1"],
      ["clear", "2"],
    ],
  );
  assert.deepEqual(told, ["retrying", "retrying", "done paint", "done clear"]);
});

test("a refused edit is dropped, and the later ones go on", async () => {
  const { queue, told } = newQueue((request) => (request.kind === "swap" ? { error: "No." } : FINE));
  queue.add("work", "swap");
  queue.add("work", "clear");
  await settle();
  assert.deepEqual(told, ["refused swap: No.", "done clear"]);
});

test("when the server has no such clip any more, its edits end, and those of other clips do not", async () => {
  const { queue, sent, told } = newQueue(({ work }) => (work === "lost" ? { error: "Gone.", gone: true } : FINE));
  queue.add("lost", "paint");
  queue.add("lost", "clear");
  queue.add("other", "reverse");
  await settle();
  assert.deepEqual(told, ["gone paint", "done reverse"]);
  assert.equal(sent.length, 2);
});

test("edits of the example wait until the page has a copy of its own, and are sent as that copy's", async () => {
  const { queue, sent } = newQueue(() => FINE);
  queue.add(null, "paint", { code: 3 }, [[0, 3]]);
  await settle();
  assert.deepEqual([sent.length, queue.length, queue.editsOf(null).length], [0, 1, 1]);
  queue.adopt("own");
  await settle();
  assert.deepEqual(sent, [{ work: "own", id: "1", kind: "paint", code: 3 }]);
});

test("edits of the example are dropped when the page turns to another clip", async () => {
  const { queue, sent } = newQueue(() => FINE);
  queue.add(null, "paint");
  queue.drop(null);
  queue.add("other", "clear");
  await settle();
  assert.deepEqual(
    sent.map(({ kind }) => kind),
    ["clear"],
  );
});
