// @ts-check

/** The language → the editor's mode. */
const MODES = { json: "json", shell: "sh", python: "python", perl: "perl", bat: "batchfile", powershell: "powershell" };

/** Turns a script's text area into an editor. Its parts are fetched once, when first wanted. @param {HTMLElement} place */
export async function editor(place) {
  const text = place.querySelector("textarea");
  const room = /** @type {HTMLElement | null} */ (place.querySelector(".editor-place"));
  if (!text || !room || !place.dataset.ace) {
    return;
  }
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  await import(place.dataset.ace);
  await import(place.dataset[dark ? "dark" : "light"] ?? "");
  ace.config.set("useStrictCSP", true);
  room.hidden = false;
  const edited = ace.edit(room, { useWorker: false, showPrintMargin: false, useSoftTabs: true, fontSize: "0.8125rem" });
  edited.setTheme(dark ? "ace/theme/tomorrow_night" : "ace/theme/github");
  edited.renderer.textarea.setAttribute("aria-label", place.closest(".field")?.querySelector("label")?.textContent ?? "");
  edited.session.setValue(text.value);
  edited.session.on("change", () => {
    text.value = edited.session.getValue();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
  // Tab leaves the editor after Escape: the keyboard is not trapped.
  edited.commands.addCommand({ name: "leave", bindKey: "Esc", exec: () => edited.blur() });
  text.hidden = true;
  // A browser says nothing of a field that it does not show: the server does.
  text.required = false;
  const form = place.closest("form");
  const colour = () => setMode(place, edited, form);
  form?.addEventListener("change", colour);
  await colour();
  form?.addEventListener("htmx:afterSwap", () => markFault(edited, form));
  markFault(edited, form);
}

/** Marks the line on which the form says that something is wrong. @param {any} edited @param {HTMLFormElement | null} form */
function markFault(edited, form) {
  const fault = /** @type {HTMLElement | null} */ (form?.querySelector("[data-fault-line]"));
  const row = Number(fault?.dataset.faultLine ?? 0) - 1;
  edited.session.removeGutterDecoration(edited.faultRow, "editor-fault");
  edited.faultRow = row;
  if (row >= 0) {
    edited.session.addGutterDecoration(row, "editor-fault");
  }
}

/** @param {HTMLElement} place @param {any} edited @param {HTMLFormElement | null} form */
async function setMode(place, edited, form) {
  const chosen = /** @type {HTMLInputElement | null} */ (form?.querySelector("[name=language]:checked"));
  const mode = MODES[/** @type {keyof typeof MODES} */ (chosen?.value ?? place.dataset.language ?? "shell")] ?? "sh";
  await import(place.dataset[mode] ?? "");
  edited.session.setMode(`ace/mode/${mode}`);
}
