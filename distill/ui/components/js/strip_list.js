// @ts-check
// The order of the clips in the strip, and which of them are in view.

/** @typedef {import("./types.js").StripClip} StripClip */
/** @typedef {"given" | "error" | "length"} Sorting */
/** @typedef {{name: string, first: number, count: number}} Stretch a group of clips beside each other */

/** @type {Record<string, string>} */
const NAMES = { yours: "Your clips", opened: "Opened", examples: "Examples" };

/**
 * The clips whose names have all of these words, wherever.
 * @param {StripClip[]} clips
 * @param {string} words
 */
export function matching(clips, words) {
  const parts = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (!parts.length) return clips;
  return clips.filter(({ name }) => parts.every((part) => name.toLocaleLowerCase().includes(part)));
}

/**
 * The clips, sorted within their groups. Clips without an error come after those that have one.
 * @param {StripClip[]} clips
 * @param {Sorting} sorting
 * @param {(id: string) => number | null} errorOf
 */
export function sortedClips(clips, sorting, errorOf) {
  if (sorting === "given") return clips;
  const groups = [...new Set(clips.map(({ group }) => group))];
  const rank = (/** @type {StripClip} */ clip) =>
    sorting === "length" ? -clip.seconds : -(errorOf(clip.id) ?? Number.NEGATIVE_INFINITY);
  return groups.flatMap((group) =>
    clips.filter((clip) => clip.group === group).sort((a, b) => compare(rank(a), rank(b))),
  );
}

/** @type {(one: number, other: number) => number} infinite ranks are equal, of which the difference is not a number */
const compare = (one, other) => (one === other ? 0 : one - other);

/**
 * The clips that there are now, within their groups in the order that the strip shows; clips that it does not show yet
 * come last.
 * @param {StripClip[]} shown
 * @param {StripClip[]} clips
 */
export function takenAnew(shown, clips) {
  const places = new Map(shown.map(({ id }, place) => [id, place]));
  const placeOf = (/** @type {StripClip} */ { id }) => places.get(id) ?? Number.POSITIVE_INFINITY;
  const groups = [...new Set(clips.map(({ group }) => group))];
  return groups.flatMap((group) =>
    clips.filter((clip) => clip.group === group).sort((a, b) => compare(placeOf(a), placeOf(b))),
  );
}

/**
 * @param {StripClip[]} clips
 * @returns {Stretch[]}
 */
export function stretchesOf(clips) {
  /** @type {Stretch[]} */
  const stretches = [];
  clips.forEach(({ group }, first) => {
    const last = stretches.at(-1);
    if (last && last.name === NAMES[group]) last.count += 1;
    else stretches.push({ name: NAMES[group], first, count: 1 });
  });
  return stretches;
}

/**
 * The numbers of the clips in view, and of some beside them.
 * @param {{left: number, width: number, each: number, count: number}} view in pixels
 * @returns {[number, number]} the first, and the one after the last
 */
export function inView({ left, width, each, count }) {
  const beside = 3;
  const first = Math.max(0, Math.floor(left / each) - beside);
  return [Math.min(first, count), Math.min(count, Math.ceil((left + width) / each) + beside)];
}

/**
 * A number moved by a key of the keyboard; null for any other key.
 * @param {string} key
 * @param {number} number
 * @param {{count: number, page: number}} list
 */
export function movedBy(key, number, { count, page }) {
  /** @type {Record<string, number>} */
  const moved = {
    ArrowLeft: number - 1,
    ArrowRight: number + 1,
    PageUp: number - page,
    PageDown: number + page,
    Home: 0,
    End: count - 1,
  };
  return key in moved ? Math.max(0, Math.min(count - 1, moved[key])) : null;
}
