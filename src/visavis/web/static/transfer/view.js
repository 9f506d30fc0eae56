/**
 * The page of a transfer: the state of the connection, and one row for each file.
 * @module view
 */
import { h, icon, setIcon, setText } from "../dom.js";
import { ENDINGS } from "./endings.js";
import { Progress, saidSize } from "./progress.js";

/** @typedef {"offered" | "waiting" | "moving" | "checking" | "done" | "failed"} RowState */

const SHOWN_EVERY_MS = 100;

/** @param {string} text to screen readers, politely */
function announce(text) {
  const live = /** @type {HTMLElement} */ (document.getElementById("live"));
  live.append(h("p", {}, text));
  while (live.childElementCount > 20) live.firstElementChild?.remove();
}

/** One file. */
export class Row {
  /** @type {RowState} */
  state = "offered";
  /** @type {Progress | null} */
  #progress = null;
  #shownMs = 0;
  #icon = icon("link");
  #words = h("p", { class: "quiet file-words" });
  #bar;
  #action;

  /**
   * @param {string} name @param {number} size
   * @param {{label: string, run: () => void} | null} action
   */
  constructor(name, size, action) {
    this.name = name;
    this.size = size;
    this.#bar = h("progress", { max: 1, value: 0, "aria-label": `Progress of ${name}`, hidden: true });
    this.#action =
      action === null ? null : h("button", { type: "button", class: "button accent", "aria-label": `${action.label} ${name}`, onclick: action.run }, action.label);
    this.element = h(
      "li",
      { class: "file card", "data-file": name, "data-state": this.state },
      this.#icon,
      h("div", { class: "file-text" }, h("p", { class: "file-name" }, name), this.#words, this.#bar),
      this.#action,
    );
    setText(this.#words, saidSize(size));
  }

  waiting() {
    this.#become("waiting", `${saidSize(this.size)}, waiting`);
  }

  /** @param {number} offset */
  begun(offset) {
    this.#progress = new Progress(this.size, offset, Date.now());
    this.#become("moving", this.#progress.words(Date.now()));
  }

  /** @param {number} position */
  moved(position) {
    const nowMs = Date.now();
    if (this.#progress === null || this.state !== "moving") return;
    this.#progress.moved(position, nowMs);
    if (nowMs - this.#shownMs < SHOWN_EVERY_MS && position !== this.size) return;
    this.#shownMs = nowMs;
    this.#bar.value = this.#progress.fraction;
    setText(this.#words, this.#progress.words(nowMs));
  }

  checking() {
    this.#become("checking", `${saidSize(this.size)}, checking`);
  }

  finished() {
    this.#become("done", `${saidSize(this.size)}, checksum ok`);
    announce(`${this.name}: checksum ok`);
  }

  /** @param {string} reason */
  failed(reason) {
    this.#become("failed", reason);
    announce(`${this.name}: ${reason}`);
  }

  /** @param {RowState} state @param {string} words */
  #become(state, words) {
    this.state = state;
    this.element.dataset["state"] = state;
    setIcon(this.#icon, { offered: "link", waiting: "wait", moving: "send", checking: "wait", done: "check", failed: "broken" }[state]);
    setText(this.#words, words);
    this.#bar.hidden = state !== "moving" && state !== "checking";
    if (this.#action !== null) {
      this.#action.hidden = state !== "offered" && state !== "failed";
      if (state === "failed") setText(this.#action, "Try again");
    }
  }
}

/** The page around the rows. */
export class View {
  #status = h("p", { class: "lead", role: "status" });
  #title = h("h1", {});
  #list = h("ul", { class: "files" });
  #more = h("div", { class: "more" });
  #page;

  /** @param {HTMLElement} main */
  constructor(main) {
    this.#page = h(
      "div",
      { class: "transfer", "data-state": "meeting" },
      h("header", { class: "wordmark small" }, h("span", { class: "logo", "aria-hidden": "true" }), "visavis"),
      this.#title,
      this.#status,
      this.#list,
      this.#more,
    );
    main.replaceChildren(this.#page);
    this.state("meeting", "Connecting…", "To the machine that showed the link.");
  }

  /** @param {string} state @param {string} title @param {string} words */
  state(state, title, words) {
    this.#page.dataset["state"] = state;
    setText(this.#title, title);
    setText(this.#status, words);
    document.title = `${title} · visavis`;
  }

  /** @param {string} code of `ENDINGS` */
  ended(code) {
    const ending = ENDINGS[code] ?? { title: "It is over", hint: "" };
    this.state(ending.good ? "good" : "ended", ending.title, ending.hint);
    this.#page.dataset["ending"] = code;
    this.#more.replaceChildren();
    announce(ending.title);
  }

  /** @param {Row[]} rows in the place of those that were there */
  rows(rows) {
    this.#list.replaceChildren(...rows.map(({ element }) => element));
  }

  /** @param {...Node} nodes below the files */
  more(...nodes) {
    this.#more.replaceChildren(...nodes);
  }
}
