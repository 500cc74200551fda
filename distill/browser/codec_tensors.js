// @ts-check
// The tensors of a codec's file: their names, shapes and kinds, as its settings say.

/** @typedef {import("./codec_file.js").ModelSettings} ModelSettings */
/** @typedef {import("./codec_file.js").VocoderSettings} VocoderSettings */
/** @typedef {{shape: number[], kind: "float" | "int" | "bool"}} Expected */

const BANDS = 128;
const BINS = 1025;

/** A set of tensors that a file has all of, or none of. */
class Part {
  /** @type {Map<string, Expected>} */
  tensors = new Map();

  /** @param {string} name @param {number[]} shape @param {Expected["kind"]} [kind] */
  add(name, shape, kind = "float") {
    this.tensors.set(name, { shape, kind });
  }

  /** @param {string} name @param {number[]} weight @param {number} outputs */
  layer(name, weight, outputs) {
    this.add(`${name}.weight`, weight);
    this.add(`${name}.bias`, [outputs]);
  }

  /** @param {string} name @param {number} channels */
  norm(name, channels) {
    for (const part of ["weight", "bias", "running_mean", "running_var"]) this.add(`${name}.${part}`, [channels]);
  }

  /** A residual block. @param {string} name @param {number} channels @param {number} width */
  block(name, channels, width) {
    this.add(`${name}.body.0.weight`, [channels, channels, 3, width]);
    this.norm(`${name}.body.1`, channels);
    this.add(`${name}.body.3.weight`, [channels, channels, 3, 1]);
    this.norm(`${name}.body.4`, channels);
  }
}

/** Strides in time of the encoder's stages, the first at the highest resolution. @param {number} timeStride */
export const timeSteps = (timeStride) => [2, 4, 8, 16].map((least) => (timeStride >= least ? 2 : 1));

/** @param {ModelSettings} settings */
function encoderPart(settings) {
  const part = new Part();
  const channels = [1, 16, 32, 64, 128];
  timeSteps(settings.time_stride).forEach((step, stage) => {
    const at = stage ? 4 * stage - 2 : 0;
    const [before, after] = channels.slice(stage, stage + 2);
    part.layer(`encoder.stages.${at}`, [after, before, 4, 2 + step], after);
    if (!stage) return;
    part.add(`encoder.stages.${at + 1}.bias`, [1, after, BANDS >> (stage + 1), 1]);
    part.norm(`encoder.stages.${at + 2}`, after);
  });
  part.block("encoder.stages.14", 128, 3);
  part.layer("encoder.stages.15", [settings.codebook_dim, 128, 1, 1], settings.codebook_dim);
  return part;
}

/** @param {ModelSettings} settings */
function decoderPart(settings) {
  const part = new Part();
  const { codebook_dim: dim, codebook_size: size, num_quantizers: levels } = settings;
  part.add("mel_mean", [1, 1, BANDS, 1]);
  part.add("mel_std", [1, 1, BANDS, 1]);
  for (let level = 0; level < levels; level++)
    part.add(`quantizer.rvq.layers.${level}._codebook.embed`, [1, size, dim]);
  const channels = [256, 96, 48, 24, 1];
  part.layer("decoder.stages.1", [256, dim, 1, 1], 256);
  part.add("decoder.stages.2.bias", [1, 256, 8, 1]);
  part.norm("decoder.stages.3", 256);
  part.block("decoder.stages.5", 256, 1);
  const steps = timeSteps(settings.time_stride).reverse();
  for (let stage = 0, at = 6; stage < 4; at += stage < 2 ? 4 : 2, stage++) {
    const [before, after] = channels.slice(stage, stage + 2);
    part.layer(`decoder.stages.${at}`, [before, after, 4, 3 * steps[stage] - 2], after);
    if (stage > 1) continue;
    part.add(`decoder.stages.${at + 1}.bias`, [1, after, 16 << stage, 1]);
    part.norm(`decoder.stages.${at + 2}`, after);
  }
  return part;
}

/** @param {VocoderSettings} settings */
function vocoderPart({ channels, hidden, blocks }) {
  const part = new Part();
  part.layer("vocoder.enter", [channels, 7 * BANDS], channels);
  part.layer("vocoder.first_norm", [channels], channels);
  for (let index = 0; index < blocks; index++) {
    const name = `vocoder.blocks.${index}`;
    part.add(`${name}.scale`, [channels]);
    part.layer(`${name}.in_time`, [channels, 1, 7], channels);
    part.layer(`${name}.norm`, [channels], channels);
    part.layer(`${name}.widen`, [hidden, channels], hidden);
    part.layer(`${name}.narrow`, [channels, hidden], channels);
  }
  part.layer("vocoder.last_norm", [channels], channels);
  part.layer("vocoder.draw", [2 * BINS + BANDS, channels], 2 * BINS + BANDS);
  return part;
}

/** What only a training needs. @param {ModelSettings} settings @param {Iterable<string>} others names of all others */
function trainingPart(settings, others) {
  const part = new Part();
  const { codebook_dim: dim, codebook_size: size, num_quantizers: levels } = settings;
  for (const name of others)
    if (name.endsWith("running_mean"))
      part.add(`${name.slice(0, -"running_mean".length)}num_batches_tracked`, [], "int");
  for (let level = 0; level < levels; level++) {
    const name = `quantizer.rvq.layers.${level}._codebook`;
    part.add(`${name}.initted`, [], "bool");
    part.add(`${name}.cluster_size`, [1, size]);
    part.add(`${name}.embed_avg`, [1, size, dim]);
  }
  return part;
}

/**
 * The tensors of a file, part by part. A file for the page has no part "training", and perhaps no encoder.
 * @param {ModelSettings} settings
 * @param {VocoderSettings | null} vocoder
 * @returns {Record<"decoder" | "encoder" | "vocoder" | "training", Map<string, Expected>>}
 */
export function expectedTensors(settings, vocoder) {
  const decoder = decoderPart(settings).tensors;
  const encoder = encoderPart(settings).tensors;
  const training = trainingPart(settings, [...encoder.keys(), ...decoder.keys()]).tensors;
  return { decoder, encoder, training, vocoder: vocoder ? vocoderPart(vocoder).tensors : new Map() };
}
