/**
 * The page behind the link of `visavis send` and `visavis receive`: downloads from the one, uploads to the other.
 * @module main
 */
/** @import {FileInfo} from "./download.js" */
/** @import {Message} from "./link.js" */
import { h, icon } from "../dom.js";
import { Download } from "./download.js";
import { canonical, Link } from "./link.js";
import { saidSize } from "./progress.js";
import { openStore, tidy } from "./stores.js";
import { Upload } from "./upload.js";
import { Row, View } from "./view.js";

/**
 * What the page does for the host's direction.
 * @typedef {object} Side
 * @property {() => void} opened
 * @property {(message: Message) => void} message
 * @property {(data: ArrayBuffer) => void} data
 * @property {() => void} lost
 * @property {() => boolean} isOver whether all that was wanted is done
 */

/** In memory, and so on the edge. */
const LARGE_BYTES = 1_000_000_000;

const view = new View(/** @type {HTMLElement} */ (document.getElementById("main")));
const secret = canonical(location.hash.slice(1));
/** @type {Side | null} */
let side = null;

/** @param {Link} link @returns {Side} */
function receiving(link) {
  /** @type {Row[]} */
  let rows = [];
  const row = (/** @type {number} */ index) => /** @type {Row} */ (rows[index]);
  const download = new Download(link, {
    offered(files) {
      if (isSame(rows, files)) return;
      rows = files.map(({ name, size }, index) => new Row(name, size, { label: "Download", run: () => void want(index, true) }));
      view.rows(rows);
      if (files.length > 1) view.more(h("button", { type: "button", class: "button wide", onclick: wantAll }, "Download all"), ...advice(files));
      else view.more(...advice(files));
    },
    begun: (index, offset) => row(index).begun(offset),
    moved: (index, position) => row(index).moved(position),
    checking: (index) => row(index).checking(),
    finished: (index) => row(index).finished(),
    failed: (index, reason) => row(index).failed(reason),
    left: () => link.end(isOver() ? "received" : "left"),
  });
  const isOver = () => rows.length > 0 && rows.every(({ state }) => state === "done");

  /** @param {number} index @param {boolean} mayAsk */
  async function want(index, mayAsk) {
    const { name, state } = row(index);
    if (state !== "offered" && state !== "failed") return;
    row(index).waiting();
    const store = await openStore(name, mayAsk);
    if (store === null) row(index).failed("Not stored.");
    else download.want(index, store);
  }

  function wantAll() {
    rows.forEach((_, index) => void want(index, false));
  }

  return {
    opened() {
      const words = "The connection is encrypted, and the other side has proved to know this link.";
      view.state("open", "Files for you", words);
    },
    message: (message) => download.handle(message),
    data: (data) => download.data(data),
    lost: () => download.lost(),
    isOver,
  };
}

/** @param {Link} link @returns {Side} */
function sending(link) {
  /** @type {Row[]} */
  const rows = [];
  const row = (/** @type {number} */ index) => /** @type {Row} */ (rows[index]);
  const isOver = () => rows.length > 0 && rows.every(({ state }) => state === "done" || state === "failed");
  const show = () => {
    finish.hidden = !isOver();
  };
  const upload = new Upload(link, {
    begun: (index, offset) => row(index).begun(offset),
    moved: (index, position) => row(index).moved(position),
    finished(index) {
      row(index).finished();
      show();
    },
    failed(index, reason) {
      row(index).failed(`The other side has it not: ${reason}.`);
      show();
    },
  });

  /** @param {File[]} files */
  function add(files) {
    if (files.length === 0 || link.state === "ended") return;
    for (const { name, size } of files) rows.push(new Row(name, size, null));
    for (const each of rows.slice(-files.length)) each.waiting();
    view.rows(rows);
    show();
    upload.add(files);
  }

  const input = h("input", { type: "file", multiple: true, id: "choose", class: "hidden-words", onchange: () => add([...(input.files ?? [])]) });
  const finish = h("button", { type: "button", class: "button accent wide", hidden: true, onclick: () => link.end("sent") }, "Finish");
  const zone = h(
    "label",
    { class: "drop card", for: "choose" },
    icon("send"),
    h("span", { class: "drop-title" }, "Drop files here, or choose them"),
    h("span", { class: "quiet" }, "Several at once, of any size."),
  );
  addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.dataset["over"] = "true";
  });
  addEventListener("dragleave", () => delete zone.dataset["over"]);
  addEventListener("drop", (event) => {
    event.preventDefault();
    delete zone.dataset["over"];
    add([...(event.dataTransfer?.files ?? [])]);
  });
  view.more(input, zone, finish);
  return {
    opened() {
      view.state("open", "Send files", "To the machine that showed this link. The connection is encrypted.");
      upload.opened();
    },
    message(message) {
      if (message.type === "bye") link.end(isOver() ? "sent" : "left");
      else upload.handle(message);
    },
    data: () => undefined,
    lost: () => upload.lost(),
    isOver,
  };
}

/** @param {Row[]} rows @param {FileInfo[]} files */
function isSame(rows, files) {
  return rows.length === files.length && files.every(({ name, size }, index) => rows[index]?.name === name && rows[index]?.size === size);
}

/** @param {FileInfo[]} files @returns {Node[]} */
function advice(files) {
  if (isSecureContext || !files.some(({ size }) => size > LARGE_BYTES)) return [];
  const words = `Over plain HTTP a browser keeps a download in memory until it is whole. For files of more than ${saidSize(LARGE_BYTES)} run visavis receive with this link, or have the other side add --https.`;
  return [h("p", { class: "quiet advice" }, words)];
}

function start() {
  if (secret === null) {
    view.ended("no-secret");
    return;
  }
  const link = new Link(secret, {
    open(direction) {
      side ??= direction === "sends" ? receiving(link) : sending(link);
      side.opened();
    },
    message: (message) => side?.message(message),
    data: (data) => side?.data(data),
    lost() {
      side?.lost();
      if (side?.isOver()) link.end("left");
      else if (link.hasMet) view.state("lost", "Connection lost", "It goes on from here by itself when the other side is back.");
      else view.state("meeting", "No answer yet", "Is the other side still running, and in the same network? We keep trying.");
    },
    ended: (code) => view.ended(code),
  });
  link.open();
  addEventListener("pagehide", () => link.end("left"));
  addEventListener("hashchange", () => location.reload());
  addEventListener("beforeunload", (event) => {
    if (document.querySelector("[data-state=moving]") !== null) event.preventDefault();
  });
}

void tidy();
start();
