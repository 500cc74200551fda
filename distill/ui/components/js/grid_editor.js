// @ts-check
// A visitor's edits of the code grid: what a tool asks for is shown at once, sent, and corrected by the answer.

import { EditQueue } from "./edit_queue.js";
import { editsWaiting } from "./edits_waiting.js";
import { editOf, idleWords, putsOf } from "./grid_tools.js";
import { parts } from "./selection.js";
import { answerTo, isRefusal } from "./server.js";

const NOTHING_COPIED = "There is nothing to paste yet: select some cells and copy them.";
const KEPT_HERE = "The server does not answer. Your edits are still on this page: trying again …";

export class GridEditor {
  #grid;
  made = 0; // number of edits that were made here and not undone

  get grid() {
    return this.#grid;
  }

  /** @param {import("./code_grid.js").CodeGrid} grid */
  constructor(grid) {
    this.#grid = grid;
    // Where the page makes the sound, the server need not.
    this.queue = new EditQueue(
      (request) => grid.server.edit(grid.sound.isLocal ? { ...request, heard: false } : request),
      {
        done: (edit, answer) => this.#done(edit, answer),
        refused: (edit, refusal) => this.#refused(edit, refusal),
        gone: (edit, refusal) => this.#gone(edit, refusal),
        retrying: () => grid.tell(KEPT_HERE),
        changed: () => {
          editsWaiting.set(this.queue.length);
          grid.show();
        },
      },
    );
  }

  /** The secret under which this clip's edits wait; null for the example, until the page has a copy. */
  get #work() {
    return this.#grid.value.editable ? this.#grid.value.work : null;
  }

  get waiting() {
    return this.queue.editsOf(this.#work);
  }

  get waitingPuts() {
    return this.waiting.flatMap((edit) => edit.puts);
  }

  /**
   * @param {import("./grid_tools.js").Asked} asked
   * @param {import("./grid_codes.js").Put[]} puts
   * @param {(answer: import("./types.js").EditAnswer) => void} [then] called after the edit was done
   */
  edit({ kind, ...fields }, puts = [], then = undefined) {
    this.#grid.pads.finish(); // what was played before is an edit before this one
    this.made += kind === "undo" ? -1 : 1;
    this.#grid.state.codes.put(puts);
    this.queue.add(this.#work, kind, fields, puts, then);
  }

  sendStroke() {
    const grid = this.#grid;
    const stroke = grid.state.endStroke();
    if (!stroke) return;
    grid.sound.wake(); // a finger that goes down is no permission, but one that is lifted is
    const { level, code } = stroke;
    for (const cells of parts(stroke.cells, grid.value.edit_cells)) {
      const places = cells.map(({ row, column }) => [row, column]);
      const puts = cells.map(
        ({ row, column }) => /** @type {[number, number]} */ ([grid.state.codes.positionOf(level, row, column), code]),
      );
      const gesture = cells.length === 1 && grid.entry.gestureOf({ level, ...cells[0] });
      this.edit({ kind: "paint", level, code, cells: places, ...(gesture && { gesture }) }, puts);
    }
  }

  /**
   * Carry out the action of a button.
   * @param {string} name
   */
  act(name) {
    const grid = this.#grid;
    if (name === "copy" || name === "cut") this.#copy();
    if (name === "paste") this.#paste();
    const tool = name === "cut" ? "clear" : name;
    const asked = editOf(tool, grid.state, grid.controls.numbers, grid.second?.work ?? null);
    if (typeof asked === "string") grid.tell(asked);
    else if (asked) this.edit(asked, putsOf(asked, grid.state.codes));
  }

  #copy() {
    const grid = this.#grid;
    const codes = grid.state.copy();
    const what = codes.length === 1 ? grid.value.levels[grid.state.level] : "all levels";
    grid.tell(`Copied ${codes[0].length} × ${codes[0][0].length} cells of ${what}.`);
    grid.show();
  }

  #paste() {
    const grid = this.#grid;
    if (!grid.state.clipboard) grid.tell(NOTHING_COPIED);
    for (const paste of grid.state.pastes(grid.value.edit_cells)) {
      const asked = { kind: "paste", ...paste };
      this.edit(asked, putsOf(asked, grid.state.codes));
    }
  }

  /**
   * @param {import("./edit_queue.js").Edit} edit
   * @param {import("./types.js").EditAnswer} answer
   */
  async #done({ work, request, then }, answer) {
    const grid = this.#grid;
    if (work !== grid.value.work) return; // another clip is open now; the server keeps the first with its edits
    grid.tell(request.gesture ? "" : idleWords(request.kind, answer.positions));
    grid.state.codes.correct(answer, this.waitingPuts);
    const { history, edits, can_undo, can_redo } = answer;
    Object.assign(grid.value, { history, edits, can_undo, can_redo });
    if (then) then(answer);
    else if (!["undo", "redo", "look"].includes(request.kind)) grid.sliders.edited(answer);
    if ("second" in answer) void grid.beside.fetch();
    grid.show();
    await grid.sound.answered(answer, grid.state.hearsEdits);
  }

  /**
   * Return to the server's codes after a refused edit.
   * @param {import("./edit_queue.js").Edit} edit
   * @param {import("./types.js").Refusal} refusal
   */
  async #refused({ work }, refusal) {
    const grid = this.#grid;
    if (work !== grid.value.work) return;
    grid.tell(refusal.error);
    const answer = await answerTo(grid.server.edit({ work, kind: "look" }));
    if (work !== grid.value.work || isRefusal(answer)) return;
    grid.state.codes.correct(answer, this.waitingPuts);
    grid.show();
  }

  /**
   * @param {import("./edit_queue.js").Edit} edit
   * @param {import("./types.js").Refusal} refusal
   */
  #gone({ work }, refusal) {
    const grid = this.#grid;
    if (work === grid.value.work) void grid.offerCodes(refusal.error);
  }
}
