// @ts-check
// The clips that pads play: their names, their codes in the codec of the open clip, and their sounds.

import { unpackCodes } from "./bytes.js";
import { PageSource } from "./page_source.js";
import { codesIn } from "./selection.js";
import { answerTo, isRefusal } from "./server.js";
import { decode } from "./sound.js";

/** @typedef {import("./types.js").PlayedClip} PlayedClip */

export class PadClips {
  /** @type {{id: string, name: string}[]} */
  names = [];
  /** @type {Map<string, PlayedClip>} by id */
  #played = new Map();

  /** @param {import("./code_grid.js").CodeGrid} grid */
  constructor(grid) {
    this.grid = grid;
  }

  /** Forget the codes: they belong to the codec of the open clip. */
  clear() {
    this.#played.clear();
  }

  async fetchNames() {
    const { grid } = this;
    const { work } = grid.value;
    const answer = await answerTo(grid.server.clip_names?.({ work }) ?? Promise.resolve(null));
    if (work !== grid.value.work) return;
    this.names = isRefusal(answer) ? [] : answer.clips;
    if (isRefusal(answer)) grid.tell(answer.error);
    grid.show();
  }

  /**
   * @param {string} id
   * @param {boolean} isLocal whether the page makes the sound
   * @returns {Promise<PlayedClip | null>}
   */
  async #get(id, isLocal) {
    const { grid } = this;
    const { work } = grid.value;
    const played = this.#played.get(id);
    if (played) return played;
    const answer = await answerTo(grid.server.clip_codes?.({ work, id, heard: !isLocal }) ?? Promise.resolve(null));
    if (work !== grid.value.work) return null;
    if (isRefusal(answer)) {
      grid.tell(answer.error);
      return null;
    }
    this.#played.set(id, answer);
    return answer;
  }

  /**
   * The sound of a clip, made once.
   * @param {string} id
   * @param {import("./pad_sounds.js").PadSounds} sounds
   */
  async soundOf(id, sounds) {
    const { value, sound } = this.grid;
    const { source } = sound.maker;
    const isLocal = source instanceof PageSource;
    const played = await this.#get(id, isLocal);
    if (!played) return null;
    return sounds.of(`clip ${id}`, async () => {
      const { indices, columns, num_frames, flac } = played;
      if (flac) return (await decode(flac, value.sample_rate)).getChannelData(0);
      return isLocal ? source.soundOf(unpackCodes(indices), columns, num_frames) : null;
    });
  }

  /**
   * The codes of a clip; null while they are on their way.
   * @param {string} id
   * @returns {import("./pads.js").Codes | null}
   */
  codesOf(id) {
    const { levels, rows } = this.grid.state.codes;
    const played = this.#played.get(id);
    if (!played) return null;
    const { columns } = played;
    const all = { levels: pair(levels), rows: pair(rows), columns: pair(columns) };
    return codesIn(unpackCodes(played.indices), { levels, rows, columns }, all);
  }
}

/** @param {number} count @returns {[number, number]} */
const pair = (count) => [0, count - 1];
