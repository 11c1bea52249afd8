// @ts-check
// Finds what wants behaviour, now and after every swap. Everything works without it, by reloading.
import { autoscroll } from "./behaviours/autoscroll.js";
import { chosen } from "./behaviours/chosen.js";
import { copy } from "./behaviours/copy.js";
import { editor } from "./behaviours/editor.js";
import { filter } from "./behaviours/filter.js";
import { localTime, refreshTimes } from "./behaviours/local-time.js";
import { closeMenus, keys } from "./behaviours/keys.js";
import { ownMoment } from "./behaviours/own-moment.js";
import { ownZone } from "./behaviours/own-zone.js";
import { panel, restoreFocus } from "./behaviours/panel.js";
import { size } from "./behaviours/size.js";
import { theme } from "./behaviours/theme.js";
import { keepOwn } from "./kept.js";
import { watch } from "./live.js";

const behaviours = { autoscroll, chosen, copy, editor, filter, panel, size, theme, "local-time": localTime, "own-moment": ownMoment, "own-zone": ownZone };

/** @param {Element} root */
function begin(root) {
  const found = [root, ...root.querySelectorAll("[data-behaviour]")];
  for (const element of found) {
    if (element instanceof HTMLElement && element.dataset.behaviour) {
      for (const name of element.dataset.behaviour.split(" ")) {
        behaviours[name]?.(element);
      }
    }
  }
}

document.documentElement.dataset.js = "";
document.addEventListener("keydown", keys);
document.addEventListener("click", closeMenus);
document.addEventListener("htmx:afterSwap", restoreFocus);
htmx.onLoad((/** @type {Element} */ root) => begin(root));
setInterval(refreshTimes, 15_000);
keepOwn();
watch();
