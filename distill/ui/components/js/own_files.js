// @ts-check
// What a visitor opens: sounds, and grids in files. All of it stays in the page.

import { GridError } from "../../../browser/edit_refusals.js";
import { readGridFile } from "../../../browser/grid_files.js";
import { isResampled, resampled } from "../../../browser/resampling.js";
import { sampleRateOf } from "../../../browser/sample_rates.js";
import { HOP, SAMPLE_RATE } from "../../../browser/units.js";

const MOST_BYTES = 256 * 1024 ** 2;
const MOST_SECONDS = 600;
const SILENCE = 1e-4; // -80 dB

/**
 * @typedef {{grid: import("../../../browser/grid_files.js").Grid} | {waveform: Float32Array<ArrayBuffer>}} Opened
 */

/**
 * Read a file that is a grid or a sound.
 * @param {File} file
 * @param {boolean} hasEncoder whether sounds can be opened
 * @returns {Promise<Opened>} rejects with a GridError
 */
export async function openFile(file, hasEncoder) {
  if (!file.size) throw new GridError(`${file.name} is empty: the file has no bytes in it.`);
  if (file.size > MOST_BYTES) throw new GridError(`${file.name} is too large: at most 256 MB can be opened here.`);
  const content = new Uint8Array(await file.arrayBuffer());
  if (isGrid(file.name, content)) {
    try {
      return { grid: await readGridFile(content) };
    } catch (error) {
      throw error instanceof GridError ? new GridError(`${file.name}: ${error.message}`) : error;
    }
  }
  if (!hasEncoder) {
    throw new GridError("This instrument was made without its encoder: it opens grids and texts, and no sounds.");
  }
  return { waveform: await waveformOf(file.name, content.buffer) };
}

/**
 * @param {string} name
 * @param {Uint8Array} content
 */
function isGrid(name, content) {
  const first = content.find((byte) => byte > 32);
  return /\.(npz|json)$/i.test(name) || (content[0] === 0x50 && content[1] === 0x4b) || first === 0x7b;
}

/**
 * The sound of a file as a clip: one channel at 44 100 Hz, not above full scale.
 * @param {string} name
 * @param {ArrayBuffer} content
 */
async function waveformOf(name, content) {
  const sound = await decoded(name, content);
  if (sound.duration > MOST_SECONDS) {
    throw new GridError(`${name} is too long: ${Math.ceil(sound.duration)} s, where at most ${MOST_SECONDS} s fit.`);
  }
  const waveform = await resampled(mixed(sound), sound.sampleRate, SAMPLE_RATE, nextTask);
  if (waveform.length < HOP) throw new GridError(`${name} is too short: sound starts at 12 ms.`);
  const loudest = waveform.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  if (!(loudest >= SILENCE)) throw new GridError(`${name} is silent: nothing in it is louder than -80 dB.`);
  return loudest > 1 ? waveform.map((sample) => sample / loudest) : waveform;
}

/** Let the page do something else. */
const nextTask = () => new Promise((next) => setTimeout(next, 0));

/**
 * The sound at the file's own rate: browsers resample less finely than the server does.
 * @param {string} name
 * @param {ArrayBuffer} content
 */
async function decoded(name, content) {
  const own = sampleRateOf(content);
  const rate = isResampled(own, SAMPLE_RATE) ? own : SAMPLE_RATE;
  const copy = content.slice(0); // a decoder takes what it is given
  try {
    return await new OfflineAudioContext(1, 1, rate).decodeAudioData(content);
  } catch {
    const again = new OfflineAudioContext(1, 1, SAMPLE_RATE).decodeAudioData(copy); // some browsers refuse some rates
    return await again.catch(() => {
      throw new GridError(`${name} is no sound that this browser can read, and no grid of codes.`);
    });
  }
}

/** The mean of all channels. @param {AudioBuffer} sound */
function mixed(sound) {
  const mono = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel++) {
    const samples = sound.getChannelData(channel);
    for (let index = 0; index < mono.length; index++) mono[index] += samples[index] / sound.numberOfChannels;
  }
  return mono;
}
