// @ts-check
// Shows and hides what opens and publishes codecs on the Hugging Face Hub.

const OPEN = "is-open";

/** @param {(panel: HTMLElement) => boolean} change which says whether the panel is open afterwards */
function set(change) {
  const panel = document.getElementById("hub");
  if (!panel) return;
  const isOpen = change(panel);
  document.getElementById("to-hub")?.setAttribute("aria-expanded", String(isOpen));
  if (isOpen) panel.querySelector("input, textarea")?.scrollIntoView({ block: "nearest" });
}

export function toggle() {
  set((panel) => panel.classList.toggle(OPEN));
}

export function close() {
  set((panel) => panel.classList.toggle(OPEN, false));
}
