// @ts-check
// Bytes and codes as base64, which the page and the server send each other.

/**
 * @param {string} base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/**
 * Encode bytes in base64.
 * @param {Uint8Array} bytes
 */
export function base64Of(bytes) {
  let letters = "";
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters);
}

/**
 * Encode codes as 16-bit little-endian numbers in base64.
 * @param {ArrayLike<number>} codes
 */
export function packCodes(codes) {
  const view = new DataView(new ArrayBuffer(2 * codes.length));
  for (let index = 0; index < codes.length; index++) view.setUint16(2 * index, codes[index], true);
  return base64Of(new Uint8Array(view.buffer));
}

/**
 * Decode codes from 16-bit little-endian numbers in base64.
 * @param {string} packed
 */
export function unpackCodes(packed) {
  const view = new DataView(bytesOf(packed).buffer);
  return Uint16Array.from({ length: view.byteLength / 2 }, (_, index) => view.getUint16(2 * index, true));
}
