// @ts-check

// A cookie, so that the server writes the choice into the page and nothing flashes.
const YEAR = 31_536_000;

/** @returns {string} */
const chosen = () => document.documentElement.dataset.theme ?? "";

/** @param {string} choice */
function apply(choice) {
  if (choice === "light" || choice === "dark") {
    document.documentElement.dataset.theme = choice;
  } else {
    delete document.documentElement.dataset.theme;
  }
}

/** A button that chooses light, dark or what the system says. @param {HTMLElement} button */
export function theme(button) {
  const choice = button.dataset.theme ?? "";
  const show = () => button.setAttribute("aria-pressed", String(chosen() === choice));
  button.addEventListener("click", () => {
    document.cookie = `theme=${choice}; path=/; max-age=${choice ? YEAR : 0}; samesite=lax`;
    apply(choice);
    document.dispatchEvent(new CustomEvent("theme"));
  });
  document.addEventListener("theme", show);
  show();
}
