// @ts-check
// The sample rate that a sound file announces, in Hz, read from its first bytes. A browser decodes a file at any rate
// that it is asked for, but does not tell the file's own.

const SEARCHED_BYTES = 65_536;
const MP3_RATES = [44_100, 48_000, 32_000];
const LATE_RATES = [48_000]; // of MPEG-4 files that mean what they say: below it, a decoder may double the rate

/** @type {(view: DataView, at: number, length?: number) => string} */
function letters(view, at, length = 4) {
  if (at + length > view.byteLength) return "";
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, length));
}

/** @param {DataView} view @param {string} word @returns {number} where a word begins; -1 without it */
function placeOf(view, word) {
  const last = Math.min(view.byteLength, SEARCHED_BYTES) - word.length;
  for (let at = 0; at <= last; at++) {
    if (view.getUint8(at) === word.charCodeAt(0) && letters(view, at, word.length) === word) return at;
  }
  return -1;
}

/**
 * The place of the content of a chunk in a RIFF or an AIFF file.
 * @type {(view: DataView, name: string, isLittle: boolean) => number}
 */
function chunkOf(view, name, isLittle) {
  for (let at = 12; at + 8 <= view.byteLength; ) {
    if (letters(view, at) === name) return at + 8;
    const size = view.getUint32(at + 4, isLittle);
    at += 8 + size + (size % 2);
  }
  return -1;
}

/** A number of 80 bits, as AIFF has it. @param {DataView} view @param {number} at */
const extended = (view, at) => view.getUint32(at + 2) * 2 ** ((view.getUint16(at) & 0x7fff) - 16_383 - 31);

/** @param {DataView} view */
function mp3Rate(view) {
  const tag = letters(view, 0, 3) === "ID3";
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (tag ? view.getUint8(at) & 127 : 0), 0);
  const at = tag ? 10 + size : 0;
  if (at + 4 > view.byteLength) return 0;
  const head = view.getUint32(at);
  const [version, layer, rate] = [(head >>> 19) & 3, (head >>> 17) & 3, (head >>> 10) & 3];
  if (head >>> 21 !== 0x7ff || version === 1 || layer === 0 || rate === 3) return 0;
  return MP3_RATES[rate] / [4, 1, 2, 1][version];
}

/** @type {[isSo: (view: DataView) => boolean, rate: (view: DataView) => number][]} */
const KINDS = [
  [
    (view) => ["RIFF", "RF64", "BW64"].includes(letters(view, 0)),
    (view) => {
      const at = chunkOf(view, "fmt ", true);
      return at < 0 ? 0 : view.getUint32(at + 4, true);
    },
  ],
  [
    (view) => letters(view, 0) === "FORM",
    (view) => {
      const at = chunkOf(view, "COMM", false);
      return at < 0 ? 0 : extended(view, at + 8);
    },
  ],
  [(view) => letters(view, 0) === "fLaC", (view) => view.getUint32(18) >>> 12],
  [(view) => placeOf(view, "OpusHead") >= 0, () => 48_000],
  [(view) => placeOf(view, "\x01vorbis") >= 0, (view) => view.getUint32(placeOf(view, "\x01vorbis") + 12, true)],
  [
    (view) => letters(view, 4) === "ftyp",
    (view) => {
      const rate = placeOf(view, "mp4a") < 0 ? 0 : view.getUint16(placeOf(view, "mp4a") + 28);
      return LATE_RATES.includes(rate) ? rate : 0;
    },
  ],
  [() => true, mp3Rate],
];

/**
 * The sample rate of a sound file; 0 if it is not known.
 * @param {ArrayBuffer} content
 */
export function sampleRateOf(content) {
  const view = new DataView(content);
  try {
    const rate = KINDS.find(([isSo]) => isSo(view))?.[1](view) ?? 0;
    return Number.isInteger(rate) && rate >= 3_000 && rate <= 768_000 ? rate : 0;
  } catch {
    return 0; // the file ends within its header
  }
}
