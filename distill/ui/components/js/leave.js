// @ts-check
// The button that deletes a visitor's data; it must be pressed twice.

import { forgetChoices } from "./kept_choices.js";
import { forgetLibrary, ownKey } from "./library_keys.js";
import { forgetTraining } from "./training.js";

const SURE_MILLISECONDS = 6_000;
let isSure = false;

/** @param {HTMLElement} button */
async function leaveBy(button) {
  if (!isSure) {
    const label = button.textContent;
    isSure = true; // no dialog, because browsers block dialogs in another site's frame
    button.classList.add("sure");
    const deleted = "clips, edits, trainings and files of yours are deleted for good";
    const left = ownKey() ? "; what you keep in a library stays, and only its link opens it" : "";
    button.textContent = `Press again: ${deleted}${left}`;
    setTimeout(() => {
      isSure = false;
      button.classList.remove("sure");
      button.textContent = label;
    }, SURE_MILLISECONDS);
    return;
  }
  button.textContent = "Deleting …";
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
  const answer = await fetch(new URL("leave", document.baseURI), options).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (!answer?.ok) {
    button.textContent = told?.detail || "The server does not answer; please press again in a moment";
    return;
  }
  forgetTraining();
  forgetChoices();
  forgetLibrary();
  location.reload();
}

export async function leave() {
  const button = document.getElementById("leave");
  if (button) await leaveBy(button);
}
