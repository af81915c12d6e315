// Keeps the board live: listens for changes, fetches what is different by now, replaces only that.
// The page is whole without this script; with it, it says how old it is.
"use strict";

const words = JSON.parse(document.body.dataset.words);
const language = document.body.dataset.language;
const version = document.body.dataset.version;
const QUIET_MS = 12000; // the server beats every 5 s: quiet for longer means the connection is lost
const FETCH_APART_MS = 500;
const VALUES_APART_MS = 5000; // what devices measure is fetched less often than incidents
const RECONNECT_FIRST_MS = 1000; // doubled each time, up to RECONNECT_MAX_MS; half of it is chance,
const RECONNECT_MAX_MS = 15000; // so that not all boards of a district come back in the same moment
const RELOAD_WITHIN_MS = 10000;
const BLINK_MS = 3000; // a break shorter than this is not worth a word

const status = document.getElementById("status");
const pill = document.getElementById("pill");
const asOf = document.getElementById("as-of");
const lost = document.getElementById("lost");
const announcer = document.getElementById("announcer");

let source = null;
let heardAt = performance.now(); // when the server was last heard, by the page's steady clock
let down = false; // the connection is known to be broken
let behind = true; // something has changed that this page does not show yet
let tries = 0; // to connect, since the server was last heard
let connectTimer = 0;
let connectedAt = 0;
let reloadTimer = 0;
let serverAhead = 0; // server's clock minus this machine's, which may be wrong
let fetching = false;
let laterTimer = 0;
let wanted = false;
let fetchedAt = -Infinity;

function fill(text, facts) {
  return Object.entries(facts).reduce((filled, [name, fact]) => filled.split("{" + name + "}").join(fact), text);
}

function span(word, seconds) {
  for (const [unit, length, least] of [["d", 86400, 2], ["h", 3600, 2], ["min", 60, 1]]) {
    if (seconds >= least * length) return fill(words[word + "-" + unit], { n: Math.floor(seconds / length) });
  }
  return fill(words[word + "-s"], { n: Math.max(0, Math.floor(seconds)) });
}

function tick() {
  const now = Date.now() + serverAhead;
  for (const time of document.querySelectorAll("time[data-age]")) {
    const text = span(time.dataset.age, (now - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
  const quietMs = performance.now() - heardAt;
  const gone = quietMs > (down ? BLINK_MS : QUIET_MS);
  if (gone && !connectTimer && performance.now() - connectedAt > QUIET_MS) reconnect(); // it is open and says nothing
  status.className = "status " + (gone ? "gone" : "live");
  pill.textContent = gone ? words.connecting : words.live;
  const text = gone ? fill(words.lost, { for: span("for", quietMs / 1000) }) : "";
  if (lost.textContent !== text) lost.textContent = text;
  lost.hidden = !gone;
  sounds.look();
}

function heard(at, clock) {
  heardAt = performance.now();
  down = false;
  tries = 0;
  serverAhead = Date.parse(at) - Date.now();
  asOf.textContent = clock;
}

function alike(old, fresh) {
  return old.nodeName === fresh.nodeName && (old.id || "") === (fresh.id || "");
}

// Make `old` equal to `fresh` by the least change, matching children by id, else by order:
// nothing flickers, and focus, selection and scrolling stay where they are.
// What is marked as the same is left as it is; an age that this page counts on is not set back to a time of day.
function settle(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (fresh.hasAttribute("data-same")) return;
  const counts = fresh.hasAttribute("data-age") && old.getAttribute("datetime") === fresh.getAttribute("datetime");
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (counts) return;
  const byId = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const found = child.id ? byId.get(child.id) : place && alike(place, child) ? place : null;
    if (!found || !alike(found, child)) {
      old.insertBefore(child, place);
      continue;
    }
    if (found === place) place = place.nextSibling;
    else old.insertBefore(found, place);
    settle(found, child);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

// Say new incidents aloud for those who do not see the board; ages and values stay silent.
function announce(before) {
  const fresh = [...document.querySelectorAll("#loud > .incident")].filter((card) => !before.has(card.id));
  if (fresh.length) announcer.textContent = fresh.map((card) => card.dataset.spoken).join(" ");
}

async function fetched() {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), QUIET_MS);
  const have = document.getElementById("board").dataset.glance;
  try {
    const url = "/fragment/board?" + new URLSearchParams({ lang: language, have });
    const answer = await fetch(url, { cache: "no-store", signal: patience.signal });
    if (answer.status === 401) location.reload(); // the sign-in has run out: the server shows the way
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("board");
  } finally {
    clearTimeout(timer);
  }
}

async function refresh() {
  behind = true;
  wanted = true;
  if (fetching) return;
  fetching = true;
  while (wanted) {
    const wait = fetchedAt + FETCH_APART_MS - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    wanted = false;
    fetchedAt = performance.now();
    try {
      const fresh = await fetched();
      const before = new Set([...document.querySelectorAll("#loud > .incident")].map((card) => card.id));
      const sounded = sounds.present();
      settle(document.getElementById("board"), fresh);
      behind = wanted;
      heard(fresh.dataset.at, fresh.dataset.clock);
      announce(before);
      sounds.compare(sounded);
      tick();
      document.dispatchEvent(new Event("board"));
    } catch {
      // Still behind: the stream's next word tries again, and until then the page says how old it is.
    }
  }
  fetching = false;
}

function refreshLater() {
  if (laterTimer) return;
  const wait = fetchedAt + VALUES_APART_MS - performance.now();
  laterTimer = setTimeout(() => {
    laterTimer = 0;
    refresh();
  }, Math.max(0, wait));
}

// Another version of the pages runs there now: this page loads itself anew, each board in a moment of its own.
function compareVersion(theirs) {
  if (theirs === version || reloadTimer) return;
  reloadTimer = setTimeout(() => location.reload(), Math.random() * RELOAD_WITHIN_MS);
}

function reconnect() {
  if (source) source.close();
  const wait = Math.min(RECONNECT_MAX_MS, RECONNECT_FIRST_MS * 2 ** Math.min(tries, 10));
  tries += 1;
  connectTimer = setTimeout(connect, wait / 2 + (Math.random() * wait) / 2);
}

function connect() {
  connectTimer = 0;
  if (source) source.close();
  source = new EventSource("/events");
  const mine = source;
  connectedAt = performance.now();
  source.addEventListener("hello", (event) => compareVersion(JSON.parse(event.data).version));
  source.addEventListener("values", refreshLater);
  source.addEventListener("change", refresh); // comes first after every connection, also after a restart
  source.addEventListener("beat", (event) => {
    const beat = JSON.parse(event.data);
    if (behind) refresh();
    else heard(beat.at, beat.clock);
  });
  source.addEventListener("error", () => {
    if (mine !== source) return;
    down = true;
    if (source.readyState === EventSource.CLOSED) refresh(); // refused, not broken: learn why
    reconnect();
  });
}

connect();
tick();
setInterval(tick, 1000);
