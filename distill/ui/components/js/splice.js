// @ts-check
// Replaces samples in a sound.

/**
 * @typedef {object} Patch
 * @property {number} start first sample
 * @property {Float32Array<ArrayBuffer>} samples
 */

/** @typedef {Pick<AudioBuffer, "length" | "copyToChannel">} Writable */

/**
 * Write a patch into a sound; samples beyond its end are left out.
 * @param {Writable} buffer
 * @param {Patch} patch
 */
export function writePatch(buffer, { start, samples }) {
  const fitting = samples.subarray(0, Math.max(0, buffer.length - start));
  if (fitting.length) buffer.copyToChannel(fitting, 0, start);
}

/**
 * The next samples to play from a position, wrapped around a loop if there is one; silence after the end.
 * @param {Float32Array} samples
 * @param {number} start first sample
 * @param {number} count
 * @param {[number, number] | null} loop first sample, and the one after the last
 */
export function samplesAhead(samples, start, count, loop) {
  const ahead = new Float32Array(count);
  let [done, from] = [0, start];
  const end = loop ? Math.min(loop[1], samples.length) : samples.length;
  while (done < count && from < end) {
    const part = samples.subarray(from, Math.min(end, from + count - done));
    ahead.set(part, done);
    done += part.length;
    from = loop ? loop[0] : end;
  }
  return ahead;
}
