// @ts-check

/** Puts the viewer's time zone where nobody has said one; the server says where it does not know it. @param {HTMLInputElement} field */
export function ownZone(field) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // A zone has a place in its name; of one word there is but UTC.
  if (zone?.includes("/")) {
    field.value = zone;
  }
}
