// The service worker. VERSION and WORDS stand before it, see pages/installed.py.
//
// It shows push messages and sends the answers given in them, also when no page is open. It keeps the pages of
// incidents that were seen last, and shows one of them only when there is no line, marked with its age.
"use strict";

importScripts(`/static/keep.js?v=${VERSION}`);

const SHELL = `shell-${VERSION}`;
const PAGES = "pages";
const PAGES_MAX = 12;
const PHONES = "/api/v1/me/subscriptions";
const RENEW_AFTER_MS = [0, 2000, 8000]; // a worker that takes much longer is ended by its browser
const WAIT_MS = 8000; // then a kept page is better than a line that hangs
const FILES = ["frame.css", "dark.css", "icon.svg", "keep.js", "phone.js", "answer.js", "icon-192.png"];
const KEPT_PATHS = /^\/(a\/[^/]+|incident\/[^/]+|me)$/;
// How each class looks and sounds (messages/sounds.py). What is silent must not vibrate (Notifications API).
const CALL = { requireInteraction: true, renotify: true, silent: false };
const LOOKS = {
  "alarm": { ...CALL, icon: "alarm", vibrate: [900, 200, 900, 200, 900, 200, 1500] },
  "pre-alarm": { ...CALL, icon: "alarm", vibrate: [500, 200, 500] },
  "drill": { ...CALL, icon: "drill", vibrate: [150, 150, 150, 150, 150, 600, 150, 150, 150] },
  "test": { renotify: true, silent: false, icon: "trouble", vibrate: [200] },
  "news": { silent: false, icon: "trouble" },
};
const QUIET = { silent: true, icon: "trouble" };

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const shell = await caches.open(SHELL);
  await shell.addAll(FILES.map((name) => `/static/${name}?v=${VERSION}`));
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name !== SHELL && name !== PAGES) await caches.delete(name);
  await self.clients.claim();
  await sendKept();
})()));

self.addEventListener("message", (event) => {
  if (event.data && event.data.type === "keep") event.waitUntil(fetchPage(String(event.data.path), String(event.data.search || "")));
  if (event.data && event.data.type === "later") event.waitUntil(Kept.later(self.registration));
});

// --- messages ---------------------------------------------------------------------------------------

self.addEventListener("push", (event) => event.waitUntil(told(event.data)));

async function told(data) {
  let said = null;
  try {
    said = data.json();
  } catch (error) { /* nothing that we have sent */ }
  if (!said || typeof said.title !== "string") {
    await self.registration.showNotification("Callpoint", { body: words("zh").unreadable, tag: "unreadable", data: { path: "/me", lang: "zh" } });
    return;
  }
  const newer = await shownAfter(String(said.incident), said.at_ms);
  await (newer ? showAgain(newer) : show(said));
  await Promise.all([said.asks ? fetchPage(String(said.path)) : null, sendKept()]);
}

async function shownAfter(tag, at_ms) {
  return (await self.registration.getNotifications({ tag })).find((each) => each.data && each.data.at_ms > at_ms);
}

// An older message that was long on its way takes nothing's place; but something must be shown for each.
function showAgain(shown) {
  const { body, tag, icon, badge, lang, requireInteraction, data } = shown;
  const actions = (shown.actions || []).map(({ action, title }) => ({ action, title }));
  return self.registration.showNotification(shown.title, { body, tag, icon, badge, lang, requireInteraction, actions, data, silent: true });
}

function show(said) {
  const { icon, vibrate, ...rest } = LOOKS[said.sound] || QUIET;
  return self.registration.showNotification(said.title, {
    ...rest,
    ...(vibrate ? { vibrate } : {}),
    body: said.body,
    tag: String(said.incident),
    lang: said.lang,
    icon: `/static/icon-${icon}.png?v=${VERSION}`,
    badge: `/static/icon-badge.png?v=${VERSION}`,
    timestamp: said.at_ms,
    actions: said.asks ? ["going", "cannot"].map((action) => ({ action, title: words(said.lang)[action] })) : [],
    data: said,
  });
}

// A browser may end a subscription and make another whenever it likes (Push API, "pushsubscriptionchange").
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event.newSubscription)));

// What does not succeed here is said: until somebody opens their page, other channels call them.
async function renew(given) {
  for (const wait_ms of RENEW_AFTER_MS) {
    await new Promise((resolve) => setTimeout(resolve, wait_ms));
    const status = await renewed(given).catch(() => 0);
    if (status === 201) return;
    if (status >= 400 && status < 500 && status !== 429) break; // signed out, or no push here any more
  }
  const lang = (self.navigator.language || "zh").startsWith("zh") ? "zh" : "en", say = words(lang);
  await self.registration.showNotification(say.renew, {
    body: say["renew-text"],
    tag: "renew",
    lang,
    icon: `/static/icon-trouble.png?v=${VERSION}`,
    badge: `/static/icon-badge.png?v=${VERSION}`,
    requireInteraction: true,
    data: { path: "/me", lang },
  });
}

async function renewed(given) {
  const known = await fetch(PHONES, { cache: "no-store", signal: Kept.timed(5000) });
  if (!known.ok) return known.status;
  const { key } = await known.json();
  const plain = Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const options = { userVisibleOnly: true, applicationServerKey: plain };
  const subscription = given || (await self.registration.pushManager.subscribe(options));
  const headers = { "Content-Type": "application/json" }, body = JSON.stringify(subscription.toJSON());
  return (await fetch(PHONES, { method: "POST", headers, body, signal: Kept.timed(5000) })).status;
}

self.addEventListener("notificationclick", (event) => {
  const said = event.notification.data || { path: "/me" };
  event.notification.close();
  const pressed = ["going", "cannot", "arrived"].includes(event.action);
  event.waitUntil(pressed ? answer(said, event.action) : open(said.path));
});

async function answer(said, pressed) {
  await Kept.add({ path: said.path, answer: pressed, label: words(said.lang)[pressed], title: said.title, lang: said.lang, data: said });
  await sendKept(true);
}

// What became of each answer of a notification is shown; that it waits, when it is given (`tells`), and not each time.
async function sendKept(tells = false) {
  const results = await Kept.flush().catch(() => []);
  for (const { state, text, said } of results) {
    if (said.data && (tells || state !== "waiting")) await showResult(state, text, said).catch(() => {});
  }
  if (results.some((each) => each.state === "waiting")) await Kept.later(self.registration);
  return results;
}

async function showResult(state, text, said) {
  const say = words(said.lang), label = said.label || said.answer;
  const title = { sent: say.sent, refused: say.refused, waiting: say["not-sent"] }[state].replace("{answer}", label);
  const about = { sent: text, refused: text, waiting: say["not-sent-text"] }[state];
  const data = { ...(said.data || {}), path: said.path, lang: said.lang, title: said.title, result: state };
  const incident = String((said.data || {}).incident || said.path);
  const tag = (await shownAfter(incident, said.data.at_ms || 0)) ? `${incident}:answer` : incident; // beside a newer call
  const arrived = state === "sent" && said.answer === "going" ? [{ action: "arrived", title: say.arrived }] : [];
  return self.registration.showNotification(title, {
    body: [about, said.title].filter(Boolean).join("\n"),
    tag,
    lang: said.lang,
    icon: `/static/icon-trouble.png?v=${VERSION}`,
    badge: `/static/icon-badge.png?v=${VERSION}`,
    silent: state === "sent",
    requireInteraction: state !== "sent",
    actions: arrived,
    data,
  });
}

self.addEventListener("sync", (event) => {
  if (event.tag !== "answers") return;
  event.waitUntil(sendKept().then((results) => {
    if (results.some((each) => each.state === "waiting")) throw new Error("no line yet"); // the browser tries again
  }));
});

async function open(path) {
  const url = new URL(path, self.location.origin);
  if (url.origin !== self.location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const here = windows.find((each) => new URL(each.url).pathname === url.pathname);
  await (here ? here.focus() : self.clients.openWindow(url.href));
}

// --- pages ------------------------------------------------------------------------------------------

self.addEventListener("fetch", (event) => {
  const { request } = event, url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === "POST" && url.pathname === "/sign-out") event.waitUntil(caches.delete(PAGES));
  if (request.method !== "GET") return;
  if (url.pathname.startsWith("/static/") && url.searchParams.get("v") === VERSION) event.respondWith(file(request));
  else if (request.mode === "navigate") event.respondWith(page(event, request, url.pathname));
});

async function file(request) {
  const shell = await caches.open(SHELL);
  const kept = await shell.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await shell.put(request, response.clone());
  return response;
}

async function page(event, request, path) {
  const kept = KEPT_PATHS.test(path) ? await (await caches.open(PAGES)).match(path) : undefined;
  const asked = fetch(request);
  let timer;
  const late = new Promise((_, reject) => { timer = kept && setTimeout(() => reject(new Error("slow")), WAIT_MS); });
  try {
    const response = await Promise.race([asked, late]);
    if (path === "/me" && response.type === "opaqueredirect") event.waitUntil(caches.delete(PAGES)); // signed out
    if (KEPT_PATHS.test(path)) event.waitUntil(keep(path, response.clone()));
    event.waitUntil(sendKept());
    return response;
  } catch (error) {
    asked.catch(() => {});
    return kept ? marked(kept) : nothing();
  } finally {
    clearTimeout(timer);
  }
}

async function fetchPage(path, search = "") {
  if (!KEPT_PATHS.test(path)) return;
  const response = await fetch(path + search, { redirect: "manual", signal: Kept.timed(20000) }).catch(() => null);
  if (response) await keep(path, response);
}

async function keep(path, response) {
  const pages = await caches.open(PAGES);
  if (response.status === 404 || response.status === 410) await pages.delete(path);
  if (response.status !== 200 || !(response.headers.get("Content-Type") || "").startsWith("text/html")) return;
  const headers = new Headers(response.headers);
  headers.set("X-Kept-At", String(Date.now()));
  await pages.delete(path); // the newest stands last
  await pages.put(path, new Response(await response.blob(), { status: 200, headers }));
  const names = await pages.keys();
  for (const name of names.slice(0, Math.max(0, names.length - PAGES_MAX))) await pages.delete(name);
}

// A kept page with a line above all else that says how old it is.
async function marked(kept) {
  const text = await kept.text(), at = Number(kept.headers.get("X-Kept-At"));
  const say = words(/<html lang="zh/.test(text) ? "zh" : "en");
  const headers = new Headers(kept.headers);
  headers.delete("Content-Length");
  const line = `<p class="stale" role="alert">${escaped(say["old-page"].replace("{time}", clock(at)).replace("{age}", age(say, at)))}</p>`;
  return new Response(text.replace(/<body[^>]*>/, (body) => body + line), { status: 200, headers });
}

async function nothing() {
  const lang = (self.navigator.language || "zh").startsWith("zh") ? "zh" : "en", say = words(lang);
  const kept = [];
  for (const request of await (await caches.open(PAGES)).keys()) {
    const page = await (await caches.open(PAGES)).match(request);
    const title = ((await page.text()).match(/<title>([^<]*)<\/title>/) || ["", ""])[1];
    kept.push(`<li><a href="${escaped(new URL(request.url).pathname)}">${title} · ${clock(Number(page.headers.get("X-Kept-At")))}</a></li>`);
  }
  const waiting = (await Kept.all().catch(() => [])).map((said) => `<li>${escaped(said.label || said.answer)} · ${clock(said.said_at_ms)}</li>`);
  const list = (title, items) => (items.length ? `<section><h2>${escaped(title)}</h2><ul class="rows">${items.reverse().join("")}</ul></section>` : "");
  const html = `<!doctype html><html lang="${lang === "zh" ? "zh-CN" : "en"}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<title>${escaped(say["no-line"])} · Callpoint</title>
<link rel="stylesheet" href="/static/frame.css?v=${VERSION}">
<link rel="stylesheet" href="/static/dark.css?v=${VERSION}" media="screen and (prefers-color-scheme: dark)"></head>
<body><main><h1>${escaped(say["no-line"])}</h1><p>${escaped(say["no-line-text"])}</p>
<p><a class="button" href="tel:119">119</a></p>${list(say.waiting, waiting)}${list(say["kept-pages"], kept)}</main></body></html>`;
  const csp = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'";
  return new Response(html, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": csp, "Cache-Control": "no-store" } });
}

// --- words ------------------------------------------------------------------------------------------

function words(lang) {
  return WORDS[lang === "en" ? "en" : "zh"];
}

function clock(at) {
  const then = new Date(at), two = (number) => String(number).padStart(2, "0");
  const day = then.toDateString() === new Date().toDateString() ? "" : `${two(then.getMonth() + 1)}-${two(then.getDate())} `;
  return `${day}${two(then.getHours())}:${two(then.getMinutes())}`;
}

function age(say, at) {
  const minutes = Math.max(0, Math.floor((Date.now() - at) / 60000));
  if (minutes < 1) return say["age-now"];
  return minutes < 120 ? say["age-min"].replace("{n}", minutes) : say["age-h"].replace("{n}", Math.floor(minutes / 60));
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
}
