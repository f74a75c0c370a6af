"use strict";

/*
 * A listening test: begin, the trials one after the other, end. The state is what localStorage keeps: where the
 * listener is, what has been heard, and the ratings as rated["trial sound question"].
 */
(() => {
  const test = JSON.parse(document.getElementById("test").textContent);
  const STORE = `restyle-listen-${test.test}`;
  const WORDS = ["bad", "poor", "fair", "good", "excellent"];
  const HEARD = 1; // s of a sound that must have been heard
  const QUESTIONS = Object.keys(test.questions);
  const at = (id) => document.getElementById(id);

  const fresh = () => ({ session: made(), name: "", comment: "", place: -1, heard: {}, rated: {} });
  let state = restored();
  let player = null;
  let seconds = {}; // of this trial's sounds, heard so far

  function made() {
    return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function restored() {
    try {
      return { ...fresh(), ...JSON.parse(localStorage.getItem(STORE)) };
    } catch {
      return fresh(); // denied, or not ours
    }
  }

  function keep() {
    try {
      localStorage.setItem(STORE, JSON.stringify(state));
    } catch {
      // denied or full: the test goes on, it only does not survive a reload
    }
  }

  function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  /* Where the listener is: -1 the beginning, then the trials, then the end. */
  function go(place) {
    player?.release();
    player = null;
    state.place = Math.max(-1, Math.min(test.trials.length, place));
    keep();
    const trial = test.trials[state.place];
    at("intro").hidden = state.place !== -1;
    at("trial").hidden = !trial;
    at("end").hidden = state.place !== test.trials.length;
    at("progress").hidden = state.place === -1;
    at("bar").max = test.trials.length;
    at("bar").value = state.place;
    at("step").textContent = trial ? `Trial ${state.place + 1} of ${test.trials.length}` : "Finished";
    at("name").value = state.name;
    at("comment").value = state.comment;
    at("saved").textContent = "";
    at("again").hidden = true;
    if (trial) show(trial);
    else if (state.place !== -1) at("end").querySelector("h2").focus();
    scrollTo(0, 0);
  }

  function show(trial) {
    seconds = {};
    const blind = trial.sounds.map(({ letter, data }) => ({ id: letter, data }));
    const open = [{ id: "content", data: trial.content }, { id: "style", data: trial.style, loop: true }];
    player = new Player([...open, ...blind], { duration: trial.duration, loop: at("loop").checked, onchange: draw });
    at("open").replaceChildren(...open.map(({ id }) => chooser(id, id[0].toUpperCase() + id.slice(1))));
    at("sounds").replaceChildren(...blind.map(({ id }) => row(id)));
    at("position").max = trial.duration;
    at("missing").textContent = "";
    at("next").textContent = state.place + 1 === test.trials.length ? "Finish" : "Next";
    draw();
    at("play").focus({ preventScroll: true });
  }

  function chooser(id, text) {
    const button = element("button", { type: "button", className: id.length > 1 ? id : "", textContent: text });
    button.dataset.sound = id;
    button.addEventListener("click", () => choose(id));
    return button;
  }

  function choose(id) {
    player.select(id);
    player.play();
  }

  function row(letter) {
    return element("div", { className: "sound card" }, chooser(letter, letter), ...QUESTIONS.map((q) => rate(letter, q)));
  }

  function rate(letter, question) {
    const key = `${state.place} ${letter} ${question}`;
    const label = `${letter}: ${test.questions[question]}`;
    const slider = element("input", { type: "range", min: 0, max: 100, step: 1, value: state.rated[key] ?? 50 });
    const output = element("output");
    slider.dataset.rate = `${letter} ${question}`;
    slider.setAttribute("aria-label", label);
    const tell = () => {
      const value = state.rated[key];
      const word = value === undefined ? "not rated yet" : WORDS[Math.min(4, Math.floor(value / 20))];
      output.textContent = value === undefined ? word : `${value} ${word}`;
      output.className = value === undefined ? "todo" : "";
      slider.className = output.className && "unrated";
      slider.setAttribute("aria-valuetext", output.textContent);
    };
    const set = () => {
      state.rated[key] = Number(slider.value);
      keep();
      tell();
      if (at("missing").textContent) at("missing").textContent = missing();
    };
    slider.addEventListener("input", set);
    slider.addEventListener("click", set); // also where it stands already
    slider.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), set()));
    tell();
    const words = element("div", { className: "words", ariaHidden: "true" }, ...WORDS.map((w) => element("i", { textContent: w })));
    return element("div", { className: "rate" }, element("span", { textContent: test.questions[question] }), slider, words, output);
  }

  /* What is still to do in this trial, as a sentence; empty when nothing is. */
  function missing() {
    const letters = test.trials[state.place].sounds.map((sound) => sound.letter);
    const unheard = ["content", "style", ...letters].filter((id) => !state.heard[`${state.place} ${id}`]);
    const unrated = letters.filter((id) => QUESTIONS.some((q) => state.rated[`${state.place} ${id} ${q}`] === undefined));
    const parts = [];
    if (unheard.length) parts.push(`listen to ${listed(unheard)}`);
    if (unrated.length) parts.push(`rate ${listed(unrated)} in both questions`);
    return parts.length ? `Still to do: ${parts.join("; ")}.` : "";
  }

  function listed(words) {
    return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
  }

  function draw() {
    if (!player) return;
    at("play").textContent = player.loading ? "Loading" : player.playing ? "Pause" : "Play";
    at("error").textContent = player.error;
    at("error").hidden = !player.error;
    at("position").value = player.position();
    at("position").setAttribute("aria-valuetext", clock(player.position()));
    at("time").textContent = `${clock(player.position())} / ${clock(player.duration)}`;
    for (const button of document.querySelectorAll("[data-sound]")) {
      const heard = state.heard[`${state.place} ${button.dataset.sound}`];
      button.setAttribute("aria-pressed", String(button.dataset.sound === player.selected));
      button.classList.toggle("heard", Boolean(heard));
      button.title = heard ? "heard" : "not heard yet";
    }
  }

  /* What is heard while it plays, and the moving position. */
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    const passed = Math.min(0.5, (now - last) / 1000);
    last = now;
    if (!player?.playing) return;
    const id = player.selected;
    seconds[id] = (seconds[id] ?? 0) + passed;
    if (seconds[id] >= Math.min(HEARD, 0.8 * player.duration) && !state.heard[`${state.place} ${id}`]) {
      state.heard[`${state.place} ${id}`] = true;
      keep();
      if (at("missing").textContent) at("missing").textContent = missing();
    }
    draw();
  }, 50);

  /* The file: one rating a line, so that a mistake in it has a line. */
  function file() {
    const ratings = test.trials.flatMap(({ sounds }, trial) =>
      sounds.flatMap(({ letter }) =>
        QUESTIONS.map((question) => {
          const rating = state.rated[`${trial} ${letter} ${question}`];
          return JSON.stringify({ trial: trial + 1, sound: letter, question, rating });
        }),
      ),
    );
    const facts = {
      kind: "restyle ratings",
      version: test.version,
      test: test.test,
      session: state.session,
      listener: state.name,
      comment: state.comment,
      key: test.key,
    };
    const lines = Object.entries(facts).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)},`);
    return `{\n${lines.join("\n")}\n"ratings": [\n${ratings.join(",\n")}\n]\n}\n`;
  }

  function save() {
    const name = state.name.normalize("NFC").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
    const link = element("a", { download: `ratings-${name || state.session.slice(0, 6)}.json` });
    link.href = URL.createObjectURL(new Blob([file()], { type: "application/json" }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    at("saved").textContent = `Saved as ${link.download}, where your browser keeps downloads. Send this file to whoever asked you.`;
    at("again").hidden = false;
  }

  at("begin").addEventListener("click", () => go(0));
  at("back").addEventListener("click", () => go(state.place - 1));
  at("return").addEventListener("click", () => go(state.place - 1));
  at("next").addEventListener("click", () => {
    at("missing").textContent = missing();
    if (!missing()) go(state.place + 1);
  });
  at("save").addEventListener("click", save);
  at("again").addEventListener("click", () => {
    state = fresh();
    go(-1);
  });
  at("play").addEventListener("click", () => player.toggle());
  at("position").addEventListener("input", () => player.seek(Number(at("position").value)));
  at("loop").addEventListener("change", () => (player.loop = at("loop").checked));
  for (const field of ["name", "comment"]) {
    at(field).addEventListener("input", () => {
      state[field] = at(field).value.trim();
      keep();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (!player || event.ctrlKey || event.metaKey || event.altKey) return;
    const id = { 1: "content", 2: "style" }[event.key] ?? event.key.toUpperCase();
    if (player.sounds.some((sound) => sound.id === id)) choose(id);
    else if (event.key === " " && !event.target.closest("button, input")) {
      event.preventDefault();
      player.toggle();
    }
  });

  go(state.place);
})();
