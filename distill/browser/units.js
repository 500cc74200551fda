// @ts-check
// What all clips and codecs have in common.

export const SAMPLE_RATE = 44_100;
export const HOP = 512; // samples of a frame
export const BANDS = 128; // of the mel scale
export const DECIBELS = 20 / Math.LN10; // in a neper

/** The mel scale of Slaney's Auditory Toolbox. */
const LINEAR = 200 / 3; // Hz of a mel below 1000 Hz
const LOG_STEP = Math.log(6.4) / 27;
export const melOf = (/** @type {number} */ hz) => (hz < 1000 ? hz / LINEAR : 15 + Math.log(hz / 1000) / LOG_STEP);
export const hzOf = (/** @type {number} */ mel) => (mel < 15 ? mel * LINEAR : 1000 * Math.exp(LOG_STEP * (mel - 15)));
