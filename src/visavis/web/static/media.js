/**
 * What this participant sends: devices, screen, and whether they are on. Outlives every connection.
 * @module media
 */
/** @import {Source} from "./protocol.js" */
/** @import {Problem} from "./errors.js" */
/** @import {Kind} from "./devices.js" */
import { openDevice, openDevices, openScreen, rememberDevice } from "./devices.js";
import { DEVICE_LOST } from "./errors.js";

/** @type {Record<"microphone" | "camera", Kind>} */
const KIND = { microphone: "audio", camera: "video" };

export class LocalMedia {
  /** Live tracks by what they are. @type {Map<Source, MediaStreamTrack>} */
  tracks = new Map();
  /** Sources that were on at least once; they stay published, muted, when switched off. @type {Set<Source>} */
  #used = new Set();
  #microphoneOn = false;
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {Promise<unknown>} */
  #queue = Promise.resolve();
  #stopped = false;

  /** Something went wrong outside of a call to a method. @type {(problem: Problem) => void} */
  onproblem = () => {};

  get microphoneOn() {
    return this.#microphoneOn && this.tracks.has("microphone");
  }

  get cameraOn() {
    return this.tracks.has("camera");
  }

  get screenOn() {
    return this.tracks.has("screen");
  }

  /** @param {Source} source @returns {boolean} whether the room is told of it */
  isPublished(source) {
    if (source === "microphone" || source === "camera") return this.#used.has(source);
    return this.tracks.has(source);
  }

  /** @param {Source} source */
  isMuted(source) {
    return source === "microphone" ? !this.microphoneOn : !this.tracks.has(source);
  }

  /** @param {() => void} listener @returns {() => void} stops listening */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Opens the wanted devices with one question to the user.
   * @param {{microphone: boolean, camera: boolean}} wanted
   * @returns {Promise<Problem[]>}
   */
  start(wanted) {
    return this.#serially(async () => {
      /** @type {Kind[]} */
      const kinds = [];
      if (wanted.microphone && !this.tracks.has("microphone")) kinds.push("audio");
      if (wanted.camera && !this.tracks.has("camera")) kinds.push("video");
      const opened = await openDevices(kinds);
      if (opened.audio !== null) {
        this.#microphoneOn = true;
        this.#put("microphone", opened.audio);
      }
      if (opened.video !== null) this.#put("camera", opened.video);
      this.#changed();
      return opened.problems;
    });
  }

  /**
   * A microphone that is switched off keeps its device and sends silence, so that it comes back at once.
   * @param {boolean} on
   * @throws {Problem}
   */
  setMicrophone(on) {
    return this.#serially(async () => {
      if (on && !this.tracks.has("microphone")) this.#put("microphone", await openDevice("audio"));
      this.#microphoneOn = on;
      this.#enableMicrophone();
      this.#changed();
    });
  }

  /**
   * A camera that is switched off is closed, so that its light goes out.
   * @param {boolean} on
   * @throws {Problem}
   */
  setCamera(on) {
    return this.#serially(async () => {
      if (on === this.tracks.has("camera")) return;
      if (on) this.#put("camera", await openDevice("video"));
      else this.#drop("camera");
      this.#changed();
    });
  }

  /**
   * Changes to another device; when that one does not open, the old one is tried again.
   * @param {"microphone" | "camera"} source
   * @param {string} deviceId
   * @throws {Problem}
   */
  useDevice(source, deviceId) {
    return this.#serially(async () => {
      const kind = KIND[source];
      const former = this.tracks.get(source)?.getSettings().deviceId;
      // Some systems open a camera only once, so close before opening.
      if (source === "camera") this.#drop("camera");
      try {
        const track = await openDevice(kind, deviceId);
        this.#drop(source);
        if (source === "microphone" && !this.#used.has("microphone")) this.#microphoneOn = true;
        this.#put(source, track);
        rememberDevice(kind, deviceId);
      } catch (problem) {
        if (source === "camera" && former !== undefined) this.#put(source, await openDevice(kind, former));
        throw problem;
      } finally {
        this.#changed();
      }
    });
  }

  /** @throws {Problem} */
  async shareScreen() {
    const opened = await openScreen(); // at once: the browser wants the user's click to be recent
    if (opened === null) return;
    await this.#serially(async () => {
      this.#drop("screen");
      this.#drop("screen-audio");
      this.#put("screen", opened.screen);
      if (opened.audio !== null) this.#put("screen-audio", opened.audio);
      this.#changed();
    });
  }

  stopScreen() {
    return this.#serially(async () => {
      this.#drop("screen");
      this.#drop("screen-audio");
      this.#changed();
    });
  }

  /** Closes every device. */
  stop() {
    this.#stopped = true;
    for (const source of [...this.tracks.keys()]) this.#drop(source);
    this.#changed();
  }

  /** @param {Source} source @param {MediaStreamTrack} track */
  #put(source, track) {
    if (this.#stopped) {
      track.stop();
      return;
    }
    this.tracks.set(source, track);
    this.#used.add(source);
    if (source === "microphone") this.#enableMicrophone();
    track.addEventListener("ended", () => {
      if (this.tracks.get(source) === track) this.#ended(source);
    });
  }

  /** The device was unplugged, or the user stopped sharing by the browser's own button. @param {Source} source */
  #ended(source) {
    if (source === "screen") {
      void this.stopScreen();
      return;
    }
    this.#drop(source);
    if (source === "microphone") this.#microphoneOn = false;
    if (source === "microphone" || source === "camera") this.onproblem(DEVICE_LOST[source]);
    this.#changed();
  }

  /** @param {Source} source */
  #drop(source) {
    this.tracks.get(source)?.stop();
    this.tracks.delete(source);
  }

  #enableMicrophone() {
    const track = this.tracks.get("microphone");
    if (track !== undefined) track.enabled = this.#microphoneOn;
  }

  #changed() {
    for (const listener of this.#listeners) listener();
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  #serially(work) {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => {});
    return done;
  }
}
