/**
 * The buttons of a call.
 * @module toolbar
 */
/** @import {LocalMedia} from "./media.js" */
import { attribute, h, icon, setIcon, setText } from "./dom.js";

/** @typedef {"microphone" | "camera" | "screen" | "chat" | "stats" | "settings" | "help" | "leave"} ButtonName */

/** @type {[ButtonName, string, string, string][]} name, icon, words below, key */
const BUTTONS = [
  ["microphone", "mic", "Mute", "M"],
  ["camera", "camera", "Camera", "V"],
  ["screen", "screen", "Share", "D"],
  ["chat", "chat", "Chat", "C"],
  ["stats", "stats", "Stats", "S"],
  ["settings", "settings", "Devices", ""],
  ["help", "help", "Keys", "?"],
  ["leave", "leave", "Leave", ""],
];

/** @typedef {{media: LocalMedia, chat: boolean, stats: boolean, unread: number}} ToolbarState */

export class Toolbar {
  /** @type {HTMLElement} */
  element = h("div", { class: "toolbar", role: "group", "aria-label": "Call controls" });
  /** @type {Map<ButtonName, {button: HTMLButtonElement, icon: SVGSVGElement, words: HTMLElement}>} */
  #buttons = new Map();
  #badge = h("span", { class: "badge", hidden: true, "aria-hidden": "true" });

  /** @param {Record<ButtonName, () => void>} actions */
  constructor(actions) {
    for (const [name, iconName, words, key] of BUTTONS) {
      const drawn = icon(iconName);
      const below = h("span", { class: "tool-words", "aria-hidden": "true" }, words);
      const button = h("button", { type: "button", class: "tool", "data-tool": name, onclick: actions[name] }, drawn, below);
      attribute(button, "aria-label", words);
      if (key !== "") attribute(button, "aria-keyshortcuts", key === "?" ? "Shift+?" : key);
      if (name === "chat") button.append(this.#badge);
      if (name === "chat" || name === "stats") attribute(button, "aria-controls", name);
      this.#buttons.set(name, { button, icon: drawn, words: below });
      this.element.append(button);
    }
  }

  /** @param {ToolbarState} state */
  render({ media, chat, stats, unread }) {
    const { microphoneOn, cameraOn, screenOn } = media;
    const mute = microphoneOn ? "Mute" : "Unmute";
    this.#show("microphone", microphoneOn ? "mic" : "mic-off", mute, `${mute} microphone`, !microphoneOn);
    this.#show("camera", cameraOn ? "camera" : "camera-off", "Camera", `${cameraOn ? "Stop" : "Start"} camera`, !cameraOn);
    this.#show("screen", "screen", screenOn ? "Stop" : "Share", screenOn ? "Stop sharing" : "Share screen", false);
    attribute(this.#get("screen").button, "data-active", String(screenOn));
    attribute(this.#get("chat").button, "aria-expanded", String(chat));
    attribute(this.#get("stats").button, "aria-expanded", String(stats));
    this.#badge.hidden = unread === 0;
    setText(this.#badge, unread > 99 ? "99+" : String(unread));
    attribute(this.#get("chat").button, "aria-label", unread === 0 ? "Chat" : `Chat, ${unread} unread`);
  }

  /** @param {ButtonName} name */
  focus(name) {
    this.#get(name).button.focus();
  }

  /** @param {ButtonName} name @param {string} iconName @param {string} short @param {string} words @param {boolean} off */
  #show(name, iconName, short, words, off) {
    const parts = this.#get(name);
    setIcon(parts.icon, iconName);
    setText(parts.words, short);
    attribute(parts.button, "aria-label", words);
    attribute(parts.button, "title", words);
    parts.button.classList.toggle("off", off);
  }

  /** @param {ButtonName} name */
  #get(name) {
    return /** @type {{button: HTMLButtonElement, icon: SVGSVGElement, words: HTMLElement}} */ (this.#buttons.get(name));
  }
}
