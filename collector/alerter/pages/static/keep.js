// Answers that a phone keeps until they are sent: given in a notification or on the answer page while there was no
// line. Used by the pages and by the service worker, which must agree; a lock sees to it that only one of them sends.
"use strict";

const Kept = (() => {
  const SEND_WITHIN_MS = 15000;
  const KEPT_MAX = 50;
  const PASSING = [408, 425, 429]; // and whatever begins with 5: the same answer may be taken later

  const opened = () => new Promise((resolve, reject) => {
    const request = indexedDB.open("callpoint", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("answers", { keyPath: "id", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

  const run = async (mode, work) => {
    const database = await opened();
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction("answers", mode);
        const request = work(transaction.objectStore("answers"));
        transaction.oncomplete = () => resolve(request.result);
        transaction.onerror = transaction.onabort = () => reject(transaction.error);
      });
    } finally {
      database.close();
    }
  };

  // {path, answer, label, title, lang, said_at_ms}: path is the answer page's, times are this phone's.
  const add = async (said) => {
    const id = await run("readwrite", (store) => store.add({ ...said, said_at_ms: said.said_at_ms || Date.now() }));
    for (const old of (await all()).slice(0, -KEPT_MAX)) await remove(old.id);
    return id;
  };

  const timed = (within_ms) => { // AbortSignal.timeout, which older phones lack
    const control = new AbortController();
    setTimeout(() => control.abort(), within_ms);
    return control.signal;
  };

  const all = () => run("readonly", (store) => store.getAll());
  const remove = (id) => run("readwrite", (store) => store.delete(id));

  // One try: {state: "sent" | "refused" | "waiting", text}.
  const send = async (said) => {
    let response;
    try {
      response = await fetch(`${said.path}/answer`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ answer: said.answer, said_at_ms: said.said_at_ms, sent_at_ms: Date.now() }),
        credentials: "omit",
        redirect: "error",
        cache: "no-store",
        signal: timed(SEND_WITHIN_MS),
      });
    } catch (error) {
      return { state: "waiting", text: "" };
    }
    if (response.status >= 500 || PASSING.includes(response.status)) return { state: "waiting", text: "" };
    const told = await response.json().catch(() => ({}));
    return { state: response.ok ? "sent" : "refused", text: told.text || told.detail || "" };
  };

  const alone = (work) => (self.navigator.locks ? navigator.locks.request("callpoint-answers", work) : work());

  // Send what is kept, oldest first, and say of each what became of it. The first that cannot go out stops the rest.
  // What was refused stays, with why, for the page on which it was pressed; a notification's is shown by the worker.
  const flush = () => alone(async () => {
    const results = [];
    for (const said of (await all()).filter((each) => each.refused === undefined)) {
      const result = await send(said);
      if (result.state === "refused" && !said.data) await run("readwrite", (store) => store.put({ ...said, refused: result.text }));
      else if (result.state !== "waiting") await remove(said.id);
      results.push({ ...result, said });
      if (result.state === "waiting") break;
    }
    return results;
  });

  // Ask the browser to wake the worker when there is a line; where it cannot, the next opening or message does.
  const later = async (registration) => {
    try {
      await registration.sync.register("answers");
    } catch (error) { /* no Background Sync here */ }
  };

  return { add, all, remove, flush, later, timed };
})();
