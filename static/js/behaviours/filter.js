// @ts-check

/** Sends a filter form as one types, so that nobody has to press a button. @param {HTMLElement} form */
export function filter(form) {
  if (!(form instanceof HTMLFormElement)) {
    return;
  }
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    const typed = event.target instanceof HTMLInputElement;
    timer = setTimeout(() => form.requestSubmit(), typed ? 300 : 0);
  });
}
