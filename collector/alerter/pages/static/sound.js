// The board's sounds: each class has its own. A browser lets a page sound only after somebody has pressed a button.
"use strict";

const sounds = (() => {
  const button = document.getElementById("sound");
  const KEPT = "callpoint-sound";
  // Seconds on, seconds off, and the pitch. An alarm has the three pulses of ISO 8201 at the low pitch that wakes.
  const pulses = (times, on, off, hertz, wave) => ({ times, on, off, hertz, wave: wave || "sine" });
  const PATTERNS = {
    "alarm": [pulses(3, 0.5, 0.5, 520, "square"), pulses(1, 0, 1.0, 0), pulses(3, 0.5, 0.5, 520, "square")],
    "pre-alarm": [pulses(2, 0.3, 0.2, 780)],
    "drill": [pulses(1, 0.25, 0.05, 440), pulses(1, 0.25, 0.05, 550), pulses(1, 0.5, 0.1, 660)],
    "supervisory": [pulses(1, 0.4, 0.1, 880)],
    "trouble": [pulses(3, 0.1, 0.1, 330)],
    "disabled": [pulses(1, 0.2, 0.1, 260)],
    "test": [pulses(2, 0.08, 0.1, 1040)],
    "news": [pulses(1, 0.15, 0.1, 660)],
  };
  const LOUDEST_FIRST = Object.keys(PATTERNS);
  const STANDS_MAX = 3; // looks in a row at which its clock stood: the machine slept, or the speaker was changed
  let context = null;
  let clock = -1; // of the context, when it was looked at last
  let stands = 0;

  // "off", "on", or "waiting": it is wanted, and the browser wants a touch of the page first.
  function state() {
    if (!context) return "off";
    return context.state === "running" ? "on" : "waiting";
  }

  function tell() {
    const now = state();
    button.setAttribute("aria-pressed", String(now === "on"));
    if (button.textContent !== button.dataset[now]) button.textContent = button.dataset[now];
    button.className = now;
  }

  function open() {
    if (context) context.close();
    context = new AudioContext();
    context.onstatechange = tell;
    clock = -1;
    stands = 0;
    tell();
  }

  function turn(on) {
    if (on) open();
    if (!on && context) {
      context.close();
      context = null;
    }
    localStorage.setItem(KEPT, on ? "on" : "off");
    tell();
  }

  // Once a second: after hours, too, the button says truly whether a sound would be heard.
  function look() {
    if (!context) return;
    stands = context.state === "running" && context.currentTime === clock ? stands + 1 : 0;
    clock = context.currentTime;
    if (stands >= STANDS_MAX) open();
    else if (context.state !== "running") context.resume().then(tell, tell);
    tell();
  }

  function play(name) {
    if (!context) return;
    context.resume();
    let at = context.currentTime + 0.05;
    for (const { times, on, off, hertz, wave } of PATTERNS[name]) {
      for (let i = 0; i < times; i += 1) {
        if (hertz) {
          const tone = context.createOscillator();
          const loudness = context.createGain();
          tone.type = wave;
          tone.frequency.value = hertz;
          loudness.gain.value = 0.4;
          tone.connect(loudness).connect(context.destination);
          tone.start(at);
          tone.stop(at + on);
        }
        at += on + off;
      }
    }
    button.dataset.played = name; // what was heard last, for who looks and does not hear
  }

  // What is on the board with a sound, by id: how loud, and its call-outs so far.
  function present() {
    const found = [...document.querySelectorAll("[data-sound]")];
    return new Map(found.map((each) => [each.id, [LOUDEST_FIRST.indexOf(each.dataset.sound), Number(each.dataset.call)]]));
  }

  // Sound the loudest of what is new, has become louder, or is called anew.
  function compare(before) {
    const isFresh = ([id, [rank, call]]) => {
      const [rankBefore, callBefore] = before.get(id) || [Infinity, 0];
      return rank < rankBefore || call > callBefore;
    };
    const ranks = [...present()].filter(isFresh).map(([, [rank]]) => rank);
    if (ranks.length) play(LOUDEST_FIRST[Math.min(...ranks)]);
  }

  button.hidden = false;
  button.addEventListener("click", () => turn(state() !== "on"));
  // Asked for before, on this machine: it goes on by itself where the browser lets it, else at the first touch.
  if (localStorage.getItem(KEPT) === "on") open();
  for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => context && context.resume().then(tell, tell));
  tell();
  return { present, compare, look };
})();
