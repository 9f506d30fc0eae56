/**
 * The receiving end in a page: fetches one file after the other, as they are wanted.
 * @module download
 */
/** @import {Link, Message} from "./link.js" */
/** @import {Store} from "./stores.js" */
import { RunningHash } from "./hashing.js";

/** @typedef {{name: string, size: number}} FileInfo */

/**
 * @typedef {object} DownloadHandlers
 * @property {(files: FileInfo[]) => void} offered
 * @property {(index: number, offset: number) => void} begun
 * @property {(index: number, position: number) => void} moved
 * @property {(index: number) => void} checking all has come
 * @property {(index: number) => void} finished it is stored, and its checksum is right
 * @property {(index: number, reason: string) => void} failed
 * @property {() => void} left the sender has nothing more
 */

const ACK_BYTES = 1 << 20;

/**
 * The file that is under way, be there a connection or not.
 * @typedef {object} Current
 * @property {number} index
 * @property {FileInfo} info
 * @property {Store} store
 * @property {RunningHash} hash
 * @property {number} received in this session or before
 * @property {number} written
 * @property {number} acked
 */

/** @typedef {"none" | "asked" | "receiving" | "giving up"} Phase what is expected of the sender */

export class Download {
  #link;
  #handlers;
  /** @type {FileInfo[]} */
  #files = [];
  /** @type {Map<number, Store>} in the order of wanting */
  #wanted = new Map();
  /** @type {Current | null} */
  #current = null;
  /** @type {Phase} */
  #phase = "none";
  /** Writes in their order. @type {Promise<void>} */
  #writing = Promise.resolve();

  /** @param {Link} link @param {DownloadHandlers} handlers */
  constructor(link, handlers) {
    this.#link = link;
    this.#handlers = handlers;
  }

  /** Wants a file. @param {number} index @param {Store} store */
  want(index, store) {
    this.#wanted.set(index, store);
    void this.#next();
  }

  /** The connection is gone; it is gone on with what is under way when there is another. */
  lost() {
    this.#phase = "none";
  }

  /** @param {Message} message */
  handle(message) {
    const current = this.#current;
    switch (message.type) {
      case "offer":
        this.#files = message["files"];
        this.#handlers.offered(this.#files);
        void this.#next();
        break;
      case "begin":
        if (this.#phase === "asked" && current !== null && current.index === message["file"]) this.#begin(current, message["offset"]);
        break;
      case "end":
        if (this.#phase === "receiving" && current !== null && current.index === message["file"]) void this.#finish(current, message["sha256"]);
        break;
      case "failed":
        if (current !== null && current.index === message["file"]) this.#drop(current, `The sender gave up: ${message["reason"]}.`);
        this.#phase = "none";
        void this.#next();
        break;
      case "bye":
        this.#handlers.left();
        break;
    }
  }

  /** @param {ArrayBuffer} data */
  data(data) {
    const current = this.#current;
    if (this.#phase !== "receiving" || current === null) return;
    current.received += data.byteLength;
    if (current.received > current.info.size) {
      this.#giveUp(current, "The sender sent more than it had said.");
      return;
    }
    current.hash.update(data);
    this.#write(current, () => this.#store(current, data));
  }

  /** @param {Current} current @param {ArrayBuffer} data */
  async #store(current, data) {
    await current.store.write(data);
    current.written += data.byteLength;
    this.#handlers.moved(current.index, current.written);
    const isLast = current.written === current.info.size;
    if (this.#phase !== "receiving" || (current.written - current.acked < ACK_BYTES && !isLast)) return;
    current.acked = current.written;
    await current.hash.digest(); // the worker keeps up: what is acknowledged waits nowhere
    if (this.#phase === "receiving") this.#link.say({ type: "ack", file: current.index, received: current.acked });
  }

  /** @param {Current} current @param {() => Promise<void>} step */
  #write(current, step) {
    this.#writing = this.#writing.then(() => (current === this.#current ? step() : undefined)).catch((error) => {
      const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
      this.#giveUp(current, isFull ? "No room is left on this machine." : `It cannot be stored here: ${error.message}`);
    });
  }

  async #next() {
    if (this.#phase !== "none" || this.#link.state !== "open" || this.#files.length === 0) return;
    const first = this.#wanted.entries().next().value;
    if (this.#current === null && first === undefined) return;
    this.#phase = "asked";
    if (this.#current === null && first !== undefined) {
      const [index, store] = first;
      this.#wanted.delete(index);
      const info = /** @type {FileInfo} */ (this.#files[index]);
      this.#current = { index, info, store, hash: new RunningHash(), received: 0, written: 0, acked: 0 };
    }
    const current = /** @type {Current} */ (this.#current);
    await this.#writing;
    const digest = await current.hash.digest();
    if (current !== this.#current || this.#phase !== "asked") return;
    const resume = current.written > 0 ? [{ offset: current.written, sha256: digest }] : [];
    this.#link.say({ type: "get", file: current.index, resume });
  }

  /** @param {Current} current @param {number} offset */
  #begin(current, offset) {
    if (offset !== 0 && offset !== current.written) {
      this.#giveUp(current, "The sender began in the wrong place.");
      return;
    }
    if (offset === 0 && current.written > 0) {
      current.hash.reset();
      current.written = 0;
      this.#write(current, () => current.store.restart());
    }
    this.#phase = "receiving";
    current.received = current.acked = offset;
    this.#handlers.begun(current.index, offset);
  }

  /** @param {Current} current @param {string} sha256 */
  async #finish(current, sha256) {
    this.#handlers.checking(current.index);
    await this.#writing;
    const digest = await current.hash.digest();
    if (current !== this.#current || this.#phase !== "receiving") return;
    if (current.written !== current.info.size || digest !== sha256) {
      this.#giveUp(current, "The checksum is wrong: this is not what was sent. Try again.");
      return;
    }
    try {
      await current.store.finish();
    } catch (error) {
      this.#giveUp(current, `It cannot be stored here: ${error instanceof Error ? error.message : error}`);
      return;
    }
    current.hash.close();
    this.#current = null;
    this.#phase = "none";
    this.#link.say({ type: "done", file: current.index });
    this.#handlers.finished(current.index);
    void this.#next();
  }

  /** @param {Current} current @param {string} reason */
  #giveUp(current, reason) {
    if (current !== this.#current) return;
    this.#drop(current, reason);
    this.#phase = "giving up";
    this.#link.say({ type: "failed", file: current.index, reason: "the page gave up" });
  }

  /** @param {Current} current @param {string} reason */
  #drop(current, reason) {
    this.#current = null;
    current.hash.close();
    void current.store.abort().catch(() => undefined);
    this.#handlers.failed(current.index, reason);
  }
}
