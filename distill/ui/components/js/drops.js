// @ts-check
// Files can be dropped anywhere on the page: the browser would open them in its place.

import { showTab } from "./tabs.js";

const PATIENCE = 5_000; // milliseconds until the Train tab, which may never have been opened, has its field for files

/**
 * Where dropped files go: the selectors of the components that take them, the first that is there.
 * @param {string[]} names of the files
 * @returns {{ tab: string, takers: string[] }} the tab that is opened, "" for the one that is open
 */
export function takersOf(names) {
  const only = names.length === 1 ? names[0].toLowerCase() : "";
  if (only.endsWith(".distill")) return { tab: "", takers: ["#train-load"] };
  if (/\.(npz|json)$/.test(only)) return { tab: "Edit", takers: ["#edit-load"] };
  if (only && !only.endsWith(".zip")) return { tab: "", takers: ["#explore-upload"] };
  return { tab: "Train", takers: ["#train-files", "#train-add"] };
}

/**
 * Take the files that are dropped on no field of its own.
 * @param {Window} page
 */
export function takeDrops(page = window) {
  const { body } = page.document;
  const show = (/** @type {boolean} */ isOver) => body.classList.toggle("is-dropping", isOver);
  page.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    show(true);
  });
  page.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) show(false); // the pointer has left the window
  });
  page.addEventListener("drop", () => show(false), { capture: true }); // also where another field takes the files
  page.addEventListener("drop", (event) => {
    const files = event.dataTransfer?.files;
    if (event.defaultPrevented || !files?.length) return;
    event.preventDefault();
    const { tab, takers } = takersOf([...files].map(({ name }) => name));
    if (tab) showTab(tab);
    give(files, takers, performance.now() + PATIENCE);
  });
}

/**
 * The field for files of one of Gradio's components, if it shows one; that of a button stands before the button.
 * @param {string} selector of the component
 * @returns {HTMLInputElement | null}
 */
export function fileField(selector) {
  const taker = document.querySelector(selector);
  const field = taker?.matches("button") ? taker.previousElementSibling : taker?.querySelector("input[type=file]");
  return field instanceof HTMLInputElement ? field : null;
}

/**
 * @param {FileList} files
 * @param {string[]} takers
 * @param {number} until
 */
function give(files, takers, until) {
  for (const taker of takers) {
    const input = fileField(taker);
    if (!input) continue;
    input.files = files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
    return;
  }
  if (performance.now() < until) setTimeout(() => give(files, takers, until), 50);
}
