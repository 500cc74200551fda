// @ts-check
// What the page says of the edits that were made, those included that the server has not answered yet.

const SHOWN = 12;

/** @typedef {{history: string[], edits: number, can_undo: boolean, can_redo: boolean}} History */

/**
 * @param {History} history as the server has it
 * @param {boolean} isWaiting whether edits of this clip are on their way
 */
export function historyShown({ history, edits, can_undo, can_redo }, isWaiting) {
  return {
    labels: history.slice(-SHOWN).reverse(),
    first: edits,
    isEmpty: history.length === 0,
    canUndo: can_undo || isWaiting,
    canRedo: can_redo,
  };
}
