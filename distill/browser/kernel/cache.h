// What is kept of a grid while it is heard: the result of each stage for some hundred frames. Frame f of a result lies
// in place f modulo the number of places. JavaScript knows which frame each place holds.
#pragma once

typedef struct {
  int places, column_places;
  float *columns;   // [column_places][10][256]: columns before the upsampling, a row of zeros at both ends
  float *mel;       // [places][128]
  float *layers;    // [blocks + 1][places][channels, padded]
  float *spectrum;  // [places][real, imaginary][1028]
  float *waves;     // [projections + 1][places][512]
} Cache;

static inline int place(int number, int places) {
  int rest = number % places;
  return rest < 0 ? rest + places : rest;
}
