// Distill's networks for WebAssembly: 128-bit vectors, no standard library. JavaScript packs the weights (packing.js),
// decides what is computed (stages.js), and calls the functions marked EXPORT.
#pragma once
#include <wasm_simd128.h>

#define EXPORT(name) __attribute__((export_name(#name)))

enum { ROWS = 8, BANDS = 128, HOP = 512, HALF = 1024, BINS = HALF + 1, BINS_PADDED = 1028 };

typedef v128_t V;  // four floats
#define LOAD(p) wasm_v128_load(p)
#define STORE(p, v) wasm_v128_store(p, v)
#define EACH(p) wasm_v128_load32_splat(p)
#define SPLAT(x) wasm_f32x4_splat(x)
#define ADD wasm_f32x4_add
#define SUB wasm_f32x4_sub
#define MUL wasm_f32x4_mul
#define DIV wasm_f32x4_div
#ifdef __wasm_relaxed_simd__
#define FMA(a, b, c) wasm_f32x4_relaxed_madd(a, b, c)
#else
#define FMA(a, b, c) ADD(MUL(a, b), c)
#endif

static inline int most(int a, int b) { return a > b ? a : b; }
static inline int least(int a, int b) { return a < b ? a : b; }
static inline int padded(int n) { return (n + 3) & ~3; }
static inline float sum_of(V v) {
  return (wasm_f32x4_extract_lane(v, 0) + wasm_f32x4_extract_lane(v, 1)) +
         (wasm_f32x4_extract_lane(v, 2) + wasm_f32x4_extract_lane(v, 3));
}

// memory.c: a stack of blocks. What `mark` returned, `release` takes; both are cheap.
void *alloc(unsigned bytes);
unsigned mark(void);
void release(unsigned to);
float *floats(unsigned count);
float *zeros(unsigned count);
void clear(float *p, unsigned count);
void copy(float *to, const float *from, unsigned count);

// functions.c: exponential, sine and cosine, and activations, four at a time.
V exponential(V x);
void sine_cosine(V x, V *sine, V *cosine);
V silu(V x);
V gelu(V x);

// product.c
typedef enum { LINEAR, SILU, GELU } Activation;
typedef struct {
  const float *weights;  // panels of 8 outputs: [outputs / 8][inputs][8]
  const float *bias;     // [outputs], or a row of them for each row of the result
  int inputs, outputs;   // outputs: a multiple of 4
} Layer;
// Rows of a matrix in memory: row r of step t lies at base + t * step + r * row.
typedef struct {
  const float *base;
  int row, step;
} Rows;
void product(Layer layer, Rows in, int segments, int segment, int bias_row, int rows, int steps, float *out, int out_row,
             int out_step, const float *skip, Activation activation);

// fourier.c: transforms of 2048 real samples of four frames at once, one in each lane of a vector.
extern float window[2 * HALF];
void forward(const float *const samples[4], float *spectrum);
void backward(float *spectrum, float *pieces);
void transpose(V *a, V *b, V *c, V *d);
