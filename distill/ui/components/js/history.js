// @ts-check
// The texts about the history of edits, with the edits that the server has not answered yet.

const SHOWN = 12;

/** @typedef {{history: string[], edits: number, can_undo: boolean, can_redo: boolean}} History */

/**
 * @param {History} history as received from the server
 * @param {boolean} isWaiting whether edits of this clip wait for an answer
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
