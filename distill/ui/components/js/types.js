// @ts-check
// Types of Gradio's component interface, and of the messages between the page and the server.

/**
 * A sentence in place of an answer; `gone` if the server no longer has the clip.
 * @typedef {{error: string, gone?: boolean}} Refusal
 */

/**
 * @template T
 * @typedef {Promise<T | Refusal | null>} Answer
 */

/**
 * The object that Gradio passes to the script of a component.
 * @template Value, Server
 * @typedef {object} Component
 * @property {HTMLElement} element
 * @property {{value: Value} & Record<string, any>} props
 * @property {Server} server
 * @property {(event: string, data?: object) => void} trigger
 * @property {(names: string | string[], callback: () => void) => void} watch called after a property changed
 * @property {OpenCodec} [openCodec] opens the codec of a clip, where no server offers it
 */

/**
 * Pictures of a codec, independent of the clip: a picture of each level's codes side by side, their CSS colours, and
 * their order, in which neighbours sound alike.
 * @typedef {{sprites: string[], colours: string[][], order: number[][]}} CodecPictures
 */

/** @typedef {(request: {work: string}) => Answer<CodecPictures>} AskForPictures */

/**
 * What the lens knows of a codec: near codes by level and code, and what a cell of each row changes, from `before` frames
 * before the cell on; `shares` are [rows][bands][frames] bytes in base64, the lowest band first.
 * @typedef {{near: number[][][], spread: {before: number, frames: number, bands: number, shares: string},
 *   slides?: import("../../../browser/grid_slides.js").PackedDirections}} CodecLens `slides` only if they were asked for
 */

/** @typedef {{columns: number, indices: string, spectrogram: string}} SecondGrid the codes of a second clip */

/** @typedef {(request: {work: string, level: number, code: number}) => Answer<{flac: string}>} AskForCode */

/**
 * A clip's grid of codes.
 * @typedef {object} GridValue
 * @property {string} work secret of the work on the server
 * @property {string} name file name of the clip
 * @property {boolean} editable false for the example, until the page has its own copy
 * @property {string[]} levels names of the levels
 * @property {number} rows
 * @property {number} columns
 * @property {number} size number of codes of a level
 * @property {number} num_frames
 * @property {string} model_id
 * @property {number} format version of the file format of grids
 * @property {string} indices codes, 16-bit numbers in base64
 * @property {string} original codes before any edit, in the same form
 * @property {string | null} [mix] faders of the codes in the same form, as distill/codes/mixing.py has them; null if all are 1
 * @property {string | null} [original_mix] faders before any edit
 * @property {number[][] | null} [quiet] codes of silence by level and row
 * @property {number[][]} usage number of uses of each code, by level
 * @property {string[]} bands a label for each row, the lowest first
 * @property {number} time_stride frames in a column
 * @property {number} column_seconds
 * @property {number} sample_rate
 * @property {number} samples number of samples of the whole sound
 * @property {number} piece_samples number of samples of a piece, except the last
 * @property {number} edit_cells maximum number of cells of one edit
 * @property {string} codec_file address of the codec for the page; "" if there is none
 * @property {string} spectrogram picture as a data URI
 * @property {string[]} history labels of the latest edits
 * @property {number} edits number of edits
 * @property {boolean} can_undo
 * @property {boolean} can_redo
 * @property {{tempo: number, offset: number, bar: number, loop: number[]} | null} [timing] beat and loop, if they are known
 */

/**
 * The changes by an edit. After the positions of the codes follow those of the faders. After many changes, `positions`
 * is null, `indices` has all codes, and `mix` all faders, or null if all are 1. `flac` is the sound
 * where the change begins, and `start` its first sample; `stale` has the spans of samples to fetch again before
 * playback. `version` counts the changes of the sound.
 * @typedef {object} EditAnswer
 * @property {number[] | null} positions
 * @property {number[] | null} codes
 * @property {string} [indices]
 * @property {string | null} [mix]
 * @property {number} start
 * @property {string | null} flac
 * @property {[number, number][]} stale
 * @property {number} version
 * @property {string[]} history
 * @property {number} edits
 * @property {boolean} can_undo
 * @property {boolean} can_redo
 * @property {number} [off] distance of a blend or a slide from the sound that was asked for, as a share of it
 * @property {number} [since] number of edits before the gesture of the edit
 */

/** @typedef {"edited" | "before" | "solo"} GridTrack */
/** @typedef {{levels: [number, number], rows: [number, number], columns: [number, number], only?: [number, number][]}} Solo what is heard alone */
/** @typedef {{flac: string, pieces: number, version?: number}} GridPiece */

/**
 * @typedef {object} GridServer
 * @property {(request: Record<string, unknown>) => Answer<any>} edit
 * @property {(request: {work: string, track: GridTrack, piece: number, solo?: Solo}) => Answer<GridPiece>} sound
 * @property {AskForCode} audition
 * @property {AskForPictures} codec_pictures
 * @property {(request: Record<string, unknown>) => Answer<any>} [takes] missing where no server draws them
 * @property {(request: {work: string, slides?: boolean}) => Answer<CodecLens>} [codec_lens]
 * @property {(request: {work: string}) => Answer<SecondGrid>} [second_grid]
 * @property {(request: Record<string, unknown>) => Answer<any>} [timing] finds and keeps the beat and the loop
 * @property {(request: {work: string}) => Answer<{clips: {id: string, name: string}[]}>} [clip_names]
 * @property {(request: {work: string, id: string, heard: boolean}) => Answer<PlayedClip>} [clip_codes]
 */

/**
 * A clip that is played on a pad: its codes in the codec of the open clip, and its sound if it was asked for.
 * @typedef {{indices: string, columns: number, num_frames: number, flac: string | null}} PlayedClip
 */

/**
 * A part of a clip's sound: its first frame, its samples, and the number of the latest change of codes that it has.
 * @typedef {{first: number, samples: Float32Array, change: number}} SoundPart
 */

/**
 * The part of a codec in the page that the components use; see browser/page_codec.js.
 * @typedef {object} PageCodec
 * @property {string} [modelId] the codec's `model_id`
 * @property {(codes: Uint16Array, columns: number, numFrames: number, quiet?: Uint16Array) => PageGrid} openGrid
 * @property {(level: number, code: number) => Promise<Float32Array>} audition
 * @property {(sentence: string) => void} onlost called when the codec fails again and again
 * @property {() => void} close
 */

/**
 * @typedef {object} PageGrid
 * @property {(puts: [number, number][]) => void} put
 * @property {(columns: [number, number]) => [number, number]} heardFrames
 * @property {(first: number, last: number, options?: {urgent?: boolean, signal?: AbortSignal}) =>
 *   AsyncIterable<{first: number, samples: Float32Array}>} sound
 * @property {() => void} close
 */

/** @typedef {(value: {codec_file: string}) => Promise<PageCodec>} OpenCodec */

/**
 * The tracks of a clip; the first is the original.
 * @typedef {{work: string, seconds: number, sample_rate: number,
 *   tracks: {name: string, note: string, file: string}[]}} PlayerValue
 */

/**
 * @typedef {{sound: (request: {work: string, track: number, piece: number}) =>
 *   Answer<{flac: string, pieces: number, gain_db: number | null}>}} PlayerServer
 */

/**
 * A clip's spectrograms and codes: `titles` are name and note of the original, of its first level, of its first two
 * levels, and so on; `indices` are the codes before any edit.
 * @typedef {{work: string, model_id: string, seconds: number, frame_seconds: number, num_frames: number,
 *   time_stride: number, levels: string[], rows: number, columns: number, size: number, indices: string,
 *   titles: [string, string][]}} SpectraValue
 */

/**
 * Spectrograms of a part of a clip, each as a zlib stream of bytes in base64; see spectra_data.js.
 * @typedef {{first: number, stride: number, columns: number, low_db: number, step_db: number, top_db: number,
 *   mels: string[]}} SpectraAnswer
 */

/**
 * @typedef {object} SpectraServer
 * @property {(request: {work: string, first: number, last: number}) => Answer<SpectraAnswer>} spectra
 * @property {AskForPictures} codec_pictures
 */

/**
 * Number of uses of each code in the clip, and in the training clips if known.
 * @typedef {{work: string, model_id: string, codec_file: string, sample_rate: number, levels: string[], size: number, here: number[][],
 *   trained: number[][] | null}} CodebookValue
 */

/** @typedef {{audition: AskForCode, codec_pictures: AskForPictures}} CodebookServer */

/**
 * A clip of the strip; `group` is "yours", "opened" or "examples"; `weight` is how many times as often as others a
 * training hears it, null if it cannot be weighted.
 * @typedef {{id: string, name: string, seconds: number, group: string, is_kept: boolean, note: string,
 *   weight: number | null}} StripClip
 */

/**
 * The strip: its clips, the ids of the open clip and of the second one, the codec in use, and what is to be said of the
 * clips; `is_own` unless the codec is the example codec; `before` is the codec that was in use before.
 * @typedef {{clips: StripClip[], open: string, second: string, sound_id: string, is_own: boolean, note: string,
 *   before: {sound_id: string, name: string} | null, heard_seconds: number, sample_rate: number}} StripValue
 */

/**
 * A picture is 32 bands of 64 levels from 0 to 255 in base64, the lowest band first.
 * @typedef {object} StripServer
 * @property {(request: {ids: string[]}) => Answer<{pictures: (string | null)[]}>} strip_pictures
 * @property {(request: {ids: string[], sound_id: string}) => Answer<{mel_l1: (number | null)[], words: (string | null)[],
 *   codes: (number | null)[]}>} strip_errors
 * @property {(request: {id: string, track: "original" | "codec", sound_id: string}) => Answer<{flac: string}>} strip_sound
 */

/**
 * A recording that can be cut: its pieces are those that stand in the set in its place, none if it is whole; `is_long`
 * if it is likely to be worth cutting.
 * @typedef {{id: string, name: string, seconds: number, num_samples: number, is_long: boolean,
 *   pieces: [number, number][]}} Recording
 */

/** @typedef {{recordings: Recording[], sample_rate: number}} CutterValue */

/**
 * A waveform has the lowest and the highest sample of each block by turns, as signed bytes in base64.
 * @typedef {object} CutterServer
 * @property {(request: {id: string}) => Answer<{extremes: string, block: number}>} cut_waveform
 * @property {(request: {id: string, start: number, stop: number}) => Answer<{flac: string}>} cut_sound
 * @property {(request: {id: string, by: "onsets" | "silence", fineness: number}) =>
 *   Answer<{pieces: [number, number][]}>} cut_found
 */

/**
 * A codec in a library; times are seconds since 1970.
 * @typedef {{id: string, name: string, model_id: string, levels: number, clips: number, num_bytes: number, kept: number,
 *   until: number}} KeptCodec `levels`, `clips` and `kept` are 0 where they are not known
 */

/**
 * The library that the page shows.
 * @typedef {object} ShelfValue
 * @property {string} key what opens it; "" if there is none
 * @property {KeptCodec[]} codecs
 * @property {string} limits how long and how much is kept
 * @property {string} empty why there may be nothing in it
 */

export {};
