// Fourier transforms of 2048 real samples, of four frames at once.
#include "kernel.h"

// Filled from JavaScript, which has sine and cosine in double precision: exp(-2 pi i k / 1024), exp(-pi i k / 1024),
// and the Hann window.
static float twiddle[2 * HALF], half_turn[2 * (HALF + 1)];
float window[2 * HALF];
EXPORT(fourier_tables) float *fourier_tables(int which) {
  return which == 0 ? twiddle : which == 1 ? half_turn : window;
}

// Two buffers of 1024 complex numbers of four lanes: a vector of real parts, then one of imaginary parts.
static float left[8 * HALF] __attribute__((aligned(64))), right[8 * HALF] __attribute__((aligned(64)));

// The transform of `left`, in `right`: Stockham's, of radix 4, which sorts as it goes.
static void transform(void) {
  float *x = left, *y = right;
  for (int n = HALF, s = 1; n > 1; n >>= 2, s <<= 2) {
    int m = n >> 2, step = HALF / n;
    for (int p = 0; p < m; p++) {
      V r1 = EACH(twiddle + 2 * p * step), i1 = EACH(twiddle + 2 * p * step + 1);
      V r2 = EACH(twiddle + 4 * p * step), i2 = EACH(twiddle + 4 * p * step + 1);
      V r3 = EACH(twiddle + 6 * p * step), i3 = EACH(twiddle + 6 * p * step + 1);
      const float *xa = x + 8 * s * p, *xb = xa + 8 * s * m, *xc = xb + 8 * s * m, *xd = xc + 8 * s * m;
      float *o0 = y + 32 * s * p, *o1 = o0 + 8 * s, *o2 = o1 + 8 * s, *o3 = o2 + 8 * s;
      for (int q = 0; q < 8 * s; q += 8) {
        V ar = LOAD(xa + q), ai = LOAD(xa + q + 4), br = LOAD(xb + q), bi = LOAD(xb + q + 4);
        V cr = LOAD(xc + q), ci = LOAD(xc + q + 4), dr = LOAD(xd + q), di = LOAD(xd + q + 4);
        V pr = ADD(ar, cr), pi = ADD(ai, ci), mr = SUB(ar, cr), mi = SUB(ai, ci);
        V qr = ADD(br, dr), qi = ADD(bi, di), jr = SUB(di, bi), ji = SUB(br, dr);  // i (b - d)
        V ur = SUB(mr, jr), ui = SUB(mi, ji), vr = SUB(pr, qr), vi = SUB(pi, qi), wr = ADD(mr, jr), wi = ADD(mi, ji);
        STORE(o0 + q, ADD(pr, qr)), STORE(o0 + q + 4, ADD(pi, qi));
        STORE(o1 + q, SUB(MUL(r1, ur), MUL(i1, ui))), STORE(o1 + q + 4, FMA(r1, ui, MUL(i1, ur)));
        STORE(o2 + q, SUB(MUL(r2, vr), MUL(i2, vi))), STORE(o2 + q + 4, FMA(r2, vi, MUL(i2, vr)));
        STORE(o3 + q, SUB(MUL(r3, wr), MUL(i3, wi))), STORE(o3 + q + 4, FMA(r3, wi, MUL(i3, wr)));
      }
    }
    float *swap = x;
    x = y, y = swap;
  }
}

// Four vectors as the rows of a matrix become its columns.
void transpose(V *a, V *b, V *c, V *d) {
  V ab = wasm_i32x4_shuffle(*a, *b, 0, 4, 1, 5), ab_high = wasm_i32x4_shuffle(*a, *b, 2, 6, 3, 7);
  V cd = wasm_i32x4_shuffle(*c, *d, 0, 4, 1, 5), cd_high = wasm_i32x4_shuffle(*c, *d, 2, 6, 3, 7);
  *a = wasm_i64x2_shuffle(ab, cd, 0, 2), *b = wasm_i64x2_shuffle(ab, cd, 1, 3);
  *c = wasm_i64x2_shuffle(ab_high, cd_high, 0, 2), *d = wasm_i64x2_shuffle(ab_high, cd_high, 1, 3);
}

// The spectra [1025][real, imaginary][4] of four windowed frames of 2048 samples.
//
// Even samples are transformed as real parts and odd ones as imaginary parts, and then told apart.
void forward(const float *const samples[4], float *spectrum) {
  for (int i = 0; i < 2 * HALF; i += 4) {
    V a = LOAD(samples[0] + i), b = LOAD(samples[1] + i), c = LOAD(samples[2] + i), d = LOAD(samples[3] + i);
    transpose(&a, &b, &c, &d);
    STORE(left + 4 * i, MUL(a, EACH(window + i))), STORE(left + 4 * i + 4, MUL(b, EACH(window + i + 1)));
    STORE(left + 4 * i + 8, MUL(c, EACH(window + i + 2))), STORE(left + 4 * i + 12, MUL(d, EACH(window + i + 3)));
  }
  transform();
  V h = SPLAT(0.5f);
  for (int k = 0; k <= HALF / 2; k++) {
    int j = (HALF - k) & (HALF - 1);
    V zr = LOAD(right + 8 * k), zi = LOAD(right + 8 * k + 4), yr = LOAD(right + 8 * j), yi = LOAD(right + 8 * j + 4);
    V er = MUL(h, ADD(zr, yr)), ei = MUL(h, SUB(zi, yi)), dr = MUL(h, ADD(zi, yi)), di = MUL(h, SUB(yr, zr));
    V wr = EACH(half_turn + 2 * k), wi = EACH(half_turn + 2 * k + 1);
    V tr = SUB(MUL(wr, dr), MUL(wi, di)), ti = FMA(wr, di, MUL(wi, dr));
    STORE(spectrum + 8 * k, ADD(er, tr)), STORE(spectrum + 8 * k + 4, ADD(ei, ti));
    STORE(spectrum + 8 * (HALF - k), SUB(er, tr)), STORE(spectrum + 8 * (HALF - k) + 4, SUB(ti, ei));
  }
}

// Four frames of windowed samples, pieces [4][2048], from their spectra. The first and the last bin are taken as real.
void backward(float *spectrum, float *pieces) {
  V h = SPLAT(0.5f / HALF);
  clear(spectrum + 4, 4), clear(spectrum + 8 * HALF + 4, 4);
  for (int k = 0; k <= HALF / 2; k++) {
    int j = HALF - k;
    V ar = LOAD(spectrum + 8 * k), ai = LOAD(spectrum + 8 * k + 4);
    V br = LOAD(spectrum + 8 * j), bi = LOAD(spectrum + 8 * j + 4);
    V er = ADD(ar, br), ei = SUB(ai, bi), dr = SUB(ar, br), di = ADD(ai, bi);
    V wr = EACH(half_turn + 2 * k), wi = EACH(half_turn + 2 * k + 1);
    V odr = FMA(wr, dr, MUL(wi, di)), odi = SUB(MUL(wr, di), MUL(wi, dr));
    // Real and imaginary parts are swapped: the transform then goes backward.
    STORE(left + 8 * k + 4, MUL(h, SUB(er, odi))), STORE(left + 8 * k, MUL(h, ADD(ei, odr)));
    if (k && k < HALF / 2) STORE(left + 8 * j + 4, MUL(h, ADD(er, odi))), STORE(left + 8 * j, MUL(h, SUB(odr, ei)));
  }
  transform();
  for (int i = 0; i < 2 * HALF; i += 4) {
    V a = MUL(LOAD(right + 4 * i + 4), EACH(window + i)), b = MUL(LOAD(right + 4 * i), EACH(window + i + 1));
    V c = MUL(LOAD(right + 4 * i + 12), EACH(window + i + 2)), d = MUL(LOAD(right + 4 * i + 8), EACH(window + i + 3));
    transpose(&a, &b, &c, &d);
    STORE(pieces + i, a), STORE(pieces + 2 * HALF + i, b);
    STORE(pieces + 4 * HALF + i, c), STORE(pieces + 6 * HALF + i, d);
  }
}
