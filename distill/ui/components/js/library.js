// @ts-check
// The visitor's library: the codecs that are kept on the server, and the link that opens it.
//
// The browser remembers the library in which its visitor first kept a codec. A link to another library shows that one
// for as long as the page's tab is open.

import { find, findButton, findInput, make, makeButton } from "./dom.js";
import { forgetLibrary, ownKey, rememberKey, seeKey, seenKey } from "./library_keys.js";

/** @typedef {import("./types.js").Component<import("./types.js").ShelfValue, {}>} Component */
/** @typedef {import("./types.js").KeptCodec} KeptCodec */

const OPEN = "is-open";
const SURE_MILLISECONDS = 6_000;
const NOT_YET = "The first codec that you keep makes your library, and a link to it.";
const WARNING =
  "Whoever has this link can open, and delete, what is in it. Keep it yourself, too: nobody can find it again.";
const LINKED = "A link opened this library: what you keep here, everybody with that link has, too.";
const COPIED = "The link is copied. Whoever has it can open, and delete, what is in the library.";
const NOT_COPIED = "Your browser did not let the page copy the link: select it and copy it yourself.";

/** What the next event is about; the inputs of the events are made of it. */
const wanted = { key: "", id: "", name: "" };
/** @type {Shelf | undefined} */
let shelf;

/** The library to show when a page opens: that of its address, which loses it, or that of the tab or of the browser. */
export function asked() {
  const address = new URL(location.href);
  const linked = address.searchParams.get("library") ?? "";
  if (linked) {
    address.searchParams.delete("library");
    history.replaceState(history.state, "", address);
    set(() => true);
  }
  return [linked || seenKey() || ownKey()];
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
  if (set((panel) => !panel.classList.contains(OPEN))) shelf?.look(shelf.key);
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
      this.#ask("keep", "", this.name.value);
    };
    findButton(element, ".copy").onclick = () => this.#copy();
    this.mine.onclick = () => {
      seeKey("");
      this.value = { ...this.value, key: "", codecs: [] };
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

  /** @param {string} event @param {string} id @param {string} [name] */
  #ask(event, id, name = "") {
    Object.assign(wanted, { key: this.key, id, name });
    this.isKeeping = event === "keep";
    this.trigger(event, {});
  }

  show() {
    const { key, codecs, limits, empty } = this.value;
    if (codecs.length && this.isKeeping) {
      if (!ownKey()) rememberKey(key);
      this.name.value = "";
      this.isKeeping = false;
    }
    const isMine = key === ownKey();
    if (codecs.length) seeKey(isMine ? "" : key);
    this.limits.textContent = limits;
    this.linked.hidden = !key;
    this.link.value = key ? `${location.origin}${location.pathname}?library=${key}` : "";
    this.told.textContent = isMine ? WARNING : LINKED;
    this.mine.hidden = isMine;
    this.mine.textContent = ownKey() ? "Back to my library" : "Begin my own";
    this.list.replaceChildren(...codecs.map((codec) => this.#row(codec)));
    this.empty.textContent = codecs.length ? "" : key ? empty : NOT_YET;
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
      makeButton("Cancel", () => this.show()),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#ask("rename_kept", codec.id, field.value);
    };
    row.replaceChildren(form);
    field.select();
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
  Object.assign(component.element, { shelf });
}
