// @ts-check

/**
 * Counts the ticked rows of a form, ticks all of the page, and offers all that match.
 * Parts: [data-every] one box for the page, [data-count] the number, [data-all] the box for all that match.
 * @param {HTMLElement} form
 */
export function chosen(form) {
  const rows = () => /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll(`input[name=${form.dataset.rows ?? "instance"}]`));
  const every = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-every]"));
  const all = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-all]"));
  const show = () => {
    const ticked = [...rows()].filter((row) => row.checked).length;
    const number = all?.checked ? Number(all.dataset.total) : ticked;
    for (const count of form.querySelectorAll("[data-count]")) {
      count.textContent = String(number);
    }
    for (const button of form.querySelectorAll("[data-needs-choice]:not([data-locked])")) {
      button.toggleAttribute("disabled", number === 0);
    }
    form.querySelector(".bulk")?.toggleAttribute("data-chosen", number > 0);
    if (every) {
      every.checked = ticked > 0 && ticked === rows().length;
      every.indeterminate = ticked > 0 && ticked < rows().length;
    }
  };
  form.addEventListener("change", (event) => {
    if (event.target === every) {
      for (const row of rows()) {
        row.checked = Boolean(every?.checked);
      }
    }
    show();
  });
  show();
}
