// The vocoder: log-mels to sound, stage by stage. Each stage makes a range of frames from those of the stage before in
// the cache. Frames from EARLIEST to num_frames + SILENT exist: SILENT frames of silence are heard before and after a
// clip, and one more is drawn at both ends.
#include "cache.h"
#include "kernel.h"

enum { KERNEL = 7, SILENT = 4, EARLIEST = -SILENT - 1, NOISE = 256, DRAWN = 2 * BINS_PADDED + BANDS, TOGETHER = 32 };
static const float LOUDEST = 7.0f, BIN_LEVEL = 3.07f, NOISE_LEVEL = -1.5f, FLOOR = -11.512925f;

typedef struct {
  const float *in_time, *in_time_bias;  // [7][channels], [channels]
  Layer widen, narrow;                  // with the norm before and the scale after in them
} Block;

static struct {
  int channels, blocks;               // channels without padding
  const float *norm, *norm_bias;      // of the first layer
  Layer enter, draw;                  // the latter with the last norm in it
  Block block[16];
  const int *band;                    // [1028]: the lower of a bin's two bands
  const float *lower, *upper;         // [1028]: the share of either
  float *noise;                       // [256][real, imaginary][1028]
} vocoder;
EXPORT(vocoder) void *vocoder_address(void) { return &vocoder; }

static int exists(int frame, int num_frames) { return frame >= EARLIEST && frame <= num_frames + SILENT; }

static const float *mel_at(const Cache *cache, int frame, int num_frames, const float *silence) {
  return frame >= 0 && frame < num_frames ? cache->mel + place(frame, cache->places) * BANDS : silence;
}

static float *layer_at(const Cache *cache, int layer, int frame) {
  return cache->layers + (layer * cache->places + place(frame, cache->places)) * padded(vocoder.channels);
}

static const float *silent(void) {
  static float silence[BANDS];
  for (int b = 0; b < BANDS; b++) silence[b] = FLOOR;
  return silence;
}

// Layer normalization (Ba et al., 2016) over the channels of a frame, in place. Padding stays 0.
static void normalize(float *x) {
  int n = vocoder.channels;
  V sum = SPLAT(0), squares = SPLAT(0);
  for (int c = 0; c < n; c += 4) sum = ADD(sum, LOAD(x + c));
  V mean = SPLAT(sum_of(sum) / n);
  for (int c = 0; c < n; c += 4) STORE(x + c, SUB(LOAD(x + c), mean));
  for (int c = n; c < padded(n); c++) x[c] = 0;
  for (int c = 0; c < n; c += 4) squares = FMA(LOAD(x + c), LOAD(x + c), squares);
  V scale = SPLAT(1.0f / __builtin_sqrtf(sum_of(squares) / n + 1e-5f));
  for (int c = 0; c < n; c += 4) STORE(x + c, MUL(LOAD(x + c), scale));
}

// The first layer: seven frames of the log-mel to the channels of a frame.
static void enter_some(Cache *cache, int num_frames, int first, int count) {
  unsigned scratch = mark();
  int channels = padded(vocoder.channels), rows = padded(count);
  const float *silence = silent();
  float *seen = zeros((rows + KERNEL) * BANDS), *out = floats(rows * channels);
  for (int i = 0; i < count + KERNEL - 1; i++) {
    int frame = first + i - KERNEL / 2;
    if (!exists(frame, num_frames)) continue;
    const float *log_mel = mel_at(cache, frame, num_frames, silence);
    for (int b = 0; b < BANDS; b += 4)
      STORE(seen + i * BANDS + b, MUL(ADD(LOAD(log_mel + b), SPLAT(4.0f)), SPLAT(0.25f)));
  }
  product(vocoder.enter, (Rows){seen, BANDS, 0}, 1, 0, 0, rows, 1, out, channels, 0, 0, LINEAR);
  for (int i = 0; i < count; i++) {
    float *x = out + i * channels, *to = layer_at(cache, 0, first + i);
    normalize(x);
    for (int c = 0; c < channels; c += 4)
      STORE(to + c, FMA(LOAD(x + c), LOAD(vocoder.norm + c), LOAD(vocoder.norm_bias + c)));
  }
  release(scratch);
}

EXPORT(enter) void enter(Cache *cache, int num_frames, int first, int last) {
  for (; first < last; first += TOGETHER) enter_some(cache, num_frames, first, least(TOGETHER, last - first));
}

// A convolution in time of each channel.
static void convolve(const Cache *cache, int index, int num_frames, int frame, float *out) {
  const Block *block = &vocoder.block[index];
  int channels = padded(vocoder.channels);
  copy(out, block->in_time_bias, channels);
  for (int tap = 0; tap < KERNEL; tap++) {
    int seen = frame + tap - KERNEL / 2;
    if (!exists(seen, num_frames)) continue;
    const float *x = layer_at(cache, index, seen), *weights = block->in_time + tap * channels;
    for (int c = 0; c < channels; c += 4) STORE(out + c, FMA(LOAD(x + c), LOAD(weights + c), LOAD(out + c)));
  }
}

static void block_some(Cache *cache, int index, int num_frames, int first, int count) {
  unsigned scratch = mark();
  const Block *block = &vocoder.block[index];
  int channels = padded(vocoder.channels), hidden = block->widen.outputs, rows = padded(count);
  float *x = zeros(rows * channels), *h = floats(rows * hidden);
  for (int i = 0; i < count; i++) {
    convolve(cache, index, num_frames, first + i, x + i * channels);
    normalize(x + i * channels);
  }
  product(block->widen, (Rows){x, channels, 0}, 1, 0, 0, rows, 1, h, hidden, 0, 0, GELU);
  product(block->narrow, (Rows){h, hidden, 0}, 1, 0, 0, rows, 1, x, channels, 0, 0, LINEAR);
  for (int i = 0; i < count; i++) {
    const float *old = layer_at(cache, index, first + i);
    float *to = layer_at(cache, index + 1, first + i);
    for (int c = 0; c < channels; c += 4) STORE(to + c, ADD(LOAD(old + c), LOAD(x + i * channels + c)));
  }
  release(scratch);
}

// A block of the network: layer `index` to the next.
EXPORT(block) void block(Cache *cache, int index, int num_frames, int first, int last) {
  for (; first < last; first += TOGETHER) block_some(cache, index, num_frames, first, least(TOGETHER, last - first));
}

// The mean of a bin's two bands, for all bins.
static void spread(const float *bands, float *bins) {
  for (int k = 0; k < BINS; k++) {
    const float *two = bands + vocoder.band[k];
    bins[k] = two[0] * vocoder.lower[k] + two[1] * vocoder.upper[k];
  }
}

// Tones of the drawn level and phase, and noise of the drawn level, limited in magnitude.
static void draw_frame(const float *log_mel, int frame, const float *drawn, float *spectrum) {
  static float bands[BANDS], noisy[BANDS], tones[BINS_PADDED], hisses[BINS_PADDED];
  for (int b = 0; b < BANDS; b++) {
    bands[b] = log_mel[b] + BIN_LEVEL;
    noisy[b] = bands[b] + drawn[2 * BINS_PADDED + b] + NOISE_LEVEL;
  }
  spread(bands, tones), spread(noisy, hisses);
  const float *noise = vocoder.noise + place(frame, NOISE) * 2 * BINS_PADDED;
  V loudest = SPLAT(LOUDEST), largest = SPLAT(1096.6332f), sign = wasm_f32x4_make(1, -1, 1, -1);
  for (int k = 0; k < BINS_PADDED; k += 4) {
    V tone = exponential(wasm_f32x4_pmin(loudest, ADD(LOAD(tones + k), LOAD(drawn + k)))), sine, cosine;
    V hiss = exponential(wasm_f32x4_pmin(loudest, LOAD(hisses + k)));
    sine_cosine(LOAD(drawn + BINS_PADDED + k), &sine, &cosine);
    V re = FMA(tone, cosine, MUL(hiss, LOAD(noise + k)));
    V im = FMA(tone, sine, MUL(hiss, LOAD(noise + BINS_PADDED + k)));
    V magnitude = wasm_f32x4_sqrt(FMA(re, re, FMA(im, im, SPLAT(1e-12f))));
    V gain = MUL(sign, wasm_f32x4_pmin(SPLAT(1.0f), DIV(largest, magnitude)));
    STORE(spectrum + k, MUL(re, gain)), STORE(spectrum + BINS_PADDED + k, MUL(im, gain));
  }
}

static void draw_some(Cache *cache, int num_frames, int first, int count) {
  unsigned scratch = mark();
  int channels = padded(vocoder.channels), rows = padded(count);
  const float *silence = silent();
  float *x = zeros(rows * channels), *drawn = floats(rows * DRAWN);
  for (int i = 0; i < count; i++) {
    copy(x + i * channels, layer_at(cache, vocoder.blocks, first + i), channels);
    normalize(x + i * channels);
  }
  product(vocoder.draw, (Rows){x, channels, 0}, 1, 0, 0, rows, 1, drawn, DRAWN, 0, 0, LINEAR);
  for (int i = 0; i < count; i++)
    draw_frame(mel_at(cache, first + i, num_frames, silence), first + i, drawn + i * DRAWN,
               cache->spectrum + place(first + i, cache->places) * 2 * BINS_PADDED);
  release(scratch);
}

// The spectra that the network draws.
EXPORT(draw) void draw(Cache *cache, int num_frames, int first, int last) {
  for (; first < last; first += TOGETHER) draw_some(cache, num_frames, first, least(TOGETHER, last - first));
}

// Spectra of noise that repeats: samples [256 * 512 + 1536], with those of the end before and those of the beginning
// after. Their mean square magnitude is 1.
EXPORT(noise) void noise(const float *samples) {
  static float lanes[8 * BINS_PADDED];
  double squares = 0;
  for (int frame = 0; frame < NOISE; frame += 4) {
    const float *around[4];
    for (int i = 0; i < 4; i++) around[i] = samples + (frame + i) * HOP;
    forward(around, lanes);
    for (int i = 0; i < 4; i++)
      for (int k = 0; k < BINS; k++) {
        float *to = vocoder.noise + (frame + i) * 2 * BINS_PADDED, sign = k & 1 ? -1 : 1;
        float re = to[k] = sign * lanes[8 * k + i], im = to[BINS_PADDED + k] = sign * lanes[8 * k + 4 + i];
        squares += (double)re * re + (double)im * im;
      }
  }
  float scale = (float)(1 / __builtin_sqrt(squares / (NOISE * BINS)));
  for (int i = 0; i < NOISE * 2 * BINS_PADDED; i++) vocoder.noise[i] *= scale;
}
