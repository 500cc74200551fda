// @ts-check
// What Gradio gives a component, and what the page and the server say to each other.

/**
 * A sentence in place of an answer; `gone` if the server no longer has the clip.
 * @typedef {{error: string, gone?: boolean}} Refusal
 */

/**
 * @template T
 * @typedef {Promise<T | Refusal | null>} Answer
 */

/**
 * What Gradio hands to the script of a component.
 * @template Value, Server
 * @typedef {object} Component
 * @property {HTMLElement} element
 * @property {{value: Value} & Record<string, any>} props
 * @property {Server} server
 * @property {(event: string, data?: object) => void} trigger
 * @property {(names: string | string[], callback: () => void) => void} watch called after a property changed
 */

/**
 * What belongs to a codec, not to a clip: a picture of each level's codes side by side, their CSS colours, and their
 * order, in which neighbours sound alike.
 * @typedef {{sprites: string[], colours: string[][], order: number[][]}} CodecPictures
 */

/** @typedef {(request: {work: string}) => Answer<CodecPictures>} AskForPictures */

/** @typedef {(request: {work: string, level: number, code: number}) => Answer<{flac: string}>} AskForCode */

/**
 * A clip's grid of codes.
 * @typedef {object} GridValue
 * @property {string} work the secret by which the server finds the clip
 * @property {string} name of the clip's file
 * @property {boolean} editable false for the example, until the page has a copy of its own
 * @property {string[]} levels their names
 * @property {number} rows
 * @property {number} columns
 * @property {number} size codes of a level
 * @property {number} num_frames
 * @property {string} model_id
 * @property {number} format of a grid's file
 * @property {string} indices 16-bit numbers in base64
 * @property {string} original the same before any edit
 * @property {number[][]} usage how often each code of each level occurs
 * @property {string[]} bands a label for each row, the lowest first
 * @property {number} column_seconds
 * @property {number} sample_rate
 * @property {number} samples of the whole sound
 * @property {number} piece_samples of each piece of the sound but the last
 * @property {number} pieces
 * @property {number} edit_cells the most cells that one edit may name
 * @property {string} spectrogram data URI of a picture
 * @property {string[]} history labels of the latest edits
 * @property {number} edits how many there are
 * @property {boolean} can_undo
 * @property {boolean} can_redo
 */

/**
 * What an edit changed. Where many codes changed, `positions` is null, and `indices` has all codes. `flac` is the sound
 * where the change begins, and `start` its first sample; `stale` are spans of samples that are to be asked for again
 * before they are played. `version` counts the changes of the sound.
 * @typedef {object} EditAnswer
 * @property {number[] | null} positions
 * @property {number[] | null} codes
 * @property {string} [indices]
 * @property {number} start
 * @property {string | null} flac
 * @property {[number, number][]} stale
 * @property {number} version
 * @property {string[]} history
 * @property {number} edits
 * @property {boolean} can_undo
 * @property {boolean} can_redo
 */

/** @typedef {"edited" | "before"} GridTrack */
/** @typedef {{flac: string, pieces: number, version?: number}} GridPiece */

/**
 * @typedef {object} GridServer
 * @property {(request: Record<string, unknown>) => Answer<any>} edit
 * @property {(request: {work: string, track: GridTrack, piece: number}) => Answer<GridPiece>} sound
 * @property {AskForCode} audition
 * @property {AskForPictures} codec_pictures
 */

/**
 * A clip's tracks; the first is the original.
 * @typedef {{work: string, seconds: number, sample_rate: number,
 *   tracks: {name: string, note: string, file: string}[]}} PlayerValue
 */

/**
 * @typedef {{sound: (request: {work: string, track: number, piece: number}) =>
 *   Answer<{flac: string, pieces: number, gain_db: number | null}>}} PlayerServer
 */

/**
 * How often the codes occur in the clip, and in the clips that the codec was trained on, if that is known.
 * @typedef {{work: string, model_id: string, sample_rate: number, levels: string[], size: number, here: number[][],
 *   trained: number[][] | null}} CodebookValue
 */

/** @typedef {{audition: AskForCode, codec_pictures: AskForPictures}} CodebookServer */

export {};
