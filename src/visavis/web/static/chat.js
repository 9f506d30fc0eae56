/**
 * The chat panel.
 * @module chat
 */
/** @import {ChatMessage} from "./protocol.js" */
import { h, icon, setText } from "./dom.js";

/** Older lines leave the page. */
const LINE_LIMIT = 500;
const GROUP_SECONDS = 120;
const LINK = /\bhttps?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]/g;

export class Chat {
  /** @type {HTMLElement} */
  element;
  unread = 0;
  #list = h("ol");
  /** @type {HTMLElement} */
  #lines;
  /** @type {HTMLTextAreaElement} */
  #input;
  /** @type {ChatMessage | null} */
  #last = null;
  /** @type {(text: string) => void} */
  #say;

  /** @param {{say: (text: string) => void, close: () => void}} actions */
  constructor({ say, close }) {
    this.#say = say;
    this.#lines = h("div", { class: "chat-lines", role: "log", "aria-label": "Messages", tabindex: 0 }, this.#list);
    this.#input = h("textarea", {
      id: "chat-text",
      rows: 1,
      placeholder: "Write to everybody",
      "aria-label": "Message to everybody",
      autocomplete: "off",
      enterkeyhint: "send",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
    });
    this.element = h(
      "aside",
      { class: "panel chat", id: "chat", "aria-label": "Chat", hidden: true },
      h(
        "header",
        { class: "panel-head" },
        h("h2", {}, "Chat"),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close chat", onclick: close }, icon("close")),
      ),
      h("p", { class: "chat-empty" }, "Messages go to everybody in the room, and are gone when the room is."),
      this.#lines,
      h(
        "form",
        { class: "chat-form", onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
        this.#input,
        h("button", { type: "submit", class: "icon-button accent", "aria-label": "Send" }, icon("send")),
      ),
    );
  }

  get open() {
    return !this.element.hidden;
  }

  set open(open) {
    this.element.hidden = !open;
    if (!open) return;
    this.unread = 0;
    this.#lines.scrollTop = this.#lines.scrollHeight;
    this.#input.focus();
  }

  /** @param {number} characters */
  set limit(characters) {
    this.#input.maxLength = characters;
  }

  /** @param {ChatMessage} message @param {boolean} own */
  add(message, own) {
    const atEnd = this.#lines.scrollHeight - this.#lines.scrollTop - this.#lines.clientHeight < 40;
    const last = this.#last;
    const follows = last?.participant === message.participant && message.time - last.time < GROUP_SECONDS;
    const at = new Date(message.time * 1000);
    const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    this.#list.append(
      h(
        "li",
        { class: follows ? "chat-line follows" : "chat-line", "data-own": String(own) },
        h(
          "p",
          { class: follows ? "chat-who hidden-words" : "chat-who" },
          h("b", {}, own ? "You" : message.name),
          " ",
          h("time", { datetime: at.toISOString() }, time),
        ),
        h("p", { class: "chat-text" }, ...linked(message.text)),
      ),
    );
    this.#last = message;
    while (this.#list.childElementCount > LINE_LIMIT) this.#list.firstElementChild?.remove();
    if (atEnd || own) this.#lines.scrollTop = this.#lines.scrollHeight;
    if (!this.open && !own) this.unread += 1;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    this.#submit(event);
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const text = this.#input.value.trim();
    if (text === "") return;
    this.#say(text);
    this.#input.value = "";
  }
}

/** @param {string} text @returns {(Node | string)[]} with links that open elsewhere */
function linked(text) {
  /** @type {(Node | string)[]} */
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    parts.push(text.slice(end, match.index));
    const link = h("a", { href: match[0], target: "_blank", rel: "noopener noreferrer" });
    setText(link, match[0]);
    parts.push(link);
    end = match.index + match[0].length;
  }
  parts.push(text.slice(end));
  return parts;
}
