// @ts-check
// Links to an edit: the one that is copied, and the one by which the page was opened.

const PARTS = ["codec", "clip", "edit"];
const COPIED = "<p>The link is copied. Whoever opens it sees and hears this edit.</p>";
const NOT_COPIED = "<p>Your browser did not let the page copy the link: select it and copy it yourself.</p>";

/** The query of the page's address if that is a link to an edit; else nothing. It has no key of a library. */
export function asked() {
  const given = new URLSearchParams(location.search);
  if (!PARTS.some((part) => given.get(part))) return [""];
  if (!given.has("library")) return [location.search];
  given.delete("library");
  return [`?${given}`];
}

/** Take the link out of the address: what is open now comes back by itself when the page is loaded again. */
export function opened() {
  const address = new URL(location.href);
  for (const part of PARTS) address.searchParams.delete(part);
  history.replaceState(history.state, "", address);
}

/**
 * Copy a link, and say so.
 * @param {string} query of the link; "" if there is none
 * @param {string} told what the page says of it
 */
export async function copy(query, told) {
  if (!query) return [query, told];
  const link = new URL(query, location.origin + location.pathname).href;
  try {
    await navigator.clipboard.writeText(link);
    return [link, COPIED];
  } catch {
    return [link, NOT_COPIED];
  }
}
