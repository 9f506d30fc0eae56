/**
 * The overlay that says how each track travels.
 * @module stats
 */
/** @import {Call} from "./call.js" */
/** @import {Path, Report, Row} from "./measure.js" */
import { h, icon, setText } from "./dom.js";
import { pathWords, rows, selectedPath } from "./measure.js";

const INTERVAL_MS = 1000;
const COLUMNS = ["Track", "Codec", "Size", "Rate", "Bitrate", "Round trip", "Loss", "Jitter"];

/** @type {Record<string, string>} */
const SOURCE_WORDS = { camera: "camera", microphone: "microphone", screen: "screen", "screen-audio": "screen's sound" };
/** @type {Record<string, string>} */
const CONNECTION_WORDS = { publish: "To the server", subscribe: "From the server", direct: "Between the browsers" };
/** @type {Record<string, string>} */
const LIMIT_WORDS = { cpu: "held back by the processor", bandwidth: "held back by the network", other: "held back" };

export class Stats {
  /** @type {HTMLElement} */
  element;
  #timer = 0;
  /** @type {Map<string, Report>} */
  #before = new Map();
  /** @type {HTMLElement} */
  #paths = h("dl", { class: "stats-paths" });
  #body = h("tbody");
  /** @type {HTMLElement} */
  #headline = h("p", { class: "stats-headline", "data-role": "path" });
  /** @type {Call} */
  #call;

  /** @param {Call} call @param {() => void} close */
  constructor(call, close) {
    this.#call = call;
    this.element = h(
      "section",
      { class: "panel stats", id: "stats", "aria-label": "Connection statistics", hidden: true },
      h(
        "header",
        { class: "panel-head" },
        h("h2", {}, "How the call travels"),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close statistics", onclick: close }, icon("close")),
      ),
      h(
        "div",
        { class: "stats-scroll", tabindex: 0, role: "group", "aria-label": "Figures" },
        this.#headline,
        this.#paths,
        h(
          "table",
          {},
          h("caption", { class: "hidden-words" }, "Tracks sent and received"),
          h("thead", {}, h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
          this.#body,
        ),
      ),
    );
  }

  get open() {
    return !this.element.hidden;
  }

  set open(open) {
    this.element.hidden = !open;
    clearInterval(this.#timer);
    this.#before.clear();
    if (!open) return;
    void this.#read();
    this.#timer = setInterval(() => void this.#read(), INTERVAL_MS);
  }

  close() {
    clearInterval(this.#timer);
  }

  async #read() {
    /** @type {Node[]} */
    const lines = [];
    /** @type {Node[]} */
    const paths = [];
    let relayed = false;
    for (const [name, pc] of this.#call.connections()) {
      /** @type {Report} */
      const report = new Map(/** @type {any} */ (await pc.getStats()));
      const path = selectedPath(report);
      if (path !== null) relayed ||= path.local === "relay" || path.remote === "relay";
      paths.push(...pathLine(name, path));
      for (const row of rows(report, this.#before.get(name) ?? null)) lines.push(this.#line(row));
      this.#before.set(name, report);
    }
    setText(this.#headline, this.#headlineWords(relayed));
    this.#paths.replaceChildren(...paths);
    this.#body.replaceChildren(...lines);
  }

  /** @param {boolean} relayed */
  #headlineWords(relayed) {
    const { mode } = this.#call.room;
    const { rttMs } = this.#call.signaling;
    const way = mode === "sfu" ? "Through the server" : relayed ? "Through a relay" : "Directly between browsers";
    return rttMs === null ? way : `${way}. Signaling answers in ${Math.round(rttMs)} ms.`;
  }

  /** @param {Row} row */
  #line(row) {
    const cells = [
      [row.codec ?? "–", row.implementation ?? ""],
      [row.width === null ? "–" : `${row.width}×${row.height}`, ""],
      [row.kind === "video" ? number(row.framesPerSecond, "fps") : "–", ""],
      [bitrate(row.bitsPerSecond), row.limited === null ? "" : (LIMIT_WORDS[row.limited] ?? row.limited)],
      [number(row.rttMs, "ms"), ""],
      [number(row.lossPercent, "%", 1), ""],
      [number(row.jitterMs, "ms", 1), ""],
    ];
    return h(
      "tr",
      { "data-direction": row.direction, "data-kind": row.kind },
      h("th", { scope: "row" }, this.#whose(row)),
      ...cells.map(([text = "", small = ""]) => h("td", {}, text, small === "" ? null : h("small", {}, small))),
    );
  }

  /** @param {Row} row @returns {string} */
  #whose(row) {
    const { room, subscribe, publish, direct } = this.#call;
    if (row.mid !== null && row.direction === "sent") {
      const source = (publish ?? direct)?.outgoing.sourceOf(row.mid) ?? null;
      if (source !== null) return `Your ${SOURCE_WORDS[source]}`;
    }
    for (const { name, tracks } of row.direction === "received" ? room.others.values() : []) {
      const stream = subscribe?.streams.find(({ mid }) => mid === row.mid);
      const track = tracks.find(({ id }) => id === (subscribe === null ? row.mid : stream?.track));
      if (track !== undefined) return `${name}, ${SOURCE_WORDS[track.source]}`;
    }
    return `${row.direction === "sent" ? "Sent" : "Received"} ${row.kind}`;
  }
}

/** @param {string} name @param {Path | null} path */
function pathLine(name, path) {
  const sends = name !== "subscribe"; // what the browser may send; it cannot know the same of the other way
  const rest = !sends || path === null || path.availableBps === null ? "" : `, room for ${bitrate(path.availableBps)}`;
  const words = path === null ? "No path yet" : pathWords(path) + rest;
  return [h("dt", {}, CONNECTION_WORDS[name] ?? name), h("dd", { "data-connection": name }, words)];
}

/** @param {number | null} value @param {string} unit @param {number} [digits] */
function number(value, unit, digits = 0) {
  return value === null ? "–" : `${value.toFixed(digits)} ${unit}`;
}

/** @param {number | null} bps */
function bitrate(bps) {
  if (bps === null) return "–";
  return bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bps / 1e3)} kbit/s`;
}
