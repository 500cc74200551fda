// @ts-check
// One line of help: what the control does that the pointer or the focus is on; else, what the chosen tool does.

const HAS_HELP = "[title]";

/**
 * The name of a control and what it does.
 * @param {Element} control
 */
function helpOf(control) {
  const name = control.textContent?.trim() || control.getAttribute("aria-label") || "";
  const words = control.getAttribute("title") ?? "";
  return name ? `${name}: ${words}` : words;
}

/**
 * @param {HTMLElement} root
 * @param {HTMLElement} line
 */
export function followHelp(root, line) {
  /** @param {EventTarget | null} target */
  const controlAt = (target) => {
    const control = target instanceof Element ? target.closest(HAS_HELP) : null;
    return control && root.contains(control) && !control.closest(".tiles") ? control : null;
  };
  const show = (/** @type {Element | null} */ control) => {
    const shown = control ?? root.querySelector("[data-tool][aria-pressed=true]");
    line.textContent = shown ? helpOf(shown) : "";
  };
  root.addEventListener("pointerover", ({ target }) => show(controlAt(target)));
  root.addEventListener("focusin", ({ target }) => show(controlAt(target)));
  root.addEventListener("click", ({ target }) => show(controlAt(target)));
  root.addEventListener("pointerleave", () => show(null));
  requestAnimationFrame(() => show(null)); // when the tools show which of them is chosen
}
