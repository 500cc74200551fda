// @ts-check
// The codecs that this page has loaded to make sound itself. The latest one is kept.

/** @typedef {import("./types.js").PageCodec} PageCodec */
/** @typedef {{codec_file: string}} Named a value that names the codec */

const TOO_OLD = "This browser is too old.";

/** This browser, or this clip, can have no codec in the page, however often it is tried. */
export class NeverError extends Error {}

export class PageCodecs {
  /** @type {Map<string, Promise<PageCodec | null>>} by address; null where it can never be had */
  #opened = new Map();
  /** @type {{address: string, codec: PageCodec} | null} */
  #latest = null;
  #wanted = ""; // address of the codec of the clip that is open now

  /** @param {(value: Named) => Promise<PageCodec>} load */
  constructor(load = loadCodec) {
    this.load = load;
  }

  /**
   * The codec of a clip, loaded on the first call, and again after a loading that failed; null where it cannot be had.
   * @param {Named} value
   * @param {(value: Named) => Promise<PageCodec>} load
   * @returns {Promise<PageCodec | null>}
   */
  of(value, load = this.load) {
    const { codec_file: address } = value;
    this.#wanted = address;
    const under = this.#opened.get(address);
    if (under) return under;
    const opening = load(value).then(
      (codec) => this.#keep(address, codec),
      (error) => {
        console.info(`The server makes the sound: ${error instanceof Error ? error.message : error}`);
        if (!(error instanceof NeverError)) this.#opened.delete(address);
        return null;
      },
    );
    this.#opened.set(address, opening);
    return opening;
  }

  /**
   * The codec of a clip if the page has it already.
   * @param {Named} value
   */
  readyFor({ codec_file: address }) {
    return this.#latest?.address === address ? this.#latest.codec : null;
  }

  /**
   * Do without a codec that failed, until the page is loaded again.
   * @param {PageCodec} codec
   */
  giveUp(codec) {
    if (this.#latest?.codec !== codec) return;
    this.#opened.set(this.#latest.address, Promise.resolve(null));
    this.#latest = null;
    codec.close();
  }

  /**
   * @param {string} address
   * @param {PageCodec} codec
   */
  #keep(address, codec) {
    if (address !== this.#wanted) {
      this.#opened.delete(address);
      codec.close();
      return null;
    }
    if (this.#latest) {
      this.#opened.delete(this.#latest.address);
      this.#latest.codec.close();
    }
    this.#latest = { address, codec };
    codec.onlost = () => this.giveUp(codec);
    return codec;
  }
}

/**
 * Load a codec from the address that a value names.
 * @param {Named} value
 * @returns {Promise<PageCodec>}
 */
export async function loadCodec({ codec_file: address }) {
  if (!address) throw new NeverError("There is no codec for the page.");
  if (typeof WebAssembly !== "object" || typeof Worker !== "function") throw new NeverError(TOO_OLD);
  const { bestKernel } = await import("../../../browser/support.js");
  if (!bestKernel()) throw new NeverError(TOO_OLD);
  const [{ PageCodec }, answer] = await Promise.all([
    import("../../../browser/page_codec.js"),
    fetch(new URL(address, document.baseURI)),
  ]);
  if (!answer.ok) throw new Error("The codec did not arrive.");
  return PageCodec.open(await answer.arrayBuffer());
}

export const pageCodecs = new PageCodecs();
