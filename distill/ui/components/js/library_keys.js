// @ts-check
// The keys of libraries that the browser remembers: that of its visitor, and that of a link for as long as a tab is open.

const OWN = "distill-library";
const SEEN = "distill-library-seen";

/** @type {(storage: () => Storage, name: string) => string} */
function read(storage, name) {
  try {
    return storage().getItem(name) ?? "";
  } catch {
    return ""; // some browsers keep nothing, for example in a private window
  }
}

/** @type {(storage: () => Storage, name: string, key: string) => void} */
function write(storage, name, key) {
  try {
    if (key) storage().setItem(name, key);
    else storage().removeItem(name);
  } catch {
    // The visitor has the link on the page.
  }
}

const local = () => localStorage;
const session = () => sessionStorage;

export const ownKey = () => read(local, OWN);
export const seenKey = () => read(session, SEEN);

/** @param {string} key */
export const rememberKey = (key) => write(local, OWN, key);

/** @param {string} key "" for none */
export const seeKey = (key) => write(session, SEEN, key);

/** Forget both; the codecs stay for whoever has the link. */
export function forgetLibrary() {
  rememberKey("");
  seeKey("");
}
