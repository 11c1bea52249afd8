// @ts-check

const STEPS = /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
]);
const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "short" });

/** Shows a moment in the viewer's zone, relative where asked, with the exact instant on hover; only there where the text stays. @param {HTMLElement} time */
export function localTime(time) {
  const moment = new Date(time.getAttribute("datetime") ?? "");
  if (Number.isNaN(moment.valueOf())) {
    return;
  }
  time.title = moment.toLocaleString(document.documentElement.lang, { dateStyle: "full", timeStyle: "long" });
  if (!("keeps" in time.dataset)) {
    time.textContent = "relative" in time.dataset ? relative(moment) : clock(moment);
  }
}

/** @param {Date} moment */
function clock(moment) {
  const today = moment.toDateString() === new Date().toDateString();
  const pad = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const time = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(pad).join(":");
  const day = [moment.getFullYear(), pad(moment.getMonth() + 1), pad(moment.getDate())].join("-");
  return today ? time : `${day} ${time}`;
}

/** @param {Date} moment */
function relative(moment) {
  const seconds = (moment.valueOf() - Date.now()) / 1000;
  const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  return step ? words.format(Math.round(seconds / step[1]), step[0]) : words.format(0, "second");
}

/** Keeps relative times true while the page is open. */
export function refreshTimes() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    localTime(/** @type {HTMLElement} */ (time));
  }
}
