// @ts-check
import { successorOf } from "../kept.js";

/** @type {HTMLElement | null} Who opened the panel: gets the focus back when it closes. */
let opener = null;

/** Moves the focus into a panel that came, and lets its close link empty the place. @param {HTMLElement} panel */
export function panel(panel) {
  if (!panel.closest("#panel")) {
    return;
  }
  if (document.activeElement instanceof HTMLElement && !panel.contains(document.activeElement)) {
    opener = document.activeElement;
    const first = /** @type {HTMLElement | null} */ (panel.querySelector("[autofocus], h2"));
    first?.focus();
  }
  panel.querySelector("[data-close]")?.addEventListener("click", (event) => {
    event.preventDefault();
    panel.remove();
    restoreFocus();
  });
}

/** Gives the focus back once the panel is gone; news may have replaced its place meanwhile. */
export function restoreFocus() {
  if (opener && !document.querySelector("#panel .panel")) {
    successorOf(opener)?.focus();
    opener = null;
  }
}
