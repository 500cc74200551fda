// @ts-check
// The random whole numbers of numpy's `default_rng(seed).integers(below, size=count)`: a seed makes the same choices
// here as on the server.

const [M32, M64, M128] = [2n ** 32n - 1n, 2n ** 64n - 1n, 2n ** 128n - 1n];
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** numpy's SeedSequence: mixes a seed into a pool of four numbers of 32 bits. */
class SeedSequence {
  #constant = 0x43b0d7e5;
  /** @type {number[]} */
  #pool;

  /** @param {number} seed below 2^53 */
  constructor(seed) {
    const words = [seed >>> 0, Math.floor(seed / 2 ** 32)];
    this.#pool = [0, 1, 2, 3].map((place) => this.#hash(words[place] ?? 0));
    for (let source = 0; source < 4; source++) {
      for (let target = 0; target < 4; target++) {
        if (source !== target) this.#pool[target] = mix(this.#pool[target], this.#hash(this.#pool[source]));
      }
    }
  }

  /** @param {number} value */
  #hash(value) {
    const mixed = (value ^ this.#constant) >>> 0;
    this.#constant = Math.imul(this.#constant, 0x931e8875) >>> 0;
    const product = Math.imul(mixed, this.#constant) >>> 0;
    return (product ^ (product >>> 16)) >>> 0;
  }

  /**
   * @param {number} count
   * @returns {bigint[]} numbers of 64 bits
   */
  state(count) {
    let constant = 0x8b51f9dd;
    const words = Array.from({ length: 2 * count }, (_, index) => {
      const mixed = (this.#pool[index % 4] ^ constant) >>> 0;
      constant = Math.imul(constant, 0x58f38ded) >>> 0;
      const product = Math.imul(mixed, constant) >>> 0;
      return BigInt((product ^ (product >>> 16)) >>> 0);
    });
    return Array.from({ length: count }, (_, index) => words[2 * index] | (words[2 * index + 1] << 32n));
  }
}

/** @type {(one: number, other: number) => number} */
function mix(one, other) {
  const mixed = (Math.imul(one, 0xca01f9dd) - Math.imul(other, 0x4973f715)) >>> 0;
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** numpy's PCG64. */
class Pcg64 {
  #state = 0n;
  #increment;
  /** @type {bigint | null} the second half of a number of 64 bits */
  #kept = null;

  /** @param {number} seed */
  constructor(seed) {
    const [high, low, sequenceHigh, sequenceLow] = new SeedSequence(seed).state(4);
    this.#increment = ((((sequenceHigh << 64n) | sequenceLow) << 1n) | 1n) & M128;
    this.#step();
    this.#state = (this.#state + ((high << 64n) | low)) & M128;
    this.#step();
  }

  #step() {
    this.#state = (this.#state * MULTIPLIER + this.#increment) & M128;
  }

  /** A number of 32 bits. */
  next() {
    if (this.#kept !== null) {
      const kept = this.#kept;
      this.#kept = null;
      return kept;
    }
    this.#step();
    const [folded, turn] = [((this.#state >> 64n) ^ this.#state) & M64, this.#state >> 122n];
    const value = ((folded >> turn) | (folded << (64n - turn))) & M64;
    this.#kept = value >> 32n;
    return value & M32;
  }
}

/**
 * Random whole numbers in [0, below).
 * @param {number} seed at least 0
 * @param {number} below at least 1
 * @param {number} count
 * @returns {number[]}
 */
export function randomIntegers(seed, below, count) {
  const [random, range] = [new Pcg64(seed), BigInt(below)];
  const threshold = (2n ** 32n - range) % range;
  const draw = () => {
    let product = random.next() * range;
    while ((product & M32) < threshold) product = random.next() * range;
    return Number(product >> 32n);
  };
  return Array.from({ length: count }, () => (below === 1 ? 0 : draw()));
}
