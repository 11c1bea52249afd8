// @ts-check

/** Copies the text of the element that data-copies names, and says so for a moment. @param {HTMLElement} button */
export function copy(button) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies ?? "");
    if (!source) {
      return;
    }
    await put(source);
    const label = button.querySelector("[data-label]");
    if (label && button.dataset.done) {
      const before = label.textContent;
      label.textContent = button.dataset.done;
      setTimeout(() => (label.textContent = before), 1500);
    }
  });
}

/** @param {HTMLElement} source */
async function put(source) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText((source.textContent ?? "").trim());
    return;
  }
  // A plain listener on another machine has no clipboard: the text is selected for the key.
  const range = document.createRange();
  range.selectNodeContents(source);
  getSelection()?.removeAllRanges();
  getSelection()?.addRange(range);
}
