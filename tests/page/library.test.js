// @ts-check
// The link of a library is read from the page's address and taken out of it; the browser remembers one of its own,
// before anything is kept there.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import {
  asked,
  factsOf,
  forgetLibrary,
  keeping,
  looking,
  mount,
  toggle,
} from "../../distill/ui/components/js/library.js";
import { newKey, ownKey, rememberKey, seeKey, seenKey } from "../../distill/ui/components/js/library_keys.js";
import { page, plain } from "./plain_page.js";

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
  surroundings.document.getElementById = () => null;
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
  for (const link of [`${PAGE}&library=linked`, `${PAGE}#library=linked`]) {
    visit(link);
    assert.deepEqual(asked(), ["linked"]);
    assert.equal(surroundings.location.href, PAGE);
  }
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

const KEY = /^[A-Za-z0-9][A-Za-z0-9_-]{42}$/;
const KEPT = { id: "0", name: "drums", model_id: "", levels: 3, clips: 0, num_bytes: 1, kept: 0, until: 43200 };

/** A shelf on the page; the test answers what it asks of the server. */
function open() {
  /** @type {() => void} */
  let tell = () => {};
  /** @type {string[]} */
  const events = [];
  const element = plain();
  const props = { value: { key: "", codecs: /** @type {any[]} */ ([]), limits: "", empty: "nothing" } };
  mount(
    /** @type {any} */ ({
      ...{ element, props },
      trigger: (/** @type {string} */ event) => events.push(event),
      watch: (/** @type {string} */ _, /** @type {() => void} */ told) => {
        tell = told;
      },
    }),
  );
  const panel = plain();
  surroundings.document.getElementById = (/** @type {string} */ id) => (id === "library" ? panel : null);
  return {
    ...{ element, events },
    part: (/** @type {string} */ name) => element.querySelector(name),
    keep: () => element.querySelector("form").onsubmit({ preventDefault() {} }),
    answer: (/** @type {string} */ key, /** @type {any[]} */ codecs = [KEPT]) => {
      props.value = { ...props.value, key, codecs };
      tell();
    },
  };
}

test("the browser remembers the key of a new library before the server is asked, and says how to come back", () => {
  const shelf = open();
  shelf.keep();
  const [key] = keeping("", "", "");
  assert.match(String(key), KEY);
  assert.equal(ownKey(), key);
  shelf.keep(); // the first answer was lost
  assert.equal(keeping("", "", "")[0], key);
  shelf.answer(String(key));
  assert.equal(shelf.part(".link").value, `https://x.example/app/#library=${key}`);
  assert.match(shelf.part(".told").textContent, /Keep it yourself/);
  assert.notEqual(newKey(), newKey());
});

test("whoever has a library keeps there also while it was not listed, and the button asks for the list again", () => {
  rememberKey("own");
  const shelf = open(); // the first list failed
  shelf.keep();
  assert.equal(keeping("", "", "")[0], "own");
  toggle();
  assert.deepEqual(shelf.events, ["keep", "look"]);
  assert.deepEqual(looking(), ["own"]);
  assert.equal(ownKey(), "own");
});

test("a library that a link opened is kept in, and does not become the visitor's own", () => {
  const theirs = newKey();
  visit(`${PAGE}#library=${theirs}`);
  assert.deepEqual(asked(), [theirs]);
  const shelf = open();
  shelf.keep(); // before the list has come
  assert.equal(keeping("", "", "")[0], theirs);
  shelf.answer(theirs);
  assert.equal(ownKey(), "");
  assert.equal(seenKey(), theirs);
  assert.match(shelf.part(".told").textContent, /A link opened this library/);
  assert.equal(shelf.part(".mine").textContent, "Begin my own");
  shelf.part(".mine").onclick();
  shelf.keep();
  assert.match(ownKey(), KEY);
  assert.notEqual(ownKey(), theirs);
});

test("a visitor who goes back to the own library keeps there at once", () => {
  const theirs = newKey();
  rememberKey("own");
  visit(`${PAGE}#library=${theirs}`);
  asked();
  const shelf = open();
  shelf.answer(theirs);
  assert.equal(shelf.part(".mine").textContent, "Back to my library");
  shelf.part(".mine").onclick();
  shelf.keep();
  assert.equal(keeping("", "", "")[0], "own");
});

test("where the browser keeps nothing, the library is the visitor's own while the page is open, which says so", () => {
  surroundings.localStorage = storage(true);
  surroundings.sessionStorage = storage(true);
  const shelf = open();
  shelf.keep();
  const key = String(keeping("", "", "")[0]);
  shelf.answer(key);
  assert.match(shelf.part(".told").textContent, /does not remember this link, so copy it now/);
  assert.equal(shelf.part(".mine").hidden, true);
  assert.equal(ownKey(), key);
  forgetLibrary();
  assert.equal(ownKey(), "");
});

test("a list that says nothing new of a codec leaves its row, and with it a name that is being typed", () => {
  const [shelf, key] = [open(), newKey()];
  const rows = () => shelf.part(".kept").children;
  shelf.answer(key);
  const [row] = rows();
  shelf.answer(key, [{ ...KEPT }]);
  assert.equal(rows()[0], row);
  shelf.answer(key, [{ ...KEPT, name: "hall" }]);
  assert.notEqual(rows()[0], row);
  shelf.answer(key, []);
  assert.equal(rows().length, 0);
});

test("a link that is pasted on the open page opens its library", () => {
  const theirs = newKey();
  const shelf = open();
  visit(`${PAGE}#library=${theirs}`);
  page.dispatchEvent(new Event("hashchange"));
  assert.ok(shelf.events.includes("look"));
  assert.deepEqual(looking(), [theirs]);
  assert.equal(surroundings.location.href, PAGE);
  shelf.answer(theirs);
});
