// @ts-check

/** @type {Map<string, {atEnd: boolean, top: number}>} Where outputs were before they were swapped. */
const places = new Map();

/** Keeps a growing output at its end while it is there, else where the reader has put it. @param {HTMLElement} output */
export function autoscroll(output) {
  const before = places.get(output.id) ?? { atEnd: true, top: 0 };
  output.scrollTop = before.atEnd ? output.scrollHeight : before.top;
  const note = () => {
    const rest = output.scrollHeight - output.scrollTop - output.clientHeight;
    places.set(output.id, { atEnd: rest < 8, top: output.scrollTop });
  };
  output.addEventListener("scroll", note, { passive: true });
}
