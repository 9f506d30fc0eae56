/**
 * The first page: choose a room.
 * @module home
 */
import { h, icon } from "./dom.js";
import { roomFrom, suggestRoom } from "./names.js";

/** @param {HTMLElement} main @param {(room: string) => void} go */
export function showHome(main, go) {
  document.title = "visavis";
  const input = h("input", {
    id: "room",
    name: "room",
    value: suggestRoom(),
    maxlength: 64,
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    required: true,
  });
  const suggest = () => {
    input.value = suggestRoom();
    input.focus();
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    const room = roomFrom(input.value);
    input.value = room;
    if (room !== "") go(room);
  };
  main.replaceChildren(
    h(
      "div",
      { class: "home" },
      h("h1", { class: "wordmark" }, logo(), "visavis"),
      h("p", { class: "lead" }, "Face to face, by a link."),
      h(
        "form",
        { class: "card home-form", onsubmit: submit },
        h("label", { class: "field-label", for: "room" }, "Name of the room"),
        h(
          "div",
          { class: "room-row" },
          input,
          h("button", { type: "button", class: "icon-button", "aria-label": "Suggest another name", title: "Another name", onclick: suggest }, icon("shuffle")),
          h("button", { type: "submit", class: "button accent" }, "Go"),
        ),
        h("p", { class: "quiet" }, "Whoever has the link can join. No account needed."),
      ),
    ),
  );
  input.select();
}

/** @returns {HTMLElement} two faces that look at each other */
export function logo() {
  return h("span", { class: "logo", "aria-hidden": "true" });
}
