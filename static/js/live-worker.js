// @ts-check
// The one event stream of all tabs of this browser: topics in from each tab, news out to those who asked.

const REOPEN_MS = 150;
const SILENT_MS = 50_000;

/** @typedef {{port: MessagePort, topics: string[], heard: number}} Tab */
/** @type {Set<Tab>} */
const tabs = new Set();
/** @type {EventSource | null} */
let stream = null;
let subscribed = "";
let address = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let reopening;

/** @param {object} news @param {(tab: Tab) => boolean} wanted */
function post(news, wanted = () => true) {
  for (const tab of tabs) {
    if (wanted(tab)) {
      tab.port.postMessage(news);
    }
  }
}

function open() {
  const topics = [...new Set([...tabs].flatMap((tab) => tab.topics))].sort();
  const wanted = topics.join(" ");
  if (wanted === subscribed && stream && stream.readyState !== EventSource.CLOSED) {
    return;
  }
  subscribed = wanted;
  stream?.close();
  stream = null;
  if (topics.length === 0) {
    return;
  }
  const query = topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");
  stream = new EventSource(`${address}?${query}`);
  stream.addEventListener("hello", () => post({ kind: "hello" }));
  stream.addEventListener("change", (event) => {
    const changed = JSON.parse(event.data);
    const concerns = (/** @type {Tab} */ tab) => tab.topics.some((topic) => changed.includes(topic));
    post({ kind: "change", topics: changed }, concerns);
  });
  stream.addEventListener("signed-out", () => {
    stream?.close();
    subscribed = "";
    post({ kind: "signed-out" });
  });
  stream.addEventListener("error", () => post({ kind: "away" }));
}

function reopen() {
  clearTimeout(reopening);
  reopening = setTimeout(open, REOPEN_MS);
}

/** @param {Tab} tab @param {{kind: string, topics?: string[], address: string}} message */
function hear(tab, message) {
  tab.heard = Date.now();
  address = message.address;
  if (message.kind === "bye") {
    tab.topics = [];
    tabs.delete(tab);
    reopen();
    return;
  }
  tabs.add(tab);
  const topics = message.topics ?? [];
  const isNew = message.kind === "topics";
  if (isNew || topics.join(" ") !== tab.topics.join(" ")) {
    tab.topics = topics;
    const covered = topics.every((topic) => subscribed.split(" ").includes(topic));
    if (covered && stream?.readyState === EventSource.OPEN) {
      tab.port.postMessage({ kind: "hello" });
    }
  }
  reopen();
}

// A tab that crashed says no good-bye.
setInterval(() => {
  for (const tab of tabs) {
    if (Date.now() - tab.heard > SILENT_MS) {
      tabs.delete(tab);
    }
  }
  open();
}, SILENT_MS);

/** @param {MessagePort} port */
function welcome(port) {
  /** @type {Tab} */
  const tab = { port, topics: [], heard: Date.now() };
  port.onmessage = (message) => hear(tab, message.data);
}

if ("onconnect" in self) {
  self.addEventListener("connect", (event) => welcome(/** @type {MessageEvent} */ (event).ports[0]));
} else {
  // A browser without shared workers: this one serves its own tab.
  welcome(/** @type {any} */ (self));
}
