// @ts-check
// The bar of private mode: what is lost only after a question. And its recorder, which never keeps the microphone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { page, plain } from "./plain_page.js";

const { mount } = await import("../../distill/ui/components/js/private.js");
const { guardMicrophone, Recording } = await import("../../distill/ui/components/js/private_guard.js");
const { privateMode } = await import("../../distill/ui/components/js/private_mode.js");

test("a private clip with edits is closed only if the visitor agrees", () => {
  const element = plain();
  element.querySelectorAll = () => [];
  mount(/** @type {any} */ ({ element }));
  const close = element.querySelector(".close").onclick;
  const history = { labels: ["painted"] };
  const codec = { server: { clips: new Map([["private 1", { history }]]) } };
  let closed = 0;
  let asked = 0;
  Object.defineProperty(privateMode, "shown", { get: () => ({ work: "private 1", codec }) });
  privateMode.close = () => {
    closed += 1;
  };
  let agrees = false;
  const confirm = () => {
    asked += 1;
    return agrees;
  };
  Object.assign(page, { confirm });
  close();
  assert.deepEqual([asked, closed], [1, 0]);
  agrees = true;
  close();
  assert.deepEqual([asked, closed], [2, 1]);
  history.labels = [];
  close();
  assert.deepEqual([asked, closed], [2, 2]);
});

test("a recorder that cannot begin lets the microphone go", async () => {
  const track = { isOpen: true, stop: () => (track.isOpen = false) };
  const stream = { getTracks: () => [track] };
  const mediaDevices = { getUserMedia: async () => stream };
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices }, configurable: true });
  guardMicrophone(/** @type {any} */ ({ isOn: true }));
  /** @type {any} */ (globalThis).MediaRecorder = class {
    start() {
      throw new DOMException("It cannot.", "NotSupportedError");
    }
  };
  await assert.rejects(new Recording().start("recording"), /It cannot/);
  assert.ok(!track.isOpen);
});
