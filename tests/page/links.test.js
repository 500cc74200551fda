// @ts-check
// A link to an edit is read from the page's address, taken out of it, and copied.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { asked, copy, opened } from "../../distill/ui/components/js/links.js";

/** @type {any} */
const surroundings = globalThis;

/**
 * @param {string} href
 * @param {(text: string) => Promise<void>} [writeText]
 */
function visit(href, writeText) {
  surroundings.location = new URL(href);
  surroundings.history = {
    state: null,
    replaceState: (/** @type {any} */ _, /** @type {any} */ __, /** @type {URL} */ address) => visit(address.href),
  };
  Object.defineProperty(surroundings, "navigator", { value: { clipboard: { writeText } }, configurable: true });
}

afterEach(() => {
  delete surroundings.location;
  delete surroundings.history;
});

test("only an address that names a codec, a clip or an edit is a link", () => {
  for (const [query, is] of /** @type {[string, boolean][]} */ ([
    ["", false],
    ["?__theme=dark&clip=", false],
    ["?clip=loop_amen", true],
    ["?codec=ada/loops", true],
    ["?__theme=dark&edit=distill1.x", true],
  ])) {
    visit(`https://x.example/${query}`);
    assert.deepEqual(asked(), [is ? query : ""]);
  }
});

test("the key of a library is not sent with a link to an edit", () => {
  visit("https://x.example/?clip=a&library=secret");
  assert.deepEqual(asked(), ["?clip=a"]);
});

test("a link that was opened leaves the address, and all else in it stays", () => {
  visit("https://x.example/app/?codec=ada/loops&__theme=dark&clip=a&edit=b#part");
  opened();
  assert.equal(surroundings.location.href, "https://x.example/app/?__theme=dark#part");
});

test("the link that is copied is the page's address with the query, and the page says so", async () => {
  /** @type {string[]} */
  const written = [];
  visit("https://x.example/app/?__theme=dark", async (text) => {
    written.push(text);
  });
  const [link, told] = await copy("?clip=a", "");
  assert.equal(link, "https://x.example/app/?clip=a");
  assert.deepEqual(written, [link]);
  assert.match(told, /The link is copied/);
});

test("where the browser does not let the page copy, the link is shown all the same", async () => {
  visit("https://x.example/", () => Promise.reject(new Error("no")));
  const [link, told] = await copy("?clip=a", "");
  assert.equal(link, "https://x.example/?clip=a");
  assert.match(told, /copy it yourself/);
});

test("without a link, what is said of it stays", async () => {
  visit("https://x.example/");
  assert.deepEqual(await copy("", "too long"), ["", "too long"]);
});
