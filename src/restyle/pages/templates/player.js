"use strict";

/**
 * Several versions of the same music, played together with one of them heard: switching is instant and keeps the
 * position.
 *
 *   const player = new Player(
 *     [{ id: "content", data: base64, gain: 0.8 }, { id: "style", data: base64, gain: 1, loop: true }],
 *     { duration: 30, onchange: (player) => draw(player) },
 *   );
 *   button.addEventListener("click", () => player.toggle());
 *
 * A sound is { id, data, gain, loop }: `data` a base64 string of an MP3 file or a function that returns one, `gain`
 * linear (1 by default), `loop` whether it wraps around when it is shorter than the player's duration.
 * `duration` in seconds; by default the longest sound that does not loop, known after the first play.
 *
 * Sounds are decoded on the first play. One player plays at a time: the one before is paused, keeps its position and
 * lets its decoded sounds go. `onchange(player)` is called when it plays, pauses, ends, is selected or sought, when
 * decoding begins or ends, and when something fails (`error` then says what); for a moving position, ask `position()`
 * in a requestAnimationFrame while `playing`.
 */
class Player {
  static context = null; // one AudioContext a page, made when something plays first
  static current = null; // the player that plays or played last
  static FADE = 0.003; // s, time constant: 95 % within 10 ms

  constructor(sounds, { duration = 0, selected = null, loop = false, onchange = () => {} } = {}) {
    this.sounds = sounds;
    this.duration = duration;
    this.selected = selected ?? sounds[0].id;
    this.playing = false;
    this.loading = false;
    this.error = "";
    this.onchange = onchange;
    this.output = null; // the node that all sounds go through, for meters and tests
    this._loop = loop;
    this._offset = 0; // s, where it plays from next
    this._since = 0; // the context's time that belongs to _offset
    this._buffers = null;
    this._voices = new Map(); // id -> { source, gain } of what plays now
  }

  /** Play from the current position; from the beginning when it stands at the end. */
  async play() {
    if (this.playing || this.loading) return;
    Player.context ??= new AudioContext();
    Player.context.resume(); // here, where a browser sees the user's click
    if (Player.current && Player.current !== this) Player.current.release();
    Player.current = this;
    this.error = "";
    this.loading = true;
    this._changed();
    try {
      await this._decode();
    } catch (error) {
      this.error = `this browser cannot decode the sound (${error.message})`;
    }
    if (Player.current !== this) this._buffers = null;
    const wanted = this.loading && !this.error;
    this.loading = false;
    if (wanted) {
      if (this._offset >= this.duration - 0.01) this._offset = 0;
      this._start();
      this.playing = true;
    }
    this._changed();
  }

  /** Stop, and keep the position. */
  pause() {
    if (!this.playing && !this.loading) return;
    this._offset = this.position();
    this.loading = this.playing = false;
    this._stop();
    this._changed();
  }

  toggle() {
    return this.playing || this.loading ? this.pause() : this.play();
  }

  /** Hear another sound, at the same position. */
  select(id) {
    if (id === this.selected || !this.sounds.some((sound) => sound.id === id)) return;
    this.selected = id;
    this._mix();
    this._changed();
  }

  /** Whether a sound is heard, or would be if it played. */
  heard(id) {
    return id === this.selected;
  }

  /** Go to a position in seconds; what plays goes on from there. */
  seek(seconds) {
    this._offset = Math.max(0, this.duration ? Math.min(seconds, this.duration) : seconds);
    if (this.playing) {
      this._stop();
      if (this._offset >= this.duration) this._offset = 0;
      this._start();
    }
    this._changed();
  }

  /** The position in seconds. */
  position() {
    if (!this.playing) return this._offset;
    const at = this._offset + Math.max(0, Player.context.currentTime - this._since);
    return this._loop ? at % this.duration : Math.min(at, this.duration);
  }

  /** Whether it begins again at the end. */
  get loop() {
    return this._loop;
  }

  set loop(value) {
    this._offset = this.position();
    this._since = Player.context?.currentTime ?? 0;
    this._loop = Boolean(value);
    for (const { source } of this._voices.values()) source.loop = this._loop;
    this._changed();
  }

  /** The gain of each sound at this moment: 0 for those that are not heard; empty when nothing plays. */
  levels() {
    return Object.fromEntries([...this._voices].map(([id, { gain }]) => [id, gain.gain.value]));
  }

  /** Pause and let the decoded sounds go; the next play decodes them again. */
  release() {
    this.pause();
    this._buffers = null;
  }

  _changed() {
    this.onchange(this);
  }

  async _decode() {
    if (this._buffers) return;
    const decoded = await Promise.all(
      this.sounds.map(({ data }) => Player.context.decodeAudioData(bytes(typeof data === "function" ? data() : data))),
    );
    if (!this.duration) {
      const lengths = decoded.map((buffer) => buffer.duration);
      const straight = lengths.filter((_, k) => !this.sounds[k].loop);
      this.duration = Math.max(...(straight.length ? straight : lengths));
    }
    this._buffers = decoded.map((buffer, k) => fitted(buffer, this.duration, this.sounds[k].loop));
  }

  _start() {
    const context = Player.context;
    this.output ??= new GainNode(context);
    this.output.connect(context.destination);
    this._since = context.currentTime + 0.02; // all of them at the same moment, which must not have passed
    this.sounds.forEach((sound, k) => {
      const source = new AudioBufferSourceNode(context, { buffer: this._buffers[k], loop: this._loop });
      const gain = new GainNode(context, { gain: 0 });
      source.connect(gain).connect(this.output);
      source.start(this._since, this._offset);
      this._voices.set(sound.id, { source, gain });
    });
    const [{ source }] = this._voices.values();
    source.onended = () => this._ended(source);
    this._mix();
  }

  /** Fade to what is heard now. */
  _mix() {
    for (const { id, gain = 1 } of this.sounds) {
      const voice = this._voices.get(id);
      voice?.gain.gain.setTargetAtTime(this.heard(id) ? gain : 0, Player.context.currentTime, Player.FADE);
    }
  }

  _stop() {
    const now = Player.context.currentTime;
    for (const { source, gain } of this._voices.values()) {
      source.onended = () => gain.disconnect();
      gain.gain.setTargetAtTime(0, now, Player.FADE);
      source.stop(now + 0.05);
    }
    this._voices.clear();
  }

  _ended(source) {
    if (![...this._voices.values()].some((voice) => voice.source === source)) return;
    this._voices.forEach(({ gain }) => gain.disconnect());
    this._voices.clear();
    this._offset = this.duration;
    this.playing = false;
    this._changed();
  }
}

/** Minutes and seconds of a time in seconds. */
function clock(time, digits = 0) {
  const seconds = Math.floor(time * 10 ** digits + 1e-6) / 10 ** digits;
  return `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;
}

/** The bytes of a base64 string. */
function bytes(base64) {
  const text = atob(base64.trim());
  const array = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) array[k] = text.charCodeAt(k);
  return array.buffer;
}

/** A buffer of exactly so many seconds: cut, or filled with silence or from its beginning again. */
function fitted(buffer, seconds, wrap) {
  const length = Math.max(1, Math.round(seconds * buffer.sampleRate));
  const { numberOfChannels, sampleRate } = buffer;
  const out = new AudioBuffer({ length, numberOfChannels, sampleRate });
  for (let channel = 0; channel < numberOfChannels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let at = 0; at < length && (wrap || at === 0); at += samples.length) {
      out.copyToChannel(samples.subarray(0, length - at), channel, at);
    }
  }
  return out;
}
