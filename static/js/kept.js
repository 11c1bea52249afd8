// @ts-check
// A live part is replaced whole: what somebody has ticked, typed, unfolded or focused in it meanwhile stays.

const FIELDS = "input:not([type=hidden]), select, textarea, details";
const FOCUSABLE = "a, button, summary, input, select, textarea, [tabindex]";
const BOXES = "[type=checkbox], [type=radio]";

/** @type {WeakMap<Element, Map<string, string>>} How a part's fields were when its replacement was asked for. */
const asked = new WeakMap();
/** @type {Map<string, (part: Element) => void>} What gives a part its own back, by its id. */
const kept = new Map();

/** @param {ParentNode} part @param {string} kind @returns {any[]} */
const within = (part, kind) => [...part.querySelectorAll(kind)];

/** What an element and the one that takes its place have in common. @param {Element} element */
function nameOf(element) {
  const words = ["name", "href", "formaction"].map((word) => element.getAttribute(word));
  const choice = element.matches(`${BOXES}, button`) ? element.getAttribute("value") : "";
  const label = element.matches("button, summary") ? element.textContent : "";
  return element.id || [element.localName, ...words, choice, label].join(" ");
}

/** The one that stands where an element stood. @param {Element} element @param {ParentNode} [part] @returns {any} */
export function successorOf(element, part = document) {
  return element.isConnected ? element : within(part, FOCUSABLE).find((one) => nameOf(one) === nameOf(element));
}

/** @param {any} field @returns {string} */
function stateOf(field) {
  const state = field.matches("details") ? field.open : field.matches(BOXES) ? field.checked : field.value;
  return String(state);
}

/** What the server gave it, as far as a field remembers. @param {any} field @returns {string} */
function firstStateOf(field) {
  return String(field.matches(BOXES) ? field.defaultChecked : (field.defaultValue ?? ""));
}

/** @param {any} field @param {any} old */
function take(field, old) {
  if (field.matches("details")) {
    field.open = old.open;
  } else if (field.matches(BOXES)) {
    field.checked = old.checked && !field.disabled;
  } else {
    field.value = old.value;
  }
}

/** @param {Element} part @returns {(part: Element) => void} */
function keep(part) {
  const before = asked.get(part);
  const touched = within(part, FIELDS).filter(
    (field) => stateOf(field) !== firstStateOf(field) || stateOf(field) !== (before?.get(nameOf(field)) ?? stateOf(field)),
  );
  const focused = part.contains(document.activeElement) ? /** @type {any} */ (document.activeElement) : null;
  return (fresh) => {
    const fields = new Map(within(fresh, FIELDS).map((field) => [nameOf(field), field]));
    for (const old of touched) {
      const field = fields.get(nameOf(old));
      if (field) {
        take(field, old);
      }
    }
    const place = focused && successorOf(focused, fresh);
    place?.focus({ preventScroll: true });
    if (typeof focused?.selectionStart === "number") {
      place?.setSelectionRange(focused.selectionStart, focused.selectionEnd);
    }
  };
}

/** Keeps what is somebody's own in the parts that are fetched anew because they have changed. */
export function keepOwn() {
  /** @param {Event} event */
  const detailOf = (event) => /** @type {CustomEvent} */ (event).detail;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = detailOf(event);
    if (requestConfig.triggeringEvent?.type === "live") {
      asked.set(elt, new Map(within(elt, FIELDS).map((field) => [nameOf(field), stateOf(field)])));
    }
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig } = detailOf(event);
    if (requestConfig.triggeringEvent?.type === "live") {
      kept.set(target.id, keep(target));
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const part = /** @type {Element} */ (event.target);
    kept.get(part.id)?.(part);
    kept.delete(part.id);
  });
}
