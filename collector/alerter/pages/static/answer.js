// The answer page with a bad line: a pressed button that cannot be sent is kept on the phone with its time, shown as
// not sent yet, and sent when there is a line. Without this script the page's buttons work as they are.
"use strict";

(() => {
  const words = JSON.parse(document.currentScript.dataset.words);
  const path = location.pathname;
  const box = document.createElement("div");
  const clock = (at) => new Date(at).toTimeString().slice(0, 5);
  let busy = false;

  const line = (text, kind) => {
    const shown = document.createElement("p");
    shown.className = kind;
    shown.textContent = text;
    return shown;
  };

  const show = async (more = []) => {
    const waiting = (await Kept.all()).filter((said) => said.path === path);
    const lines = waiting.map((said) => line(words.waiting.replace("{time}", clock(said.said_at_ms)).replace("{answer}", said.label), "waiting"));
    box.replaceChildren(...lines, ...more);
  };

  const flush = async () => {
    if (busy) return;
    busy = true;
    try {
      const results = (await Kept.flush()).filter((each) => each.said.path === path);
      const refused = results.filter((each) => each.state === "refused");
      await show(refused.map((each) => line(words.refused + each.text, "refused")));
      if (results.some((each) => each.state === "waiting")) worker("later");
      if (!refused.length && results.some((each) => each.state === "sent")) location.reload();
    } finally {
      busy = false;
    }
  };

  const worker = (type) => {
    if (!navigator.serviceWorker) return;
    navigator.serviceWorker.ready.then((registration) => registration.active.postMessage({ type, path, search: location.search })).catch(() => {});
  };

  document.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (!button || button.name !== "answer" || event.target.enctype === "multipart/form-data") return;
    event.preventDefault();
    const said = { path, answer: button.value, label: button.textContent.trim(), title: document.title };
    try {
      await Kept.add({ ...said, lang: document.documentElement.lang.startsWith("zh") ? "zh" : "en" });
    } catch (error) { // this browser keeps nothing: let it send the form itself
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "answer", value: button.value });
      event.target.append(field);
      event.target.submit();
      return;
    }
    box.replaceChildren(line(words.sending, "waiting"));
    await flush();
  });

  addEventListener("online", flush);
  box.setAttribute("role", "status");
  document.querySelector("main").prepend(box);
  if (self.indexedDB) show().then(() => Kept.all()).then((kept) => (kept.length ? flush() : null)).catch(() => {});
  if (navigator.serviceWorker) navigator.serviceWorker.register("/sw.js", { scope: "/" }).then(() => worker("keep")).catch(() => {});
})();
