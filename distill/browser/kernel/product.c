// The one matrix product: every layer and every convolution of the networks is one.
#include "kernel.h"

enum { PANEL = 8, BLOCK = 4 };

static V activated(V x, Activation activation) {
  return activation == SILU ? silu(x) : activation == GELU ? gelu(x) : x;
}

// Four rows of a product by eight outputs, from `skip` or zero on.
//
// The eight sums stay in registers, beside two vectors of weights and one input. More rows or outputs would load less
// for each multiplication, but V8 then moves sums to memory and back: it keeps one of the sixteen registers for itself.
// The same happens where the inner loop is unrolled.
static inline void block(const float *weights, const float *bias, int bias_row, const float *in, int row, int segments,
                         int segment, int length, float *out, int out_row, const float *skip, int halves,
                         Activation activation) {
  V c[BLOCK][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < BLOCK; i++) c[i][0] = c[i][1] = SPLAT(0);
  for (int s = 0; s < segments; s++, in += segment) {
    const float *a = in;
#pragma clang loop unroll(disable)
    for (int k = 0; k < length; k++, weights += PANEL, a++) {
      V low = LOAD(weights), high = LOAD(weights + 4);
#pragma clang loop unroll(full)
      for (int i = 0; i < BLOCK; i++) {
        V x = EACH(a + i * row);
        c[i][0] = FMA(x, low, c[i][0]), c[i][1] = FMA(x, high, c[i][1]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < BLOCK; i++)
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
      if (half >= halves) continue;
      V x = ADD(c[i][half], LOAD(bias + i * bias_row + 4 * half));
      if (skip) x = ADD(x, LOAD(skip + i * out_row + 4 * half));
      STORE(out + i * out_row + 4 * half, activated(x, activation));
    }
}

// out[t][r] = activation(bias[r] + skip[t][r] + weights . in[t][r]), for steps t and rows r, a multiple of 4.
//
// A row's inputs are `segments` runs of inputs / segments floats that lie `segment` floats apart: a convolution over time
// reads some rows of each of several steps. Each result is summed in the same order wherever its row lies, so a part of
// a sound has the bits of the whole.
void product(Layer layer, Rows in, int segments, int segment, int bias_row, int rows, int steps, float *out, int out_row,
             int out_step, const float *skip, Activation activation) {
  for (int first = 0; first < layer.outputs; first += PANEL) {
    const float *weights = layer.weights + first * layer.inputs;
    int halves = least(2, (layer.outputs - first) / 4);
    for (int t = 0; t < steps; t++)
      for (int r = 0; r < rows; r += BLOCK) {
        int at = t * out_step + r * out_row + first;
        block(weights, layer.bias + r * bias_row + first, bias_row, in.base + t * in.step + r * in.row, in.row, segments,
              segment, layer.inputs / segments, out + at, out_row, skip ? skip + at : 0, halves, activation);
      }
  }
}

// A layer for JavaScript, which packs tables with it.
EXPORT(apply) void apply(const float *in, int rows, const Layer *layer, float *out) {
  product(*layer, (Rows){in, layer->inputs, 0}, 1, 0, 0, rows, 1, out, layer->outputs, 0, 0, LINEAR);
}
