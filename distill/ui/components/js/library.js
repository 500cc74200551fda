// @ts-check
// The visitor's library: the codecs that are kept on the server, and the link that opens it.
//
// The page makes the key of a new library, and the browser remembers it before anything is kept there. A link to another
// library shows that one for as long as the page's tab is open. The key is behind the “#” of a link, which a browser
// sends to nobody.

import { find, findButton, findInput, make, makeButton } from "./dom.js";
import { forgetLibrary, isForgotten, newKey, ownKey, rememberKey, seeKey, seenKey } from "./library_keys.js";

/** @typedef {import("./types.js").Component<import("./types.js").ShelfValue, {}>} Component */
/** @typedef {import("./types.js").KeptCodec} KeptCodec */

const OPEN = "is-open";
const KEY = /^[\w-]{43}$/;
const SURE_MILLISECONDS = 6_000;
const NOT_YET = "The first codec that you keep makes your library, and a link to it.";
const WARNING =
  "Whoever has this link can open, and delete, what is in it. Keep it yourself, too: nobody can find it again.";
const FORGOTTEN =
  "Your browser does not remember this link, so copy it now: nobody can find it again. Whoever has it can open, and " +
  "delete, what is in the library.";
const LINKED = "A link opened this library: what you keep here, everybody with that link has, too.";
const COPIED = "The link is copied. Whoever has it can open, and delete, what is in the library.";
const NOT_COPIED = "Your browser did not let the page copy the link: select it and copy it yourself.";

/** What the next event is about; the inputs of the events are made of it. */
const wanted = { key: "", id: "", name: "" };
/** @type {Shelf | undefined} */
let shelf;
let linked = ""; // key in the link that was followed last

/** The library that the visitor looks at: that of a link, or that of the tab or of the browser. */
const current = () => linked || seenKey() || ownKey();

/** The library to show when a page opens; the page's address loses its key. */
export function asked() {
  const address = new URL(location.href);
  const behind = new URLSearchParams(address.hash.slice(1));
  const key = behind.get("library") || address.searchParams.get("library");
  if (key) {
    linked = KEY.test(key) ? key : "";
    if (behind.has("library")) {
      behind.delete("library");
      address.hash = String(behind);
    }
    address.searchParams.delete("library");
    history.replaceState(history.state, "", address);
    set(() => true);
  }
  return [key || current()];
}

/** Inputs of the events; what was asked for comes first. */
export const looking = () => [wanted.key];
export const deleting = () => [wanted.key, wanted.id];
export const renaming = () => [wanted.key, wanted.id, wanted.name];
/** @param {unknown} _key @param {unknown} _id @param {unknown} shown the secret of the clip that the page shows */
export const opening = (_key, _id, shown) => [wanted.key, wanted.id, shown];
/** @param {unknown} _key @param {unknown} _name @param {unknown} shown */
export const keeping = (_key, _name, shown) => [wanted.key, wanted.name, shown];

/** @param {(panel: HTMLElement) => boolean} change which says whether the panel is open afterwards */
function set(change) {
  const panel = document.getElementById("library");
  if (!panel) return false;
  const isOpen = change(panel);
  panel.classList.toggle(OPEN, isOpen);
  document.getElementById("to-library")?.setAttribute("aria-expanded", String(isOpen));
  return isOpen;
}

export function toggle() {
  if (set((panel) => !panel.classList.contains(OPEN))) shelf?.look(shelf.key || current());
}

export function close() {
  set(() => false);
}

export { forgetLibrary };

/** @type {(seconds: number) => string} */
const dayOf = (seconds) =>
  new Date(1000 * seconds).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** What a list tells of a codec. @type {(codec: KeptCodec) => string} */
export function factsOf({ kept, levels, clips, num_bytes, until }) {
  const facts = [
    levels ? `${levels} levels` : "",
    clips ? `${clips} clips` : "",
    `${(num_bytes / 1e6).toFixed(1)} MB`,
    kept ? `kept ${dayOf(kept)}` : "",
    `until ${dayOf(until)}`,
  ];
  return facts.filter(Boolean).join(" · ");
}

class Shelf {
  /** @type {Map<string, {said: string, row: HTMLElement}>} what is listed, by the codecs' ids */
  #rows = new Map();
  #named = ""; // id of the codec that is being given another name
  isKeeping = false; // whether the next list is the answer to a press of “Keep this codec”

  /** @param {Component} component */
  constructor({ element, props, trigger, watch }) {
    this.props = props;
    this.trigger = trigger;
    this.list = find(element, ".kept");
    this.empty = find(element, ".empty");
    this.limits = find(element, ".limits");
    this.linked = find(element, ".linked");
    this.told = find(element, ".told");
    this.name = findInput(element, ".name");
    this.link = findInput(element, ".link");
    this.mine = findButton(element, ".mine");
    find(element, "form").onsubmit = (event) => {
      event.preventDefault();
      this.#keep();
    };
    findButton(element, ".copy").onclick = () => this.#copy();
    this.mine.onclick = () => {
      seeKey("");
      linked = "";
      this.value = { ...this.value, key: ownKey(), codecs: [] };
      this.show();
      this.look(ownKey());
    };
    this.value = props.value;
    watch("value", () => {
      this.value = this.props.value;
      this.show();
    });
    this.show();
  }

  get key() {
    return this.value.key;
  }

  /** Ask the server what is in a library. @param {string} key */
  look(key) {
    if (!key) return;
    this.isKeeping = false;
    wanted.key = key;
    this.trigger("look", {});
  }

  /** Keep the codec in use in the library that is shown or remembered; else in a new one, whose key is remembered. */
  #keep() {
    const key = this.key || current() || newKey();
    if (!this.key && !current()) rememberKey(key);
    this.#ask("keep", "", this.name.value, key);
  }

  /** @param {string} event @param {string} id @param {string} [name] @param {string} [key] */
  #ask(event, id, name = "", key = this.key) {
    Object.assign(wanted, { key, id, name });
    this.isKeeping = event === "keep";
    this.trigger(event, {});
  }

  show() {
    const { key, codecs, limits, empty } = this.value;
    if (codecs.length && this.isKeeping) {
      this.name.value = "";
      this.isKeeping = false;
    }
    const isMine = key === ownKey();
    if (key) linked = "";
    if (codecs.length) seeKey(isMine ? "" : key);
    this.limits.textContent = limits;
    this.linked.hidden = !key;
    this.link.value = key ? `${location.origin}${location.pathname}#library=${key}` : "";
    this.told.textContent = isMine ? (isForgotten() ? FORGOTTEN : WARNING) : LINKED;
    this.mine.hidden = isMine;
    this.mine.textContent = ownKey() ? "Back to my library" : "Begin my own";
    this.#list(codecs);
    this.empty.textContent = codecs.length ? "" : key ? empty : NOT_YET;
  }

  /** List the codecs; a row that says the same, or whose name is being typed, stays. @param {KeptCodec[]} codecs */
  #list(codecs) {
    const before = this.#rows;
    this.#rows = new Map(
      codecs.map((codec) => {
        const [said, old] = [`${codec.name}\n${factsOf(codec)}`, before.get(codec.id)];
        const stays = old && (old.said === said || codec.id === this.#named);
        return [codec.id, stays ? old : { said, row: this.#row(codec) }];
      }),
    );
    const rows = [...this.#rows.values()].map(({ row }) => row);
    const isListed = rows.length === this.list.children.length && rows.every((row, i) => row === this.list.children[i]);
    if (!isListed) this.list.replaceChildren(...rows); // or a field would lose its focus
  }

  /** @param {KeptCodec} codec */
  #row(codec) {
    const named = make("bdi", { className: "title", textContent: codec.name });
    const facts = make("span", { className: "facts", textContent: factsOf(codec) });
    const open = makeButton("Open", () => this.#ask("open_kept", codec.id));
    const rename = makeButton("Rename", () => this.#rename(row, codec));
    const remove = makeButton("Delete", () => this.#delete(remove, codec));
    for (const button of [open, rename, remove])
      button.setAttribute("aria-label", `${button.textContent} ${codec.name}`);
    const row = make("li", {}, make("p", {}, named, facts), make("div", { className: "bar" }, open, rename, remove));
    return row;
  }

  /** @param {HTMLElement} row @param {KeptCodec} codec */
  #rename(row, codec) {
    const field = make("input", { type: "text", value: codec.name, maxLength: 60, className: "name" });
    field.setAttribute("aria-label", `New name of ${codec.name}`);
    const save = make("button", { type: "submit", textContent: "Save name" });
    const form = make(
      "form",
      { className: "bar" },
      field,
      save,
      makeButton("Cancel", () => this.#anew(codec)),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#ask("rename_kept", codec.id, field.value);
      if (field.value === codec.name) this.#anew(codec);
      this.#named = "";
    };
    this.#named = codec.id;
    row.replaceChildren(form);
    field.select();
  }

  /** Show the row of a codec as at first. @param {KeptCodec} codec */
  #anew(codec) {
    this.#named = "";
    this.#rows.delete(codec.id);
    this.show();
  }

  /** Delete a codec at the second press. @param {HTMLButtonElement} button @param {KeptCodec} codec */
  #delete(button, codec) {
    if (button.classList.contains("sure")) {
      this.#ask("delete_kept", codec.id);
      return;
    }
    button.classList.add("sure");
    button.textContent = "Press again to delete";
    setTimeout(() => {
      button.classList.remove("sure");
      button.textContent = "Delete";
    }, SURE_MILLISECONDS);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.link.value);
      this.told.textContent = COPIED;
    } catch {
      this.link.select();
      this.told.textContent = NOT_COPIED;
    }
  }
}

/** @param {Component} component */
export function mount(component) {
  shelf = new Shelf(component);
  // A link to a library that is pasted where the page is open already loads nothing.
  window.addEventListener("hashchange", () => {
    if (location.hash.includes("library=")) shelf?.look(asked()[0]);
  });
  Object.assign(component.element, { shelf });
}
