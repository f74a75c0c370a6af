"use strict";

(() => {
  const STEP = 2; // s, of the arrow keys
  const pairs = [...document.querySelectorAll(".pair[data-seconds]")].map(connect);
  let active = null; // the pair that the keys speak to, once one was used
  document.documentElement.classList.add("js");
  document.addEventListener("keydown", onkey);
  window.restyle = { ...window.restyle, players: pairs.map(({ player }) => player) };

  /** Make the player of a pair, and let its buttons and pictures speak to it. */
  function connect(section) {
    const all = (selector) => [...section.querySelectorAll(selector)];
    const sounds = all("script.sound").map((element) => ({
      id: element.dataset.id,
      data: () => element.textContent,
      loop: element.dataset.loop === "true",
    }));
    const player = new Player(sounds, { duration: Number(section.dataset.seconds), onchange: draw });
    const pair = { section, player };

    const use = (act) => (event) => {
      active = pair;
      act(event);
    };
    const drawTransport = connectTransport(section, player, use);
    for (const button of all("[data-sound]")) {
      button.addEventListener("click", use(() => player.select(button.dataset.sound)));
    }
    for (const button of all("[data-show]")) {
      button.addEventListener("click", use(() => {
        section.dataset.view = button.dataset.show;
        press(all("[data-show]"), (other) => other === button);
      }));
    }
    for (const lane of all(".lane")) {
      for (const picture of lane.querySelectorAll(".picture")) {
        picture.addEventListener("click", use((event) => {
          const box = picture.getBoundingClientRect();
          player.select(lane.dataset.lane);
          player.seek(((event.clientX - box.left) / box.width) * player.duration);
        }));
      }
    }

    function draw() {
      drawTransport();
      press(all("[data-sound]"), (button) => button.dataset.sound === player.selected);
      for (const lane of all(".lane")) lane.classList.toggle("chosen", lane.dataset.lane === player.selected);
    }
    return pair;
  }

  /** The pair that was used last if it can be seen, else the one that fills most of the window. */
  function inView() {
    const seen = ({ section }) => {
      const { top, bottom } = section.getBoundingClientRect();
      return Math.min(bottom, innerHeight) - Math.max(top, 0);
    };
    if (active && (active.player.playing || seen(active) > 0)) return active;
    return pairs.reduce((best, pair) => (seen(pair) > seen(best) ? pair : best), pairs[0]);
  }

  function onkey(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || !pairs.length) return;
    const { target, key } = event;
    if (target.closest(".mixer")) return; // it has a player of its own
    const pair = inView();
    const { player } = pair;
    const own = target.closest("button, a, summary, input, .wide");
    const idle = !own || (own.matches("[data-sound]") && own.getAttribute("aria-pressed") === "true");
    const slider = target.matches("input");
    if (/^[1-9]$/.test(key) && player.sounds[key - 1]) player.select(player.sounds[key - 1].id);
    else if (key === " " && (idle || slider)) player.toggle();
    else if (key === "ArrowLeft" && !slider && !target.closest(".wide")) player.seek(player.position() - STEP);
    else if (key === "ArrowRight" && !slider && !target.closest(".wide")) player.seek(player.position() + STEP);
    else return;
    active = pair;
    event.preventDefault();
  }
})();
