/**
 * The page of a call: stage, toolbar, panels, and what is said aloud about them.
 * @module callview
 */
/** @import {Mode} from "./protocol.js" */
/** @import {LocalMedia} from "./media.js" */
/** @import {Problem} from "./errors.js" */
/** @import {SignalingState} from "./signaling.js" */
/** @import {ViewTile} from "./protocol.js" */
import { Call } from "./call.js";
import { Chat } from "./chat.js";
import { DevicePicker } from "./devicepicker.js";
import { h, icon, setIcon, setText } from "./dom.js";
import { AUTOPLAY_BLOCKED, DIRECT_BLOCKED, MEDIA_BLOCKED } from "./errors.js";
import { logo } from "./home.js";
import { announce, clearNotice, clearNotices, notify, notifyProblem, updateNotice } from "./notices.js";
import { Playback } from "./playback.js";
import { helpDialog, listenForShortcuts } from "./shortcuts.js";
import { Stats } from "./stats.js";
import { Tiles } from "./tiles.js";
import { tileModels } from "./tilestate.js";
import { Toolbar } from "./toolbar.js";
import { keepAwake } from "./wakelock.js";

/** @typedef {{room: string, name: string, mode: Mode, media: LocalMedia, url: string, link: string}} CallOptions */

const VIEW_DELAY_MS = 300;

export class CallView {
  /** @type {Call} */
  call;
  /** @type {CallOptions} */
  #options;
  /** @type {(problem: Problem | null) => void} */
  #over;
  #due = false;
  #countdown = 0;
  #viewTimer = 0;
  #viewed = "";
  /** @type {(() => void)[]} */
  #undo = [];
  #badge = { icon: icon("server"), words: h("span") };
  #count = h("span");

  /**
   * @param {HTMLElement} main
   * @param {CallOptions} options
   * @param {(problem: Problem | null) => void} over the call has ended; null: by leaving
   */
  constructor(main, options, over) {
    this.#options = options;
    this.#over = over;
    this.call = new Call(options, {
      changed: () => this.#changed(),
      joined: (joined) => this.#joined(joined.resumed),
      came: ({ name }) => this.#tell(`${name} joined`),
      left: ({ name }, reason) => this.#tell(reason === "lost" ? `${name} lost the connection` : `${name} left`),
      chat: (message) => {
        const own = message.participant === this.call.room.you;
        this.chat.add(message, own);
        if (!own && !this.chat.open) announce(`${message.name} writes: ${message.text}`);
        this.#changed();
      },
      signaling: (state, retryAt) => this.#signaling(state, retryAt),
      blocked: (problem) => this.#blocked(problem),
      problem: (problem) => notifyProblem(problem),
      ended: (problem) => this.#end(problem),
    });
    this.chat = new Chat({ say: (text) => this.call.say(text), close: () => this.#toggleChat() });
    this.stats = new Stats(this.call, () => this.#toggleStats());
    this.tiles = new Tiles(this.#invitation(), (tiles) => this.#view(tiles));
    this.playback = new Playback((blocked) => this.#autoplay(blocked));
    this.help = helpDialog();
    this.settings = this.#settings();
    this.toolbar = new Toolbar({
      microphone: () => this.#flip(() => options.media.setMicrophone(!options.media.microphoneOn)),
      camera: () => this.#flip(() => options.media.setCamera(!options.media.cameraOn)),
      screen: () => this.#flip(() => (options.media.screenOn ? options.media.stopScreen() : options.media.shareScreen())),
      chat: () => this.#toggleChat(),
      stats: () => this.#toggleStats(),
      settings: () => this.settings.showModal(),
      help: () => this.help.showModal(),
      leave: () => this.leave(),
    });
    main.replaceChildren(
      h(
        "div",
        { class: "call" },
        this.#header(),
        h("div", { class: "middle" }, this.tiles.element, this.stats.element, this.chat.element),
        this.toolbar.element,
        this.playback.element,
        this.help,
        this.settings,
      ),
    );
    this.#undo.push(this.#keys(), keepAwake());
    const gone = () => this.call.leave();
    addEventListener("pagehide", gone);
    // A page that the browser took out of its cache has left the room: it begins again.
    const back = (/** @type {PageTransitionEvent} */ event) => event.persisted && location.reload();
    addEventListener("pageshow", back);
    this.#undo.push(() => removeEventListener("pagehide", gone), () => removeEventListener("pageshow", back));
    document.title = `${options.room} · visavis`;
    this.call.join();
    this.#render();
  }

  leave() {
    this.call.leave();
    this.#end(null);
  }

  #header() {
    const copy = h("button", { type: "button", class: "button small", onclick: () => void this.#copy() }, icon("link"), h("span", {}, "Copy link"));
    return h(
      "header",
      { class: "call-head" },
      logo(),
      h("h1", {}, this.#options.room),
      h("p", { class: "chip", "data-role": "mode" }, this.#badge.icon, this.#badge.words),
      h("p", { class: "chip", "data-role": "count" }, icon("people"), this.#count),
      copy,
    );
  }

  #invitation() {
    return h(
      "li",
      { class: "invitation" },
      h("p", { class: "invitation-title" }, "Nobody else is here yet"),
      h("p", {}, "Send this link to whoever you want to see:"),
      h("code", { class: "invitation-link" }, this.#options.link),
      h("button", { type: "button", class: "button accent", onclick: () => void this.#copy() }, icon("link"), h("span", {}, "Copy link")),
    );
  }

  #settings() {
    const picker = new DevicePicker(this.#options.media, (problem) => notifyProblem(problem));
    this.#undo.push(() => picker.close());
    const dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "settings-title" },
      h(
        "header",
        { class: "panel-head" },
        h("h2", { id: "settings-title" }, "Devices"),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close devices", onclick: () => dialog.close() }, icon("close")),
      ),
      picker.element,
    );
    return dialog;
  }

  #keys() {
    const { media } = this.#options;
    return listenForShortcuts({
      m: () => this.#flip(() => media.setMicrophone(!media.microphoneOn)),
      v: () => this.#flip(() => media.setCamera(!media.cameraOn)),
      d: () => this.#flip(() => (media.screenOn ? media.stopScreen() : media.shareScreen())),
      c: () => this.#toggleChat(),
      s: () => this.#toggleStats(),
      "?": () => this.help.showModal(),
      escape: () => {
        if (this.chat.open) this.#toggleChat();
        else if (this.stats.open) this.#toggleStats();
      },
    });
  }

  /** One render for however many changes come together. */
  #changed() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#render();
    });
  }

  #render() {
    const { room, media } = this.call;
    this.tiles.render(tileModels(this.call));
    this.playback.render(this.call);
    this.toolbar.render({ media, chat: this.chat.open, stats: this.stats.open, unread: this.chat.unread });
    setIcon(this.#badge.icon, room.mode === "sfu" ? "server" : "direct");
    setText(this.#badge.words, room.mode === "sfu" ? "Through the server" : "Directly between browsers");
    const people = room.others.size + 1;
    setText(this.#count, people === 1 ? "1 person" : `${people} people`);
  }

  /** @param {boolean} resumed */
  #joined(resumed) {
    this.chat.limit = this.call.room.chatCharacters;
    this.#viewed = "";
    if (this.call.room.mode !== this.#options.mode && !resumed) {
      const way = this.call.room.mode === "sfu" ? "through the server" : "directly between two browsers";
      notify("mode", { tone: "info", title: `This room already runs ${way}.` });
    }
  }

  /** @param {SignalingState} state @param {number} retryAt */
  #signaling(state, retryAt) {
    clearInterval(this.#countdown);
    if (state !== "waiting") {
      if (state === "joined") clearNotice("server-gone");
      return;
    }
    const media = this.call.connections().some(([, pc]) => pc.connectionState === "connected");
    const words = () => {
      const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
      return `${media ? "What is connected goes on. " : ""}Trying again ${seconds === 0 ? "now" : `in ${seconds} s`}.`;
    };
    notify("server-gone", {
      tone: "warning",
      title: "The server is not reachable.",
      hint: words(),
      lasting: true,
      action: { label: "Try now", run: () => this.call.signaling.retryNow() },
    });
    this.#countdown = setInterval(() => updateNotice("server-gone", words()), 500);
  }

  /** @param {Problem | null} problem */
  #blocked(problem) {
    for (const known of [MEDIA_BLOCKED, DIRECT_BLOCKED]) if (problem !== known) clearNotice(known.code);
    if (problem !== null) notifyProblem(problem);
  }

  /** @param {boolean} blocked */
  #autoplay(blocked) {
    if (!blocked) {
      clearNotice(AUTOPLAY_BLOCKED.code);
      return;
    }
    notify(AUTOPLAY_BLOCKED.code, {
      tone: "warning",
      title: AUTOPLAY_BLOCKED.title,
      lasting: true,
      action: { label: "Tap to hear", run: () => void this.playback.resume() },
    });
  }

  #toggleChat() {
    this.chat.open = !this.chat.open;
    if (!this.chat.open) this.toolbar.focus("chat");
    this.#render();
  }

  #toggleStats() {
    this.stats.open = !this.stats.open;
    if (!this.stats.open) this.toolbar.focus("stats");
    this.#render();
  }

  /** @param {() => Promise<void>} change */
  #flip(change) {
    change().catch((/** @type {Problem} */ problem) => notifyProblem(problem));
  }

  async #copy() {
    const { link } = this.#options;
    try {
      await navigator.clipboard.writeText(link);
      notify("copied", { tone: "info", title: "Link copied" });
    } catch {
      notify("copied", { tone: "warning", title: "The browser does not let this page copy.", hint: `The link is ${link}` });
    }
  }

  /** @param {string} words */
  #tell(words) {
    notify("presence", { tone: "info", title: words });
  }

  /** Says what is on the page, once it has come to rest. @param {ViewTile[]} tiles */
  #view(tiles) {
    clearTimeout(this.#viewTimer);
    this.#viewTimer = setTimeout(() => {
      const shown = JSON.stringify(tiles);
      if (shown === this.#viewed || this.call.room.mode !== "sfu") return;
      this.#viewed = shown;
      this.call.signaling.send({ type: "view", tiles });
    }, VIEW_DELAY_MS);
  }

  /** @param {Problem | null} problem */
  #end(problem) {
    clearInterval(this.#countdown);
    clearTimeout(this.#viewTimer);
    for (const undo of this.#undo.splice(0)) undo();
    this.stats.close();
    this.playback.close();
    this.tiles.close();
    clearNotices();
    this.#options.media.stop();
    this.#over(problem);
  }
}
