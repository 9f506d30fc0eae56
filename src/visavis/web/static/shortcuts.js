/**
 * Single-key shortcuts. They rest while somebody types or a dialog is open, and can be switched off (WCAG 2.1.4).
 * @module shortcuts
 */
import { h, icon } from "./dom.js";

const STORED = "visavis.shortcuts";

/** @type {[string, string][]} */
const KEYS = [
  ["M", "Microphone on or off"],
  ["V", "Camera on or off"],
  ["D", "Share the screen, or stop"],
  ["C", "Chat"],
  ["S", "Statistics"],
  ["?", "This help"],
  ["Esc", "Close a panel"],
];

/** @returns {boolean} */
function enabled() {
  return localStorage.getItem(STORED) !== "off";
}

/** @param {KeyboardEvent} event @returns {boolean} whether the key belongs to something that is being typed into */
function typing(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/**
 * @param {Record<string, () => void>} actions by `KeyboardEvent.key`, lower case
 * @returns {() => void} stops listening
 */
export function listenForShortcuts(actions) {
  /** @param {KeyboardEvent} event */
  const pressed = (event) => {
    if (event.repeat || document.querySelector("dialog[open]") !== null) return;
    const action = actions[event.key.toLowerCase()];
    if (action === undefined) return;
    if (event.key !== "Escape" && (typing(event) || !enabled())) return;
    event.preventDefault();
    action();
  };
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed);
}

/** @returns {HTMLDialogElement} */
export function helpDialog() {
  const toggle = h("input", {
    type: "checkbox",
    checked: enabled(),
    onchange: () => localStorage.setItem(STORED, toggle.checked ? "on" : "off"),
  });
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "help-title" },
    h(
      "header",
      { class: "panel-head" },
      h("h2", { id: "help-title" }, "Keys"),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close help", onclick: () => dialog.close() }, icon("close")),
    ),
    h("dl", { class: "keys" }, ...KEYS.flatMap(([key, words]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, words)])),
    h("label", { class: "check" }, toggle, "Use single keys"),
  );
  return dialog;
}
