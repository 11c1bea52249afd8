// @ts-check

/** Asks for a moment in the viewer's zone, and says so; what is sent and what an address says stays in UTC. @param {HTMLElement} field */
export function ownMoment(field) {
  const shown = field.querySelector("input");
  const zone = field.querySelector("[data-zone]");
  if (!shown || !zone) {
    return;
  }
  const sent = document.createElement("input");
  sent.type = "hidden";
  sent.name = shown.name;
  sent.value = shown.defaultValue;
  shown.removeAttribute("name");
  shown.after(sent);
  shown.value = local(new Date(`${sent.value}Z`));
  zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
  shown.addEventListener("input", () => {
    sent.value = shown.value && new Date(shown.value).toISOString().slice(0, 19);
  });
}

/** @param {Date} moment */
function local(moment) {
  const clock = new Date(moment);
  clock.setMinutes(clock.getMinutes() - moment.getTimezoneOffset());
  return Number.isNaN(clock.valueOf()) ? "" : clock.toISOString().slice(0, 16);
}
