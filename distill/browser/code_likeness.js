// @ts-check
// Edits by distance in the codebook: near codes, and the blend of two clips. Like distill/codes/likeness.py.

/**
 * The codebooks of a codec: for each level the vectors of its codes, one after another.
 * @typedef {{levels: Float32Array[], dim: number}} Codebooks
 */

/**
 * All codes of a level by their distance from one of them, which comes first; equally near ones by number.
 * @param {Float32Array} codebook
 * @param {number} dim
 * @param {number} code
 * @returns {number[]}
 */
export function ranked(codebook, dim, code) {
  const distances = Float32Array.from({ length: codebook.length / dim }, (_, other) => {
    let sum = 0;
    for (let each = 0; each < dim; each++) {
      sum += Math.fround(codebook[other * dim + each] - codebook[code * dim + each]) ** 2;
    }
    return sum;
  });
  distances[code] = -1;
  return [...distances.keys()].sort((one, other) => distances[one] - distances[other] || one - other);
}

/**
 * The sum of the vectors of a cell's codes.
 * @param {Float32Array[]} codebooks
 * @param {number} dim
 * @param {number[]} codes one for each codebook
 */
export function embed(codebooks, dim, codes) {
  const sum = new Float32Array(dim);
  for (const [level, code] of codes.entries()) {
    for (let each = 0; each < dim; each++) sum[each] += codebooks[level][code * dim + each];
  }
  return sum;
}

/** @param {Float32Array} vector */
function squared(vector) {
  let sum = 0;
  for (const each of vector) sum += each * each;
  return Math.fround(sum);
}

/**
 * @param {Float32Array} codebook
 * @param {number} dim
 * @param {Float32Array} vector
 */
function nearest(codebook, dim, vector) {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  for (let code = 0; code < codebook.length / dim; code++) {
    let score = 0;
    for (let each = 0; each < dim; each++) {
      const value = codebook[code * dim + each];
      score += value * (value / 2 - vector[each]);
    }
    if (score < least) [best, least] = [code, score];
  }
  return best;
}

/**
 * How far the codes of an edit are off the sound that was asked for: see Snapped in distill/codes/snapping.py.
 */
export class Distance {
  #missed = 0;
  #asked = 0;

  /** @param {Float32Array} miss @param {Float32Array} wanted */
  add(miss, wanted) {
    this.#missed += squared(miss);
    this.#asked += squared(wanted);
  }

  get off() {
    return this.#asked ? Math.sqrt(this.#missed / this.#asked) : 0;
  }
}

/** @type {(one: Float32Array, other: Float32Array) => Float32Array} */
const minus = (one, other) => one.map((value, index) => value - other[index]);

/**
 * The codes of a cell whose sound is moved towards that of another cell.
 * @param {Codebooks} codebooks
 * @param {[number, number]} levels the first and the last level that change
 * @param {number[]} ours the cell's codes on all levels
 * @param {number[]} theirs
 * @param {number} amount
 * @param {Distance} distance
 * @returns {number[]} codes of the levels that change
 */
export function blended({ levels: books, dim }, [first, last], ours, theirs, amount, distance) {
  const changed = books.slice(first, last + 1);
  const [mine, its] = [ours.slice(first, last + 1), theirs.slice(first, last + 1)];
  const step = minus(embed(books, dim, theirs), embed(books, dim, ours)).map((value) => Math.fround(amount) * value);
  const own = embed(changed, dim, mine);
  return snapped(
    { levels: changed, dim },
    own.map((value, index) => value + step[index]),
    [its, mine],
    distance,
  );
}

/**
 * The codes whose vectors come nearest to a wanted one, found level by level; known codes win if they are as near.
 * @param {Codebooks} codebooks of the levels that change
 * @param {Float32Array} wanted
 * @param {number[][]} known the preferred ones last
 * @param {Distance} distance
 * @returns {number[]}
 */
export function snapped({ levels: changed, dim }, wanted, known, distance) {
  /** @type {Float32Array} */
  let miss = wanted;
  let found = changed.map((codebook) => {
    const code = nearest(codebook, dim, miss);
    miss = minus(miss, codebook.subarray(code * dim, (code + 1) * dim));
    return code;
  });
  for (const codes of known) {
    const knownMiss = minus(wanted, embed(changed, dim, codes));
    if (squared(knownMiss) <= squared(miss)) [found, miss] = [codes, knownMiss];
  }
  distance.add(miss, wanted);
  return found;
}
