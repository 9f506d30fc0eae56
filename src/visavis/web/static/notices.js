/**
 * Notices above the page, each with what happened and what to do, and a voice for screen readers.
 * @module notices
 */
/** @import {Problem} from "./errors.js" */
import { h, icon, setText } from "./dom.js";

/**
 * @typedef {object} Notice
 * @property {"info" | "warning" | "error"} tone
 * @property {string} title
 * @property {string} [hint]
 * @property {{label: string, run: () => void}} [action]
 * @property {boolean} [lasting] stays until it is cleared; others can be closed and fade by themselves when `info`
 */

const FADE_MS = 5_000;
const MOST = 4;

/** @type {Map<string, {element: HTMLElement, hint: HTMLElement, timer: number}>} */
const shown = new Map();

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Shows a notice in place of an earlier one with the same key.
 * @param {string} key
 * @param {Notice} notice
 */
export function notify(key, notice) {
  clearNotice(key);
  if (shown.size >= MOST) {
    const oldest = shown.keys().next().value;
    if (oldest !== undefined) clearNotice(oldest);
  }
  const hint = h("p", { class: "notice-hint" }, notice.hint ?? "");
  const { action } = notice;
  const element = h(
    "div",
    { class: "notice", "data-tone": notice.tone, "data-notice": key, role: notice.tone === "error" ? "alert" : "status" },
    icon(notice.tone === "info" ? "check" : "broken"),
    h("div", { class: "notice-words" }, h("p", { class: "notice-title" }, notice.title), hint),
    action ? h("button", { type: "button", class: "button small", onclick: () => action.run() }, action.label) : null,
    notice.lasting
      ? null
      : h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: () => clearNotice(key) }, icon("close")),
  );
  const fades = notice.tone === "info" && !notice.lasting;
  const timer = fades ? setTimeout(() => clearNotice(key), FADE_MS) : 0;
  shown.set(key, { element, hint, timer });
  byId("notices").append(element);
}

/** @param {Problem} problem @param {Notice["action"]} [action] */
export function notifyProblem(problem, action) {
  notify(problem.code, { tone: "error", title: problem.title, hint: problem.hint, ...(action ? { action } : {}) });
}

/** Changes the second line of a notice that is shown, without reading it out again.
 * @param {string} key @param {string} hint */
export function updateNotice(key, hint) {
  const notice = shown.get(key);
  if (notice !== undefined) setText(notice.hint, hint);
}

/** @param {string} key */
export function clearNotice(key) {
  const notice = shown.get(key);
  if (notice === undefined) return;
  clearTimeout(notice.timer);
  notice.element.remove();
  shown.delete(key);
}

export function clearNotices() {
  for (const key of [...shown.keys()]) clearNotice(key);
}

/** Says a line to screen readers, politely. @param {string} text */
export function announce(text) {
  const live = byId("live");
  live.append(h("p", {}, text));
  while (live.childElementCount > 20) live.firstElementChild?.remove();
}
