// The answer page, or the page of an incident for who has signed in, with a bad line: a pressed button that cannot be sent is kept on the phone with its time, shown as
// not sent yet, and sent when there is a line. Without this script the page's buttons work as they are.
"use strict";

(() => {
  const words = JSON.parse(document.currentScript.dataset.words);
  // Of the answer link, whatever form was sent last; a page that is no answer page names it.
  const link = document.currentScript.dataset.link;
  const path = link || location.pathname.split("/").slice(0, 3).join("/");
  const box = document.createElement("div");
  const clock = (at) => new Date(at).toTimeString().slice(0, 5);
  let busy = false;

  const line = (text, kind) => {
    const shown = document.createElement("p");
    shown.className = kind;
    shown.textContent = text;
    return shown;
  };

  // What waits is shown until it is sent; what was refused, once. Returns how many of each.
  const show = async () => {
    const kept = (await Kept.all()).filter((said) => said.path === path);
    const refused = kept.filter((said) => said.refused !== undefined);
    const waiting = kept.filter((said) => said.refused === undefined);
    const say = (said) => words.waiting.replace("{time}", clock(said.said_at_ms)).replace("{answer}", said.label);
    box.replaceChildren(
      ...waiting.map((said) => line(say(said), "waiting")),
      ...refused.map((said) => line(`${words.refused}${said.label} · ${said.refused}`, "refused")),
    );
    for (const said of refused) await Kept.remove(said.id);
    return [waiting.length, refused.length];
  };

  const flush = async () => {
    if (busy) return;
    busy = true;
    try {
      const before = box.querySelectorAll(".waiting").length;
      await Kept.flush();
      const [waiting, refused] = await show();
      if (waiting) worker("later");
      else if (before && !refused) location.reload(); // sent, by this page or by the worker
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

  // A page of who has signed in is not kept: others may use this browser after them.
  addEventListener("online", flush);
  box.setAttribute("role", "status");
  document.querySelector("main").prepend(box);
  if (self.indexedDB) show().then(([waiting]) => (waiting ? flush() : null)).catch(() => {});
  if (navigator.serviceWorker) navigator.serviceWorker.register("/sw.js", { scope: "/" }).then(() => (link ? null : worker("keep"))).catch(() => {});
})();
