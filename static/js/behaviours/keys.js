// @ts-check

/** The keyboard: / finds, Escape closes the panel or the menu that is open. @param {KeyboardEvent} event */
export function keys(event) {
  const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, .ace_editor");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    /** @type {HTMLElement | null} */ (document.querySelector("[data-find]"))?.focus();
  }
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    const close = /** @type {HTMLElement | null} */ (document.querySelector("#panel [data-close]"));
    if (menu) {
      menu.removeAttribute("open");
      /** @type {HTMLElement | null} */ (menu.querySelector("summary"))?.focus();
    } else if (!typing) {
      close?.click();
    }
  }
}

/** A click elsewhere closes an open menu. @param {MouseEvent} event */
export function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!(event.target instanceof Node && menu.contains(event.target))) {
      menu.removeAttribute("open");
    }
  }
}
