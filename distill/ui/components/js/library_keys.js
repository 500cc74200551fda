// @ts-check
// The keys of libraries that the browser remembers: that of its visitor, and that of a link for as long as a tab is open.

const OWN = "distill-library";
const SEEN = "distill-library-seen";

/** What the browser did not keep, for as long as the page is open. @type {Map<string, string>} */
const unkept = new Map();

/** @type {(storage: () => Storage, name: string) => string} */
function read(storage, name) {
  try {
    return unkept.get(name) ?? storage().getItem(name) ?? "";
  } catch {
    return ""; // some browsers keep nothing, for example in another site's frame
  }
}

/** @type {(storage: () => Storage, name: string, key: string) => void} */
function write(storage, name, key) {
  try {
    if (key) storage().setItem(name, key);
    else storage().removeItem(name);
    unkept.delete(name);
  } catch {
    unkept.set(name, key);
  }
}

const local = () => localStorage;
const session = () => sessionStorage;

export const ownKey = () => read(local, OWN);
export const seenKey = () => read(session, SEEN);

/** Whether the browser forgets the visitor's library with the page. */
export const isForgotten = () => Boolean(unkept.get(OWN));

/** A key of a new library: 256 random bits; a letter or a digit comes first, as in those of the server. */
export function newKey() {
  for (;;) {
    const bits = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32))));
    const key = bits.replaceAll("+", "-").replaceAll("/", "_").replace("=", "");
    if (/^[A-Za-z0-9]/.test(key)) return key;
  }
}

/** @param {string} key */
export const rememberKey = (key) => write(local, OWN, key);

/** @param {string} key "" for none */
export const seeKey = (key) => write(session, SEEN, key);

/** Forget both; the codecs stay for whoever has the link. */
export function forgetLibrary() {
  rememberKey("");
  seeKey("");
}
