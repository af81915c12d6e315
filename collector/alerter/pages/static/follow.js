// Follows what happens: every few seconds, while somebody looks, #follow is taken anew from the page's own address.
"use strict";

const EVERY_MS = 5000;
const WITHIN_MS = 10000;

async function follow() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.pathname, { signal: AbortSignal.timeout(WITHIN_MS) });
    if (!answer.ok) return;
    const anew = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("follow");
    if (anew) document.getElementById("follow").replaceChildren(...anew.childNodes);
  } catch {
    // No line: what is shown says of when it is, and "look again" is there.
  }
}

(async () => {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    await follow();
  }
})();
