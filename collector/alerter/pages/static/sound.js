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
  let context = null;

  function tell() {
    button.setAttribute("aria-pressed", String(context !== null));
    button.textContent = context ? button.dataset.on : button.dataset.off;
  }

  function turn(on) {
    if (on && !context) context = new AudioContext();
    if (!on && context) {
      context.close();
      context = null;
    }
    localStorage.setItem(KEPT, on ? "on" : "off");
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
  button.addEventListener("click", () => turn(context === null));
  // Asked for before, on this machine: the first touch of the page turns it on again.
  if (localStorage.getItem(KEPT) === "on") {
    document.addEventListener("pointerdown", (event) => event.target !== button && turn(true), { once: true });
  }
  tell();
  return { present, compare };
})();
