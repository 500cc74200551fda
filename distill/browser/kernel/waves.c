// Spectra to waveforms: overlapping windows, then projections, as in Griffin & Lim, "Signal estimation from modified
// short-time Fourier transform", 1984.
//
// Hop h is the samples from 512 h - 256 to 512 h + 256. So the 2048 samples of frame f are the hops f - 1 to f + 2.
#include "cache.h"
#include "kernel.h"

enum { SILENT = 4, EARLIEST = -SILENT - 1, WINDOWS = 4, LANES = 8 * BINS_PADDED };

static float *wave_at(const Cache *cache, int wave, int hop) {
  return cache->waves + (wave * cache->places + place(hop, cache->places)) * HOP;
}

static const float *spectrum_at(const Cache *cache, int frame) {
  return cache->spectrum + place(frame, cache->places) * 2 * BINS_PADDED;
}

// Four spectra side by side, [bin][real, imaginary][4].
static void interleave(const float *const spectra[4], float *lanes) {
  for (int part = 0; part < 2; part++)
    for (int k = 0; k < BINS_PADDED; k += 4) {
      int at = part * BINS_PADDED + k;
      V a = LOAD(spectra[0] + at), b = LOAD(spectra[1] + at), c = LOAD(spectra[2] + at), d = LOAD(spectra[3] + at);
      transpose(&a, &b, &c, &d);
      float *to = lanes + 8 * k + 4 * part;
      STORE(to, a), STORE(to + 8, b), STORE(to + 16, c), STORE(to + 24, d);
    }
}

// The waveform's own phases with the magnitudes that were drawn.
static void project(const float *heard, float *drawn) {
  for (int k = 0; k < BINS; k++) {
    V re = LOAD(heard + 8 * k), im = LOAD(heard + 8 * k + 4), dr = LOAD(drawn + 8 * k), di = LOAD(drawn + 8 * k + 4);
    V magnitude = wasm_f32x4_sqrt(FMA(dr, dr, FMA(di, di, SPLAT(1e-12f))));
    V gain = DIV(magnitude, wasm_f32x4_sqrt(FMA(re, re, FMA(im, im, SPLAT(1e-8f)))));
    STORE(drawn + 8 * k, MUL(re, gain)), STORE(drawn + 8 * k + 4, MUL(im, gain));
  }
}

// The samples of a frame in a wave: the four hops that its window covers. Outside of the clip with its silence there is
// nothing.
static void windowed_hops(const Cache *cache, int wave, int num_frames, int frame, float *samples) {
  for (int hop = frame - 1; hop < frame - 1 + WINDOWS; hop++, samples += HOP)
    if (hop < -SILENT || hop > num_frames + SILENT)
      clear(samples, HOP);
    else
      copy(samples, wave_at(cache, wave, hop), HOP);
}

// Waveforms [4][2048] of the frames `frame` to frame + 3, or of fewer, for wave `index`.
static void frames_of(const Cache *cache, int index, int num_frames, int frame, int count, float *lanes, float *pieces) {
  static float heard[LANES], samples[4][2 * HALF];
  const float *spectra[4], *around[4];
  for (int i = 0; i < 4; i++) spectra[i] = spectrum_at(cache, frame + least(i, count - 1)), around[i] = samples[i];
  interleave(spectra, lanes);
  if (index > 0) {
    for (int i = 0; i < count; i++) windowed_hops(cache, index - 1, num_frames, frame + i, samples[i]);
    forward(around, heard);
    project(heard, lanes);
  }
  backward(lanes, pieces);
}

// Hops first to last of wave `index`: of wave 0 from the drawn spectra, of others by a projection of the wave before.
//
// Windows are added in the order of time, so that each sum has the same bits in any range. The 1.5 is the sum of four
// squared Hann windows.
EXPORT(wave) void wave(Cache *cache, int index, int num_frames, int first, int last) {
  static float lanes[LANES], pieces[4 * 2 * HALF];
  for (int h = first; h < last; h++) clear(wave_at(cache, index, h), HOP);
  int end = least(last + 1, num_frames + SILENT + 1);
  for (int frame = most(first - 2, EARLIEST); frame < end; frame += 4) {
    int count = least(4, end - frame);
    frames_of(cache, index, num_frames, frame, count, lanes, pieces);
    for (int i = 0; i < WINDOWS * count; i++) {
      int h = frame + i / WINDOWS - 1 + i % WINDOWS;
      if (h < first || h >= last) continue;
      float *to = wave_at(cache, index, h);
      const float *piece = pieces + i * HOP;
      for (int s = 0; s < HOP; s += 4) STORE(to + s, ADD(LOAD(to + s), LOAD(piece + s)));
    }
  }
  for (int h = first; h < last; h++) {
    float *to = wave_at(cache, index, h);
    for (int s = 0; s < HOP; s += 4) STORE(to + s, MUL(LOAD(to + s), SPLAT(1 / 1.5f)));
    if (h == -SILENT) clear(to, HOP / 2);
    if (h == num_frames + SILENT) clear(to + HOP / 2, HOP / 2);
  }
}

// The samples of frames first to last of a wave.
EXPORT(samples) void samples(const Cache *cache, int index, int first, int last, float *out) {
  for (int frame = first; frame < last; frame++, out += HOP) {
    copy(out, wave_at(cache, index, frame) + HOP / 2, HOP / 2);
    copy(out + HOP / 2, wave_at(cache, index, frame + 1), HOP / 2);
  }
}
