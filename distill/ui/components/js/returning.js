// @ts-check
// A page that is loaded again: until the visitor's own clip is there, it says so, in place of the example.

const KEPT = "distill-open";
const CLASS = "returning";
const PATIENCE = 30_000; // milliseconds after which the page shows what there is

/** @typedef {{clips: {id: string, name: string}[], value: {open: string}}} Strip the part of the strip that is read here */

/** @returns {Strip | undefined} */
function findStrip() {
  const parts = [...document.querySelectorAll("#strip *")];
  return /** @type {any} */ (parts.find((part) => "strip" in part))?.strip;
}

/**
 * Show that a clip comes back, if one was open when the page was left, and note the open clip when it is left again.
 */
export function awaitClip() {
  const first = findStrip()?.value.open ?? "";
  window.addEventListener("pagehide", () => note(first));
  const name = localStorage.getItem(KEPT);
  if (!name) return;
  document.body.style.setProperty("--returning", JSON.stringify(`${name} comes back …`));
  document.body.classList.add(CLASS);
  setTimeout(clipIsBack, PATIENCE);
}

/** @param {string} first id of the clip that every new page shows */
function note(first) {
  const strip = findStrip();
  const open = strip?.value.open;
  const clip = strip?.clips.find(({ id }) => id === open);
  if (clip && open !== first) localStorage.setItem(KEPT, clip.name);
  else localStorage.removeItem(KEPT);
}

/** Show the page's clips: they are those of the visitor now. */
export function clipIsBack() {
  document.body.classList.remove(CLASS);
}

/**
 * Show the page's clips if nothing comes back, because the server has lost them.
 * @param {string} visit "returned" if the server still has the visit
 */
export function clipMayBeBack(visit) {
  if (visit !== "returned") clipIsBack();
}
