// @ts-check
// The pictures of a codec: fetched once per codec, and shared by all components of the page.

import { bytesOf } from "../../../browser/base64.js";
import { answerTo, isRefusal, NO_ANSWER, wait } from "./server.js";

/** @typedef {import("./types.js").CodecPictures} CodecPictures */
/** @typedef {import("./types.js").Refusal} Refusal */

const RETRIES = 3;
const RETRY = 1_500; // milliseconds

/**
 * A picture under a short address. A browser would read the long one anew for each of the tiles that show a part of it.
 * @param {string} address
 */
function shortened(address) {
  const [kind, data] = address.split(";base64,");
  if (!data) return address;
  return URL.createObjectURL(new Blob([bytesOf(data)], { type: kind.slice("data:".length) }));
}

export class PicturesOfCodecs {
  /** @type {Map<string, Promise<CodecPictures | Refusal>>} */
  #pictures = new Map();
  #pause;

  /** @param {(milliseconds: number) => Promise<unknown>} pause */
  constructor(pause = wait) {
    this.#pause = pause;
  }

  /**
   * The pictures of a codec, or the refusal; after a refusal, the next call asks again.
   * @param {string} modelId
   * @param {() => import("./types.js").Answer<CodecPictures>} ask
   */
  of(modelId, ask) {
    const kept = this.#pictures.get(modelId);
    if (kept) return kept;
    const fetched = this.#fetch(ask).then((answer) => {
      if (isRefusal(answer)) this.#pictures.delete(modelId);
      return answer;
    });
    this.#pictures.set(modelId, fetched);
    return fetched;
  }

  /** @param {() => import("./types.js").Answer<CodecPictures>} ask */
  async #fetch(ask) {
    let answer = await answerTo(ask());
    for (let retries = 0; retries < RETRIES && answer === NO_ANSWER; retries++) {
      await this.#pause(RETRY);
      answer = await answerTo(ask());
    }
    return isRefusal(answer) ? answer : { ...answer, sprites: answer.sprites.map(shortened) };
  }
}

export const picturesOfCodecs = new PicturesOfCodecs();
