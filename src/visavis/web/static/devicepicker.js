/**
 * Two lists to choose a camera and a microphone from.
 * @module devicepicker
 */
/** @import {LocalMedia} from "./media.js" */
/** @import {Problem} from "./errors.js" */
import { listDevices, onDeviceChange } from "./devices.js";
import { h } from "./dom.js";

/** @type {["microphone" | "camera", "audio" | "video", string][]} */
const LISTS = [
  ["camera", "video", "Camera"],
  ["microphone", "audio", "Microphone"],
];

export class DevicePicker {
  /** @type {HTMLElement} */
  element;
  /** @type {Map<string, HTMLSelectElement>} */
  #lists = new Map();
  /** @type {(() => void)[]} */
  #stop;
  /** @type {LocalMedia} */
  #media;

  /** @param {LocalMedia} media @param {(problem: Problem) => void} failed */
  constructor(media, failed) {
    this.#media = media;
    this.element = h("div", { class: "devices" });
    for (const [source, , words] of LISTS) {
      const list = h("select", {
        "data-source": source,
        onchange: () => void media.useDevice(source, list.value).catch(failed),
      });
      this.#lists.set(source, list);
      this.element.append(h("label", { class: "field" }, h("span", {}, words), list));
    }
    const refresh = () => void this.refresh();
    this.#stop = [onDeviceChange(refresh), media.subscribe(refresh)];
    refresh();
  }

  async refresh() {
    const devices = await listDevices();
    for (const [source, kind, words] of LISTS) {
      const list = /** @type {HTMLSelectElement} */ (this.#lists.get(source));
      const current = this.#media.tracks.get(source)?.getSettings().deviceId;
      const options = devices[kind].map(({ deviceId, label }, index) =>
        h("option", { value: deviceId, selected: deviceId === current }, label || `${words} ${index + 1}`),
      );
      list.disabled = options.length === 0;
      if (options.length === 0) options.push(h("option", {}, `No ${words.toLowerCase()}`));
      list.replaceChildren(...options);
    }
  }

  close() {
    for (const stop of this.#stop) stop();
  }
}
