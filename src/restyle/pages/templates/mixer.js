"use strict";

/** The parts of a sound, played together: those that are muted are silent; while some are soloed, all but those are. */
class Mixer extends Player {
  muted = new Set();
  soloed = new Set();

  heard(id) {
    return this.soloed.size ? this.soloed.has(id) : !this.muted.has(id);
  }

  /** Mute a part that sounds, or no longer. */
  mute(id) {
    this._flip(this.muted, id);
  }

  /** Hear a part without those that are not soloed, or no longer. */
  solo(id) {
    this._flip(this.soloed, id);
  }

  _flip(set, id) {
    if (!set.delete(id)) set.add(id);
    this._mix();
    this._changed();
  }
}

(() => {
  window.restyle = { mixers: [...document.querySelectorAll(".mixer")].map(connect) };

  /** Make the player of the parts inside an element, and let its buttons and pictures speak to it. */
  function connect(root) {
    const tracks = [...root.querySelectorAll(".track")];
    const sounds = tracks.map((track) => ({
      id: track.dataset.part,
      data: () => track.querySelector("script.part").textContent,
    }));
    const player = new Mixer(sounds, { duration: Number(root.dataset.seconds), onchange: draw });
    const drawTransport = connectTransport(root, player);
    for (const track of tracks) {
      const [mute, solo, picture] = [".mute", ".solo", ".picture"].map((name) => track.querySelector(name));
      mute.addEventListener("click", () => player.mute(track.dataset.part));
      solo.addEventListener("click", () => player.solo(track.dataset.part));
      picture.addEventListener("click", (event) => {
        const box = picture.getBoundingClientRect();
        player.seek(((event.clientX - box.left) / box.width) * player.duration);
      });
    }
    root.addEventListener("keydown", (event) => {
      if (event.key !== " " || !event.target.matches("input")) return;
      player.toggle();
      event.preventDefault();
    });

    function draw() {
      drawTransport();
      for (const track of tracks) {
        const id = track.dataset.part;
        press([track.querySelector(".mute")], () => player.muted.has(id));
        press([track.querySelector(".solo")], () => player.soloed.has(id));
        track.classList.toggle("silent", !player.heard(id));
      }
    }
    return player;
  }
})();
