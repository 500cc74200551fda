// @ts-check
// The link of a library is read from the page's address and taken out of it; the browser remembers one of its own.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { asked, factsOf, forgetLibrary } from "../../distill/ui/components/js/library.js";
import { ownKey, rememberKey, seeKey } from "../../distill/ui/components/js/library_keys.js";

/** @type {any} */
const surroundings = globalThis;
const PAGE = "https://x.example/app/?clip=loop_amen";

/** @param {boolean} [refuses] whether the browser keeps nothing */
function storage(refuses = false) {
  /** @type {Map<string, string>} */
  const kept = new Map();
  const there = () => {
    if (refuses) throw new Error("SecurityError");
    return kept;
  };
  return {
    getItem: (/** @type {string} */ name) => there().get(name) ?? null,
    setItem: (/** @type {string} */ name, /** @type {string} */ value) => there().set(name, value),
    removeItem: (/** @type {string} */ name) => there().delete(name),
  };
}

/** @param {string} href */
function visit(href) {
  surroundings.location = new URL(href);
  surroundings.history = {
    state: null,
    replaceState: (/** @type {any} */ _, /** @type {any} */ __, /** @type {URL} */ address) => visit(address.href),
  };
}

beforeEach(() => {
  surroundings.document = { getElementById: () => null };
  surroundings.localStorage = storage();
  surroundings.sessionStorage = storage();
  visit(PAGE);
});

test("a link's library comes first, then that of the tab, then that of the browser", () => {
  assert.deepEqual(asked(), [""]);
  rememberKey("own");
  assert.deepEqual(asked(), ["own"]);
  seeKey("seen");
  assert.deepEqual(asked(), ["seen"]);
  visit(`${PAGE}&library=linked`);
  assert.deepEqual(asked(), ["linked"]);
  assert.equal(surroundings.location.href, PAGE);
  assert.equal(ownKey(), "own");
});

test("whoever leaves is forgotten, and a browser that keeps nothing is no fault", () => {
  rememberKey("own");
  seeKey("seen");
  forgetLibrary();
  assert.deepEqual(asked(), [""]);
  surroundings.localStorage = storage(true);
  surroundings.sessionStorage = storage(true);
  rememberKey("own");
  forgetLibrary();
  visit(`${PAGE}&library=linked`);
  assert.deepEqual(asked(), ["linked"]);
});

test("a list tells what is known of a codec, and nothing of what is not", () => {
  const codec = { id: "0", name: "drums", model_id: "", levels: 3, clips: 17, num_bytes: 6.5e6, kept: 0, until: 43200 };
  assert.equal(factsOf(codec), "3 levels · 17 clips · 6.5 MB · until 1 Jan 1970");
  assert.equal(factsOf({ ...codec, levels: 0, clips: 0, kept: 43200 }), "6.5 MB · kept 1 Jan 1970 · until 1 Jan 1970");
});
