// The wall display: what does not fit is shown page by page, by itself. The first card of all stays.
"use strict";

(() => {
  const PAGE_MS = 8000;
  const shown = new Map(); // list -> the page that it shows

  // How far each page is scrolled: it begins with the first child that the page before has cut.
  function pagesOf(list) {
    const [first, ...others] = list.children;
    const pins = list.id === "loud" && 2 * first.offsetHeight <= list.clientHeight; // and leaves room for others
    if (list.id === "loud") list.classList.toggle("pins", pins);
    const pinned = pins ? first.offsetHeight : 0;
    const pages = [0];
    for (const child of others) {
      const from = pages[pages.length - 1];
      const begins = child.offsetTop - pinned;
      if (child.offsetTop + child.offsetHeight > from + list.clientHeight + 1 && begins > from) pages.push(begins);
    }
    return pages;
  }

  // A child that is not whole is not shown at all.
  function clip(list, from, to) {
    const cut = [...list.children].find((child) => child.offsetTop + child.offsetHeight > to + 1 && child.offsetTop > from);
    const below = cut ? Math.max(0, to - cut.offsetTop) : 0;
    list.style.clipPath = below ? "inset(0 0 " + below + "px 0)" : "";
  }

  function turn(step) {
    for (const list of document.querySelectorAll("#board .rows, #board .cards, #board .cells")) {
      if (list.scrollHeight <= list.clientHeight + 1) {
        shown.delete(list);
        list.scrollTop = 0;
        list.style.clipPath = "";
        mark(list, "");
        continue;
      }
      const pages = pagesOf(list);
      const page = ((shown.get(list) || 0) + step) % pages.length;
      shown.set(list, page);
      list.scrollTop = pages[page];
      clip(list, list.scrollTop, list.scrollTop + list.clientHeight);
      mark(list, fill(words["wall-page"], { n: page + 1, of: pages.length }));
    }
  }

  function mark(list, text) {
    const head = list.closest("section").querySelector("h2");
    if (head.dataset.page !== text) head.dataset.page = text;
  }

  document.addEventListener("board", () => turn(0));
  addEventListener("resize", () => turn(0));
  setInterval(() => turn(1), PAGE_MS);
  turn(0);
})();
