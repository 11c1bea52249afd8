// @ts-check

const encoder = new TextEncoder();

/**
 * Shows how much of the limit a script takes, counted as the server does: characters of its Base64 form.
 * @param {HTMLElement} meter
 */
export function size(meter) {
  const form = meter.closest("form");
  const text = /** @type {HTMLTextAreaElement | null} */ (form?.querySelector("[name=content]"));
  const bar = meter.querySelector("meter");
  const number = meter.querySelector("[data-size]");
  if (!text || !bar || !number) {
    return;
  }
  const show = () => {
    const characters = 4 * Math.ceil(encoder.encode(text.value).length / 3);
    bar.value = characters;
    number.textContent = characters.toLocaleString(document.documentElement.lang);
    meter.toggleAttribute("data-over", characters > bar.max);
  };
  // The editor writes into the text area without an event of its own.
  form?.addEventListener("keyup", show);
  text.addEventListener("input", show);
  text.addEventListener("change", show);
  show();
}
