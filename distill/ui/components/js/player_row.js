// @ts-check
// A track of the player: a button to choose it, its waveform, and a button to save it.

import { clamp, showSeconds } from "./axes.js";
import { fitCanvas, make, makeButton, penOf, showPressed, styleOf } from "./dom.js";
import { keyOf } from "./keys.js";
import { followWheelInTime, momentUnder, pressZoom } from "./time_hands.js";
import { placeIn } from "./time_view.js";
import { paintProgress, paintWaveform } from "./waveform.js";

/** @typedef {import("./player.js").Player} Player */
/** @typedef {import("./axes.js").Span} Span */

const DRAG = 4; // pixels of movement from which a click becomes a selection
/** @type {Record<string, number>} */
const STEPS = { arrowleft: -0.2, arrowright: 0.2, pagedown: -2, pageup: 2 }; // seconds

export class PlayerRow {
  /** @type {{x: number, moment: number, isMoved: boolean} | null} */
  #drag = null;
  /** @type {HTMLCanvasElement | null} */
  #picture = null;
  #pictured = ""; // key of the values that the picture shows

  /**
   * @param {import("./player_tracks.js").Track} track
   * @param {number} number
   * @param {Player} player
   */
  constructor(track, number, player) {
    this.track = track;
    this.number = number;
    this.player = player;
    this.choose = makeButton("", () => player.select(number), "choose");
    this.choose.append(make("b", { textContent: track.name }), make("span", { textContent: track.note }));
    this.wave = make("canvas", { className: "wave", tabIndex: number === 0 ? 0 : -1 });
    const save = makeButton("WAV", () => void player.download(number), "save");
    save.setAttribute("aria-label", `Download ${track.name} as a WAV file`);
    this.element = make("div", { className: "track" }, this.choose, this.wave, save);
    this.#describe();
    this.#followPointer();
    this.wave.addEventListener("keydown", (event) => this.#press(event));
  }

  #describe() {
    const { wave, track } = this;
    wave.setAttribute("role", "slider");
    wave.setAttribute(
      "aria-label",
      `Position in ${track.name}: arrow keys move, plus and minus zoom, space plays, X compares`,
    );
    wave.setAttribute("aria-valuemin", "0");
    wave.setAttribute("aria-valuemax", this.player.state.seconds.toFixed(2));
  }

  /** @param {boolean} isCurrent whether this track plays */
  show(isCurrent) {
    showPressed(this.choose, isCurrent);
    this.element.classList.toggle("current", isCurrent);
  }

  /**
   * @param {number} moment playback position, in seconds
   * @param {Span} view the seconds in view
   * @param {Span | null} part the chosen part
   * @param {boolean} isCurrent
   */
  draw(moment, view, part, isCurrent) {
    const { wave } = this;
    if (!wave.clientWidth) return;
    const scale = fitCanvas(wave, wave.clientWidth, wave.clientHeight);
    const { width, height } = wave;
    const [ink, accent] = [styleOf(wave, "--body-text-color"), styleOf(wave, "--color-accent")];
    const picture = this.#pictureOf({ width, height, scale, view, colour: isCurrent ? accent : ink });
    const pen = penOf(wave);
    pen.clearRect(0, 0, width, height);
    if (part) {
      pen.fillStyle = accent;
      pen.globalAlpha = 0.18;
      const [from, to] = part.map((each) => placeIn(view, each) * width);
      pen.fillRect(from, 0, to - from, height);
      pen.globalAlpha = 1;
    }
    pen.drawImage(picture, 0, 0);
    pen.fillStyle = ink;
    pen.fillRect(Math.min(placeIn(view, moment), 1) * width - (moment >= view[1] ? 2 : 0), 0, 2 * scale, height);
    wave.setAttribute("aria-valuenow", moment.toFixed(2));
    wave.setAttribute("aria-valuetext", showSeconds(moment));
  }

  /** @param {{width: number, height: number, scale: number, view: Span, colour: string}} look */
  #pictureOf(look) {
    const { buffer, isLoading, share } = this.track;
    const pictured = JSON.stringify([look, buffer ? "all" : [isLoading, share]]);
    if (this.#picture && this.#pictured === pictured) return this.#picture;
    const words = isLoading ? "decoding …" : "not decoded yet: press the track";
    this.#pictured = pictured;
    const [first, last] = look.view.map((moment) => Math.round(moment * (buffer?.sampleRate ?? 0)));
    this.#picture = buffer
      ? paintWaveform(buffer.getChannelData(0).subarray(first, last), look)
      : paintProgress({ words, share }, look);
    return this.#picture;
  }

  /** @param {PointerEvent} event */
  #momentAt(event) {
    return clamp(momentUnder(this.wave, event.clientX), 0, this.player.state.seconds);
  }

  #followPointer() {
    const { wave, player } = this;
    const { state } = player;
    followWheelInTime(wave);
    wave.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      wave.setPointerCapture(event.pointerId);
      this.#drag = { x: event.clientX, moment: this.#momentAt(event), isMoved: false };
    });
    wave.addEventListener("pointermove", (event) => {
      if (!this.#drag) return;
      this.#drag.isMoved ||= Math.abs(event.clientX - this.#drag.x) > DRAG;
      if (!this.#drag.isMoved) return;
      player.choosePart(this.#drag.moment, this.#momentAt(event));
    });
    wave.addEventListener("pointerup", () => {
      if (this.#drag && !this.#drag.isMoved) {
        state.part = null;
        player.select(this.number);
        player.seek(this.#drag.moment);
      } else if (this.#drag && state.part) player.seek(state.part[0]);
      this.#drag = null;
      player.show();
    });
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const { player } = this;
    const { state } = player;
    const key = keyOf(event);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (STEPS[key]) player.seek(player.deck.moment + STEPS[key]);
    else if (key === "home") player.seek(0);
    else if (key === "end") player.seek(state.seconds);
    else if (key === "arrowup") player.select(state.current - 1);
    else if (key === "arrowdown") player.select(state.current + 1);
    else if (key === "escape") state.part = null;
    else if (!pressZoom(key)) return;
    event.preventDefault();
    player.show();
  }
}
