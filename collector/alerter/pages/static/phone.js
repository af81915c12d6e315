// One's own page: makes the pages an app on this phone, and lets its owner allow push messages. Whatever this browser
// cannot do is said in words; nothing else on the page needs this script.
"use strict";

(() => {
  const box = document.getElementById("allow");
  const ready = navigator.serviceWorker ? navigator.serviceWorker.register("/sw.js", { scope: "/" }).then(() => navigator.serviceWorker.ready) : null;
  if (ready) ready.then((registration) => registration.active.postMessage({ type: "keep", path: location.pathname, search: location.search })).catch(() => {});
  if (self.indexedDB) Kept.flush().catch(() => {});
  if (!box) return;

  const words = JSON.parse(box.dataset.words);
  const state = document.getElementById("allow-state");
  const button = document.getElementById("allow-button");
  const say = (key, offer) => {
    state.textContent = key ? words[key] : "";
    button.textContent = words.allow;
    button.hidden = !offer;
  };

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const same = (key) => !key || btoa(String.fromCharCode(...new Uint8Array(key))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "") === box.dataset.key;

  const id = async (endpoint) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
    return [...new Uint8Array(digest)].map((each) => each.toString(16).padStart(2, "0")).join("").slice(0, 16);
  };

  // Tell the server, every time: the browser may have made its subscription anew, or the phone changed hands.
  const tell = async (subscription) => {
    const response = await fetch("/api/v1/me/subscriptions", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Callpoint-Form": box.dataset.proof },
      body: JSON.stringify(subscription),
    });
    if (!response.ok) throw new Error(String(response.status));
    const row = document.querySelector(`[data-phone="${await id(subscription.endpoint)}"]`);
    if (row) row.firstElementChild.append(` (${words.here})`);
    else location.reload();
    say("allowed", false);
  };

  const subscribe = async () => {
    button.disabled = true;
    try {
      if ((await Notification.requestPermission()) !== "granted") return say("denied", false);
      const registration = await ready;
      const options = { userVisibleOnly: true, applicationServerKey: bytes(box.dataset.key) };
      await tell((await registration.pushManager.subscribe(options)).toJSON());
    } catch (error) {
      say("failed", true);
    } finally {
      button.disabled = false;
    }
  };

  const look = async () => {
    const apple = /iPhone|iPad/.test(navigator.userAgent) && !matchMedia("(display-mode: standalone)").matches;
    if (!self.isSecureContext) return say("insecure", false);
    if (!ready || !self.PushManager || !self.Notification) return say(apple ? "install-first" : "unsupported", false);
    if (Notification.permission === "denied") return say("denied", false);
    const registration = await ready;
    const known = await registration.pushManager.getSubscription();
    if (known && !same(known.options.applicationServerKey)) await known.unsubscribe(); // another server's key
    else if (known) return tell(known.toJSON());
    say("", true);
  };

  button.addEventListener("click", subscribe);
  look().catch(() => say("failed", true));
})();
