// The front end and the encoder: sound to log-mels, log-mels to codes. A feature map is [time][row][channel], with a row
// of zeros at both ends, and a step of zeros before and after.
#include "kernel.h"

enum { WIDE = 128, COLUMN = (ROWS + 2) * WIDE };
static const int CHANNELS[5] = {1, 16, 32, 64, WIDE};
static const float FLOOR = -11.512925f;

static struct {
  int levels, size, dim;         // dim with padding
  int steps[4];                  // of each convolution in time: 2 or 1
  Layer down[4];
  Layer first, second, project;  // the residual block; to the latent map
  Layer books[4];                // of each level: the codebook, and less than nothing for a long entry
  const float *entries;          // [levels][size][dim]
  const float *mean, *std;       // [128]
  const float *lower, *upper;    // [1028]: the weights of a bin in its two bands
  const int *begin;              // [128]: the first bin between the middles of a band and the next, and the end
} encoder;
EXPORT(encoder) void *encoder_address(void) { return &encoder; }

// Magnitudes in bands [128][4] of four spectra.
static void in_bands(const float *spectrum, float *bands) {
  V carried = SPLAT(0);
  for (int band = 0; band < BANDS; band++) {
    V here = carried, next = SPLAT(0);
    int end = band < BANDS - 1 ? encoder.begin[band + 1] : 0;
    for (int k = encoder.begin[band]; k < end; k++) {
      V re = LOAD(spectrum + 8 * k), im = LOAD(spectrum + 8 * k + 4);
      V magnitude = wasm_f32x4_sqrt(FMA(re, re, MUL(im, im)));
      here = FMA(EACH(encoder.lower + k), magnitude, here), next = FMA(EACH(encoder.upper + k), magnitude, next);
    }
    STORE(bands + 4 * band, here);
    carried = next;
  }
}

// Mel magnitudes [frames][128]. The window of frame f begins at sample 512 f.
EXPORT(analyse) void analyse(const float *samples, int frames, float *mel) {
  static float spectrum[8 * BINS_PADDED], bands[4 * BANDS];
  for (int first = 0; first < frames; first += 4) {
    const float *around[4];
    int count = least(4, frames - first);
    for (int i = 0; i < 4; i++) around[i] = samples + (first + least(i, count - 1)) * HOP;
    forward(around, spectrum);
    in_bands(spectrum, bands);
    for (int i = 0; i < count; i++)
      for (int band = 0; band < BANDS; band++) mel[(first + i) * BANDS + band] = bands[4 * band + i];
  }
}

typedef struct {
  float *data;
  int first;
} Map;

// The log-mel as a feature map of one channel: frames begin to end, of which those in `mel` have sound.
static Map entered(const float *mel, int mel_first, int mel_count, int begin, int end) {
  enum { STEP = BANDS + 2 };
  float *out = zeros((end - begin + 2) * STEP + 4);
  for (int frame = begin; frame < end; frame++) {
    int at = frame - mel_first;
    const float *sound = at >= 0 && at < mel_count ? mel + at * BANDS : 0;
    float *to = out + (frame - begin + 1) * STEP + 1;
    for (int b = 0; b < BANDS; b++) to[b] = ((sound ? sound[b] : FLOOR) - encoder.mean[b]) / encoder.std[b];
  }
  return (Map){out, begin - 1};
}

// A strided convolution with SiLU, for times begin to end of its result.
static Map downsampled(int stage, Map in, int begin, int end) {
  int step = encoder.steps[stage], inputs = CHANNELS[stage], outputs = CHANNELS[stage + 1], rows = BANDS >> (stage + 1);
  int in_step = (2 * rows + 2) * inputs, out_step = (rows + 2) * outputs;
  float *out = zeros((end - begin + 2) * out_step);
  Rows seen = {in.data + (step * begin - 1 - in.first) * in_step, 2 * inputs, step * in_step};
  product(encoder.down[stage], seen, 2 + step, in_step, stage ? outputs : 0, rows, end - begin, out + out_step + outputs,
          outputs, out_step, 0, SILU);
  return (Map){out, begin - 1};
}

// The latent vectors [columns][8][dim] of columns first to last.
static float *latent(Map in, int first, int last) {
  int n = last - first;
  const float *x = in.data + (first - in.first) * COLUMN;
  float *h = zeros(n * COLUMN), *y = zeros(n * COLUMN), *z = floats(n * ROWS * encoder.dim);
  product(encoder.first, (Rows){x - COLUMN, WIDE, COLUMN}, 3, COLUMN, 0, ROWS, n, h + WIDE, WIDE, COLUMN, 0, SILU);
  for (int t = 0; t < n; t++) copy(y + t * COLUMN, x + t * COLUMN, COLUMN);
  product(encoder.second, (Rows){h, WIDE, COLUMN}, 1, 0, 0, ROWS, n, y + WIDE, WIDE, COLUMN, y + WIDE, SILU);
  product(encoder.project, (Rows){y + WIDE, WIDE, COLUMN}, 1, 0, 0, ROWS, n, z, encoder.dim, ROWS * encoder.dim, 0,
          LINEAR);
  return z;
}

// The nearest entry of each level to what the levels before left over (Zeghidour et al., "SoundStream", 2021,
// algorithm 1). The nearest one has the largest product less half of its squared length.
static void quantize(float *z, int columns, short *codes) {
  int cells = columns * ROWS, dim = encoder.dim, scored = encoder.books[0].outputs;
  float *scores = floats(cells * scored);
  for (int level = 0; level < encoder.levels; level++) {
    product(encoder.books[level], (Rows){z, dim, 0}, 1, 0, 0, cells, 1, scores, scored, 0, 0, LINEAR);
    for (int cell = 0; cell < cells; cell++) {
      const float *score = scores + cell * scored;
      int best = 0;
      for (int code = 1; code < encoder.size; code++)
        if (score[code] > score[best]) best = code;
      codes[(level * ROWS + cell % ROWS) * columns + cell / ROWS] = (short)best;
      const float *entry = encoder.entries + (level * encoder.size + best) * dim;
      for (int k = 0; k < dim; k += 4) STORE(z + cell * dim + k, SUB(LOAD(z + cell * dim + k), LOAD(entry + k)));
    }
  }
}

// Codes [levels][8][last - first] of columns first to last of a clip of so many columns. `mel` has the frames of its
// log-mel that they depend on, from `mel_first` on; after the end of the clip there is silence.
EXPORT(encode) void encode(const float *mel, int mel_first, int mel_count, int num_columns, int first, int last,
                           short *codes) {
  unsigned scratch = mark();
  int begins[4], ends[4], begin = most(0, first - 1), end = least(num_columns, last + 1), length = num_columns;
  for (int stage = 3; stage >= 0; stage--) {
    int step = encoder.steps[stage];
    begins[stage] = begin, ends[stage] = end, length *= step;
    begin = most(0, step * begin - 1), end = least(length, step * end + 1);
  }
  Map map = entered(mel, mel_first, mel_count, begin, end);
  for (int stage = 0; stage < 4; stage++) map = downsampled(stage, map, begins[stage], ends[stage]);
  quantize(latent(map, first, last), last - first, codes);
  release(scratch);
}
