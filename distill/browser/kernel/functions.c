// Functions of four floats at once, accurate to a few units in the last place.
#include "kernel.h"

// Cephes' expf (Moshier): reduction by multiples of log 2, then a polynomial of degree 5.
V exponential(V x) {
  x = wasm_f32x4_pmin(SPLAT(88.0f), wasm_f32x4_pmax(SPLAT(-87.0f), x));
  V n = wasm_f32x4_nearest(MUL(x, SPLAT(1.44269504f)));
  V f = SUB(SUB(x, MUL(n, SPLAT(0.693359375f))), MUL(n, SPLAT(-2.12194440e-4f)));
  V p = SPLAT(1.9875691500e-4f);
  p = FMA(p, f, SPLAT(1.3981999507e-3f));
  p = FMA(p, f, SPLAT(8.3334519073e-3f));
  p = FMA(p, f, SPLAT(4.1665795894e-2f));
  p = FMA(p, f, SPLAT(1.6666665459e-1f));
  p = FMA(p, f, SPLAT(5.0000001201e-1f));
  p = ADD(FMA(p, MUL(f, f), f), SPLAT(1.0f));
  V power = wasm_i32x4_shl(wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(n), wasm_i32x4_splat(127)), 23);
  return MUL(p, power);
}

// Cephes' sinf and cosf: reduction by quarter turns in three parts (Cody & Waite). Beyond some thousand turns a float
// knows no phase any more; the results then are still between -1 and 1.
void sine_cosine(V x, V *sine, V *cosine) {
  V n = wasm_f32x4_nearest(MUL(x, SPLAT(0.636619772f)));
  V r = SUB(SUB(SUB(x, MUL(n, SPLAT(1.5703125f))), MUL(n, SPLAT(4.837512969970703125e-4f))),
            MUL(n, SPLAT(7.549789948768648e-8f)));
  r = wasm_f32x4_pmin(SPLAT(0.7855f), wasm_f32x4_pmax(SPLAT(-0.7855f), r));
  V z = MUL(r, r);
  V s = FMA(FMA(SPLAT(-1.9515295891e-4f), z, SPLAT(8.3321608736e-3f)), z, SPLAT(-1.6666654611e-1f));
  s = FMA(MUL(s, z), r, r);
  V c = FMA(FMA(SPLAT(2.443315711809948e-5f), z, SPLAT(-1.388731625493765e-3f)), z, SPLAT(4.166664568298827e-2f));
  c = ADD(FMA(MUL(c, z), z, MUL(SPLAT(-0.5f), z)), SPLAT(1.0f));
  V quarter = wasm_i32x4_trunc_sat_f32x4(n), one = wasm_i32x4_splat(1), two = wasm_i32x4_splat(2);
  V odd = wasm_i32x4_eq(wasm_v128_and(quarter, one), one);
  V sine_sign = wasm_i32x4_shl(wasm_v128_and(quarter, two), 30);
  V cosine_sign = wasm_i32x4_shl(wasm_v128_and(wasm_i32x4_add(quarter, one), two), 30);
  *sine = wasm_v128_xor(wasm_v128_bitselect(c, s, odd), sine_sign);
  *cosine = wasm_v128_xor(wasm_v128_bitselect(s, c, odd), cosine_sign);
}

V silu(V x) { return DIV(x, ADD(SPLAT(1.0f), exponential(wasm_f32x4_neg(x)))); }

// x * (1 + erf(x / sqrt 2)) / 2, with Eigen's rational approximation of erf.
V gelu(V x) {
  V y = wasm_f32x4_pmin(SPLAT(4.0f), wasm_f32x4_pmax(SPLAT(-4.0f), MUL(x, SPLAT(0.70710678f))));
  V z = MUL(y, y);
  V p = SPLAT(-2.72614225801306e-10f);
  p = FMA(p, z, SPLAT(2.77068142495902e-08f));
  p = FMA(p, z, SPLAT(-2.10102402082508e-06f));
  p = FMA(p, z, SPLAT(-5.69250639462346e-05f));
  p = FMA(p, z, SPLAT(-7.34990630326855e-04f));
  p = FMA(p, z, SPLAT(-2.95459980854025e-03f));
  p = FMA(p, z, SPLAT(-1.60960333262415e-02f));
  V q = SPLAT(-1.45660718464996e-05f);
  q = FMA(q, z, SPLAT(-2.13374055278905e-04f));
  q = FMA(q, z, SPLAT(-1.68282697438203e-03f));
  q = FMA(q, z, SPLAT(-7.37332916720468e-03f));
  q = FMA(q, z, SPLAT(-1.42647390514189e-02f));
  V half = MUL(x, SPLAT(0.5f));
  return FMA(half, DIV(MUL(y, p), q), half);
}
