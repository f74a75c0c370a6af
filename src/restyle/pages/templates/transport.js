"use strict";

/**
 * Let the play button, slider, clock and repeat button inside an element speak to a player; return what is to be called
 * when the player has changed. `use` wraps what is done when one of them is used.
 */
function connectTransport(root, player, use = (act) => act) {
  const names = [".bar", ".play", ".seek", ".at", ".repeat", ".status"];
  const [bar, play, seek, at, repeat, status] = names.map((name) => root.querySelector(name));
  let frame = 0;
  play.addEventListener("click", use(() => player.toggle()));
  seek.addEventListener("input", use(() => player.seek(Number(seek.value))));
  repeat.addEventListener("click", use(() => (player.loop = !player.loop)));
  return draw;

  function draw() {
    bar.classList.toggle("playing", player.playing || player.loading);
    bar.classList.toggle("loading", player.loading);
    play.setAttribute("aria-label", player.playing || player.loading ? "Pause" : "Play");
    status.textContent = player.error;
    press([repeat], () => player.loop);
    move();
  }

  function move() {
    const seconds = player.position();
    root.style.setProperty("--at", seconds / player.duration);
    seek.value = seconds;
    seek.setAttribute("aria-valuetext", `${seconds.toFixed(1)} seconds`);
    at.textContent = clock(seconds, 1);
    cancelAnimationFrame(frame);
    if (player.playing) frame = requestAnimationFrame(move);
  }
}

/** Say which of some buttons are pressed. */
function press(buttons, pressed) {
  for (const button of buttons) button.setAttribute("aria-pressed", String(pressed(button)));
}
