// Memory: weights and caches at the bottom, scratch above; a stack, so nothing is ever searched for.
#include "kernel.h"

extern unsigned char __heap_base;
static unsigned top;

EXPORT(alloc) void *alloc(unsigned bytes) {
  if (!top) top = ((unsigned)&__heap_base + 63) & ~63u;
  unsigned begin = top, size = (bytes + 63) & ~63u;
  if (size < bytes || begin + size < begin) __builtin_trap();
  unsigned have = (unsigned)__builtin_wasm_memory_size(0) << 16;
  if (begin + size > have && __builtin_wasm_memory_grow(0, (begin + size - have + 65535) >> 16) == (unsigned long)-1)
    __builtin_trap();  // a RuntimeError in JavaScript
  top = begin + size;
  return (void *)begin;
}

EXPORT(mark) unsigned mark(void) { return (unsigned)alloc(0); }

EXPORT(release) void release(unsigned to) { top = to; }

float *floats(unsigned count) { return alloc(count * 4); }

void clear(float *p, unsigned count) { __builtin_memset(p, 0, count * 4); }

void copy(float *to, const float *from, unsigned count) { __builtin_memcpy(to, from, count * 4); }

float *zeros(unsigned count) {
  float *p = floats(count);
  clear(p, count);
  return p;
}
