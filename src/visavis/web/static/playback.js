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
  }

  /** After a tap. */
  async resume() {
    await Promise.all([...this.#playing.values()].map((audio) => this.#play(audio)));
  }

  close() {
    for (const audio of this.#playing.values()) audio.srcObject = null;
    this.#playing.clear();
    this.element.remove();
  }

  /** @param {HTMLAudioElement} audio */
  async #play(audio) {
    try {
      await audio.play();
      this.#blocked(false);
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#blocked(true);
    }
  }
}
