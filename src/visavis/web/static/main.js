/**
 * Which page to show: `/` home, `/<room>` lobby, `/<room>?name=Ada&join` the call at once. docs/page.md names the
 * parameters and the hooks for tests.
 * @module main
 */
/** @import {Mode} from "./protocol.js" */
/** @import {Problem} from "./errors.js" */
import { CallView } from "./callview.js";
import { h } from "./dom.js";
import { logo, showHome } from "./home.js";
import { rememberedName, rememberName, showLobby } from "./lobby.js";
import { LocalMedia } from "./media.js";
import { clearNotices, notifyProblem } from "./notices.js";
import { NAME_LIMIT } from "./protocol.js";
import { snapshot } from "./snapshot.js";

const main = /** @type {HTMLElement} */ (document.getElementById("main"));
const query = new URLSearchParams(location.search);
const room = decodeURIComponent(location.pathname.slice(1));
/** @type {CallView | null} */
let view = null;

/** @type {any} */ (window).visavis = Object.freeze({
  /** The call as plain data, or null outside of one. */
  call: () => (view === null ? null : snapshot(view.call)),
  /** The living connections by name, for getStats. */
  connections: () => Object.fromEntries(view?.call.connections() ?? []),
});

/** @param {string} key @returns {boolean} present and not switched off by `=0` */
const flag = (key) => query.has(key) && query.get(key) !== "0";

/** @param {string} key @returns {boolean} */
const wanted = (key) => query.get(key) !== "0";

function start() {
  const asked = query.get("name")?.trim().slice(0, NAME_LIMIT) ?? "";
  const name = asked === "" ? rememberedName() : asked;
  /** @type {Mode} */
  const mode = flag("direct") ? "direct" : "sfu";
  if (room === "") showHome(main, (chosen) => location.assign(`/${chosen}`));
  else if (flag("join") && name !== "") void joinAtOnce(name, mode);
  else lobby(name, mode);
}

/** @param {string} name @param {Mode} mode */
async function joinAtOnce(name, mode) {
  const media = new LocalMedia();
  rememberName(name);
  const opening = media.start({ microphone: wanted("audio"), camera: wanted("video") });
  enter(name, mode, media);
  for (const problem of await opening) notifyProblem(problem);
}

/** @param {string} name @param {Mode} mode */
function lobby(name, mode) {
  const media = new LocalMedia();
  const options = { room, name, mode, media, microphone: wanted("audio"), camera: wanted("video") };
  const leaveLobby = showLobby(main, options, (choice) => {
    leaveLobby();
    clearNotices();
    enter(choice.name, choice.mode, media);
  });
}

/** @param {string} name @param {Mode} mode @param {LocalMedia} media */
function enter(name, mode, media) {
  const url = new URL("/signal", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const link = new URL(`/${room}`, location.href);
  if (mode === "direct") link.search = "?direct";
  view = new CallView(main, { room, name, mode, media, url: url.href, link: link.href }, (problem) => {
    view = null;
    showOver(problem, () => lobby(name, mode));
  });
}

/** @param {Problem | null} problem @param {() => void} again */
function showOver(problem, again) {
  const back = h("button", { type: "button", class: "button accent", onclick: again }, problem === null ? "Join again" : "Try again");
  main.replaceChildren(
    h(
      "div",
      { class: "home over-page", role: problem === null ? null : "alert", "data-problem": problem?.code ?? null },
      logo(),
      h("h1", {}, problem === null ? "You left the call" : problem.title),
      h("p", { class: "lead" }, problem === null ? room : problem.hint),
      h("div", { class: "row" }, back, h("a", { class: "button", href: "/" }, "Another room")),
    ),
  );
  back.focus();
}

start();
