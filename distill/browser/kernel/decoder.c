// The decoder: codes to log-mels. A feature map is [time][row][channel], with a row of zeros at both ends.
#include "cache.h"
#include "kernel.h"

enum { WIDE = 256, COLUMN = (ROWS + 2) * WIDE, TOGETHER = 16, FRAMES_TOGETHER = 256 };
static const int CHANNELS[4] = {WIDE, 96, 48, 24};

static struct {
  int levels, size;
  const float *table, *row_bias;  // [levels][size][256]: what a code adds after the first layer; [8][256]
  Layer first, second;            // the residual block
  int steps[4];                   // of each upsampling in time: 2 or 1
  Layer up[3][2][2];              // for even and odd rows, then even and odd times
  const float *last[2][2];        // [96] each
  const float *std, *offset;      // [128]: of the statistics, and what is added
} decoder;
EXPORT(decoder) void *decoder_address(void) { return &decoder; }

// What a code adds to the first layer of a row, times a gain.
static void add_code(int level, int code, float gain, float *out) {
  if (code < 0 || code >= decoder.size) return;
  const float *entry = decoder.table + (level * decoder.size + code) * WIDE;
  V factor = SPLAT(gain);
  for (int c = 0; c < WIDE; c += 4) STORE(out + c, FMA(factor, LOAD(entry + c), LOAD(out + c)));
}

// The gain of level 0 leads away from silence, whose codes are `quiet`; see distill/codes/mixing.py.
static void embed(const short *codes, const float *gains, const short *quiet, int count, int column, float *x) {
  for (int r = 0; r < ROWS; r++) {
    float *out = x + (r + 1) * WIDE;
    copy(out, decoder.row_bias + r * WIDE, WIDE);
    for (int level = 0; level < decoder.levels; level++) {
      int at = (level * ROWS + r) * count + column;
      add_code(level, codes[at], gains ? gains[at] : 1.0f, out);
    }
    float rest = gains ? 1.0f - gains[r * count + column] : 0;
    for (int level = 0; level < decoder.levels && quiet && rest != 0; level++)
      add_code(level, quiet[level * ROWS + r], rest, out);
    for (int c = 0; c < WIDE; c += 4) STORE(out + c, silu(LOAD(out + c)));
  }
}

// Everything before the upsampling, which sees one column at a time. Codes [levels][8][count]; -1 leaves a level out.
// Gains of the same shape, or 0 if all are 1; the codes of silence [levels][8], or 0 if they are not known.
EXPORT(columns) void columns(Cache *cache, const short *codes, const float *gains, const short *quiet, int first,
                             int count) {
  unsigned scratch = mark();
  int room = least(TOGETHER, count) * COLUMN;
  float *x = zeros(room), *h = zeros(room);
  for (int begin = 0; begin < count; begin += TOGETHER) {
    int n = least(TOGETHER, count - begin);
    for (int t = 0; t < n; t++) embed(codes, gains, quiet, count, begin + t, x + t * COLUMN);
    product(decoder.first, (Rows){x, WIDE, COLUMN}, 1, 0, 0, ROWS, n, h + WIDE, WIDE, COLUMN, 0, SILU);
    product(decoder.second, (Rows){h, WIDE, COLUMN}, 1, 0, 0, ROWS, n, x + WIDE, WIDE, COLUMN, x + WIDE, SILU);
    for (int t = 0; t < n; t++)
      copy(cache->columns + place(first + begin + t, cache->column_places) * COLUMN, x + t * COLUMN, COLUMN);
  }
  release(scratch);
}

// A feature map from time `first` on.
typedef struct {
  float *data;
  int first;
} Map;

// One transposed convolution with SiLU: times begin to end of its input become twice as many, or as many. The result
// has a step of zeros before and after. Even and odd rows and times see different halves of the kernel.
static Map upsampled(int stage, Map in, int begin, int end) {
  int step = decoder.steps[stage], rows = ROWS << stage, inputs = CHANNELS[stage], outputs = CHANNELS[stage + 1];
  int in_step = (rows + 2) * inputs, out_step = (2 * rows + 2) * outputs, times = step * (end - begin);
  float *out = floats((times + 2) * out_step);
  clear(out, out_step), clear(out + (times + 1) * out_step, out_step);
  for (int t = 1; t <= times; t++)
    clear(out + t * out_step, outputs), clear(out + (t + 1) * out_step - outputs, outputs);
  for (int row = 0; row < 2; row++)
    for (int time = 0; time < step; time++) {
      Layer layer = decoder.up[stage][row][time];
      int from = begin - in.first + (step == 2 ? time - 1 : 0);
      Rows seen = {in.data + from * in_step + row * inputs, inputs, in_step};
      product(layer, seen, step, in_step, stage < 2 ? 2 * outputs : 0, rows, end - begin,
              out + (1 + time) * out_step + (1 + row) * outputs, 2 * outputs, step * out_step, 0, SILU);
    }
  return (Map){out, step * begin - 1};
}

// The last transposed convolution, which has one channel, scaled to a log-mel between -50 and 10 nepers.
static void finished(Map in, int frame, float *mel) {
  int inputs = CHANNELS[3], in_step = (BANDS / 2 + 2) * inputs, odd = frame & 1;
  const float *base = in.data + ((frame >> 1) - in.first + odd - 1) * in_step;
  for (int band = 0; band < BANDS; band++) {
    const float *a = base + ((band >> 1) + (band & 1)) * inputs, *weights = decoder.last[band & 1][odd];
    V u = SPLAT(0), v = SPLAT(0);
    for (int k = 0; k < 2 * inputs; k += 4) {
      u = FMA(LOAD(a + k), LOAD(weights + k), u);
      v = FMA(LOAD(a + in_step + k), LOAD(weights + 2 * inputs + k), v);
    }
    float x = sum_of(ADD(u, v)) * decoder.std[band] + decoder.offset[band];
    mel[band] = x < -50.0f ? -50.0f : x > 10.0f ? 10.0f : x;
  }
}

// The columns begin to end from the cache, with a step of zeros before and after.
static Map gathered(const Cache *cache, int begin, int end) {
  float *data = zeros((end - begin + 2) * COLUMN);
  for (int t = begin; t < end; t++)
    copy(data + (t - begin + 1) * COLUMN, cache->columns + place(t, cache->column_places) * COLUMN, COLUMN);
  return (Map){data, begin - 1};
}

static void decode_some(Cache *cache, int num_columns, int first, int last) {
  unsigned scratch = mark();
  int begins[4], ends[4], begin = first, end = last;
  for (int stage = 3; stage >= 0; stage--) {  // which times of its input each stage turns into how many
    int step = decoder.steps[stage], length = num_columns;
    for (int s = 0; s < stage; s++) length *= decoder.steps[s];
    begins[stage] = begin / step, ends[stage] = (end + step - 1) / step;
    if (step == 2) begin = most(0, (begin + 1) / 2 - 1), end = least(length, end / 2 + 1);
  }
  Map map = gathered(cache, begin, end);
  for (int stage = 0; stage < 3; stage++) map = upsampled(stage, map, begins[stage], ends[stage]);
  for (int frame = first; frame < last; frame++)
    finished(map, frame, cache->mel + place(frame, cache->places) * BANDS);
  release(scratch);
}

// Frames first to last of the log-mel of a grid of so many columns, whose columns around are in the cache.
EXPORT(mel) void mel(Cache *cache, int num_columns, int first, int last) {
  for (; first < last; first += FRAMES_TOGETHER) decode_some(cache, num_columns, first, least(last, first + FRAMES_TOGETHER));
}
