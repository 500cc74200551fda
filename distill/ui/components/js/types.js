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
 */

/**
 * Pictures of a codec, independent of the clip: a picture of each level's codes side by side, their CSS colours, and
 * their order, in which neighbours sound alike.
 * @typedef {{sprites: string[], colours: string[][], order: number[][]}} CodecPictures
 */

/** @typedef {(request: {work: string}) => Answer<CodecPictures>} AskForPictures */

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
 * @property {number[][]} usage number of uses of each code, by level
 * @property {string[]} bands a label for each row, the lowest first
 * @property {number} time_stride frames in a column
 * @property {number} column_seconds
 * @property {number} sample_rate
 * @property {number} samples number of samples of the whole sound
 * @property {number} piece_samples number of samples of a piece, except the last
 * @property {number} pieces
 * @property {number} edit_cells maximum number of cells of one edit
 * @property {string} spectrogram picture as a data URI
 * @property {string[]} history labels of the latest edits
 * @property {number} edits number of edits
 * @property {boolean} can_undo
 * @property {boolean} can_redo
 */

/**
 * The changes by an edit. After many changes, `positions` is null, and `indices` has all codes. `flac` is the sound
 * where the change begins, and `start` its first sample; `stale` has the spans of samples to fetch again before
 * playback. `version` counts the changes of the sound.
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
 * The tracks of a clip; the first is the original.
 * @typedef {{work: string, seconds: number, sample_rate: number,
 *   tracks: {name: string, note: string, file: string}[]}} PlayerValue
 */

/**
 * @typedef {{sound: (request: {work: string, track: number, piece: number}) =>
 *   Answer<{flac: string, pieces: number, gain_db: number | null}>}} PlayerServer
 */

/**
 * Number of uses of each code in the clip, and in the training clips if known.
 * @typedef {{work: string, model_id: string, sample_rate: number, levels: string[], size: number, here: number[][],
 *   trained: number[][] | null}} CodebookValue
 */

/** @typedef {{audition: AskForCode, codec_pictures: AskForPictures}} CodebookServer */

export {};
