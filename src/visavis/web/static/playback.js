/**
 * Plays what is heard: an audio element for each received track, beside the tiles, which are silent.
 * @module playback
 */
/** @import {Call} from "./call.js" */
import { h } from "./dom.js";

export class Playback {
  /** @type {HTMLElement} */
  element = h("div", { hidden: true, "data-role": "playback" });
  /** @type {Map<MediaStreamTrack, HTMLAudioElement>} */
  #playing = new Map();
  /** Those that the browser would not play yet. @type {Set<HTMLAudioElement>} */
  #refused = new Set();
  /** @type {(blocked: boolean) => void} */
  #blocked;

  /** @param {(blocked: boolean) => void} blocked told when the browser wants a tap before it plays, and when it plays */
  constructor(blocked) {
    this.#blocked = blocked;
  }

  /** @param {Call} call */
  render(call) {
    /** @type {Map<MediaStreamTrack, string>} */
    const wanted = new Map();
    for (const { id, tracks } of call.room.others.values()) {
      for (const track of tracks) {
        if (track.kind !== "audio") continue;
        const media = call.received(id, track);
        if (media !== null) wanted.set(media, `${id}/${track.source}`);
      }
    }
    for (const [media, audio] of this.#playing) {
      if (wanted.has(media)) continue;
      audio.srcObject = null;
      audio.remove();
      this.#playing.delete(media);
      this.#refused.delete(audio);
    }
    for (const [media, key] of wanted) {
      let audio = this.#playing.get(media);
      if (audio === undefined) {
        audio = h("audio", { autoplay: true });
        audio.srcObject = new MediaStream([media]);
        this.#playing.set(media, audio);
        this.element.append(audio);
        void this.#play(audio);
      }
      audio.dataset["track"] = key;
    }
    void this.#retry();
  }

  /** After a tap. */
  async resume() {
    await this.#retry();
  }

  close() {
    for (const audio of this.#playing.values()) audio.srcObject = null;
    this.#playing.clear();
    this.#refused.clear();
    this.element.remove();
  }

  /** What was refused before the microphone was granted, say, may be played after it. */
  async #retry() {
    await Promise.all([...this.#refused].map((audio) => this.#play(audio)));
  }

  /** @param {HTMLAudioElement} audio */
  async #play(audio) {
    try {
      await audio.play();
    } catch (error) {
      if (audio.srcObject === null) return; // it is gone, which interrupts it
      this.#refused.add(audio);
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#blocked(true);
      return;
    }
    this.#refused.delete(audio);
    if (this.#refused.size === 0) this.#blocked(false);
    else void this.#retry();
  }
}
