// @ts-check
// Live parts: fragments name their topics in data-live; when one changes, they fetch themselves.
// All tabs of a browser share one event stream, held by a shared worker; a browser without shared workers
// gives each tab a stream of its own while the tab is seen.

const PING_MS = 15_000;
// A fragment is fetched at most this often.
const QUIET_MS = 250;

// A fetched fragment is replaced whole, so what is known of it is kept under its id.
/** @type {Set<string>} Fragments that have news but whose tab is hidden, request under way or pause not over. */
const waiting = new Set();
/** @type {Map<string, number>} */
const fetchedAt = new Map();

/** @returns {Element[]} */
const fragments = () => [...document.querySelectorAll("[data-live]")];

/** @param {Element} element @returns {string[]} */
const topicsOf = (element) => (element.getAttribute("data-live") ?? "").split(" ").filter(Boolean);

/** @returns {string[]} */
const allTopics = () => [...new Set(fragments().flatMap(topicsOf))].sort();

/** @param {string} id */
function refresh(id) {
  const element = document.getElementById(id);
  if (!element) {
    return;
  }
  const pause = (fetchedAt.get(id) ?? -QUIET_MS) + QUIET_MS - performance.now();
  if (document.hidden || element.classList.contains("htmx-request") || pause > 0) {
    if (!waiting.has(id)) {
      waiting.add(id);
      setTimeout(() => retry(id), pause > 0 ? pause : QUIET_MS);
    }
    return;
  }
  const event = new CustomEvent("live");
  fetchedAt.set(id, event.timeStamp);
  element.dispatchEvent(event);
}

/** @param {string} id */
function retry(id) {
  waiting.delete(id);
  if (document.hidden) {
    waiting.add(id);
  } else {
    refresh(id);
  }
}

/** @param {string[]} changed */
function tell(changed) {
  for (const element of fragments()) {
    if (topicsOf(element).some((topic) => changed.includes(topic))) {
      refresh(element.id);
    }
  }
}

/** @param {string} state */
function show(state) {
  for (const element of document.querySelectorAll("[data-live-state]")) {
    element.setAttribute("data-live-state", state);
    element.textContent = element.getAttribute(`data-word-${state}`);
  }
  if (state === "signed-out") {
    document.getElementById("signed-out")?.removeAttribute("hidden");
  }
}

/** @param {{kind: string, topics?: string[]}} news */
function hear(news) {
  if (news.kind === "change") {
    tell(news.topics ?? []);
  } else if (news.kind === "hello") {
    show("live");
    // What changed between the page's making and the stream's beginning nobody said.
    fragments().forEach((element) => refresh(element.id));
  } else {
    show(news.kind);
  }
}

/** @param {(message: object) => void} post */
function keepSubscribed(post) {
  let last = "";
  const subscribe = () => {
    const topics = allTopics();
    if (topics.join(" ") !== last) {
      last = topics.join(" ");
      post({ kind: "topics", topics });
    }
  };
  subscribe();
  document.addEventListener("htmx:afterSettle", subscribe);
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      last = "";
      subscribe();
    }
  });
  addEventListener("pagehide", () => post({ kind: "bye" }));
  setInterval(() => post({ kind: "ping", topics: allTopics() }), PING_MS);
}

/** A form whose last pressed button leads elsewhere (formaction) still fetches itself from its own place. */
function keepToOwnAddress() {
  document.addEventListener("htmx:configRequest", (event) => {
    const { detail } = /** @type {CustomEvent} */ (event);
    if (detail.triggeringEvent?.type === "live") {
      detail.path = detail.elt.getAttribute("hx-get");
    }
  });
}

/** Begins to listen, on pages that have a live part. */
export function watch() {
  keepToOwnAddress();
  const place = document.querySelector("[data-live-worker]");
  const script = place?.getAttribute("data-live-worker");
  const address = place?.getAttribute("data-live-address");
  if (!script || !address) {
    return;
  }
  const port = portTo(script);
  port.onmessage = (event) => hear(event.data);
  keepSubscribed((message) => port.postMessage({ ...message, address }));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      for (const id of [...waiting]) {
        retry(id);
      }
    }
  });
}

/** @param {string} script @returns {MessagePort | Worker} */
function portTo(script) {
  if (typeof SharedWorker !== "undefined") {
    return new SharedWorker(script, { name: "live" }).port;
  }
  // A worker of this tab alone: a browser keeps six connections, so a tab that nobody sees gives its own back.
  const worker = new Worker(script);
  document.addEventListener("visibilitychange", () => {
    const address = document.querySelector("[data-live-address]")?.getAttribute("data-live-address");
    worker.postMessage(document.hidden ? { kind: "bye", address } : { kind: "topics", topics: allTopics(), address });
  });
  return worker;
}
