/**
 * The sending end in a page: gives what was dropped on it to the other machine, which asks for one file after the other.
 * @module upload
 */
/** @import {Link, Message} from "./link.js" */
import { RunningHash } from "./hashing.js";

/**
 * @typedef {object} UploadHandlers
 * @property {(index: number, offset: number) => void} begun
 * @property {(index: number, position: number) => void} moved the other end has stored it up to there
 * @property {(index: number) => void} finished
 * @property {(index: number, reason: string) => void} failed
 */

const WINDOW_BYTES = 16 << 20;
const BLOCK_BYTES = 4 << 20;

export class Upload {
  #link;
  #handlers;
  /** @type {File[]} */
  #files = [];
  /** The file that was asked for last; another number each time. */
  #turn = 0;
  #file = -1;
  #sent = 0;
  #acked = 0;
  #isOpen = false;
  /** @type {() => void} */
  #wake = () => {};

  /** @param {Link} link @param {UploadHandlers} handlers */
  constructor(link, handlers) {
    this.#link = link;
    this.#handlers = handlers;
  }

  /** Offers more files. @param {File[]} files @returns {number} the index of the first */
  add(files) {
    const first = this.#files.length;
    this.#files.push(...files);
    if (this.#isOpen) this.#offer();
    return first;
  }

  /** There is a connection. */
  opened() {
    this.#isOpen = true;
    if (this.#files.length > 0) this.#offer();
  }

  /** It is gone. */
  lost() {
    this.#isOpen = false;
    this.#stop();
  }

  /** @param {Message} message */
  handle(message) {
    const index = message["file"];
    switch (message.type) {
      case "get":
        this.#stop();
        void this.#send(index, message["resume"]);
        break;
      case "ack":
        if (index !== this.#file) return;
        this.#acked = message["received"];
        this.#wake();
        this.#handlers.moved(index, this.#acked);
        break;
      case "done":
        this.#handlers.finished(index);
        break;
      case "failed":
        this.#giveUp(index, message["reason"]);
        break;
    }
  }

  #offer() {
    this.#link.say({ type: "offer", files: this.#files.map(({ name, size }) => ({ name, size })) });
  }

  #stop() {
    this.#turn += 1;
    this.#wake();
  }

  /** @param {number} index @param {string} reason */
  #giveUp(index, reason) {
    this.#stop();
    this.#link.say({ type: "failed", file: index, reason: reason.slice(0, 300) });
    this.#handlers.failed(index, reason);
  }

  /** @param {number} index @param {{offset: number, sha256: string}[]} points */
  async #send(index, points) {
    const file = this.#files[index];
    const turn = this.#turn;
    if (file === undefined) return;
    const hash = new RunningHash();
    try {
      const offset = await this.#matching(file, points, hash, turn);
      if (turn !== this.#turn) return;
      this.#file = index;
      this.#sent = this.#acked = offset;
      this.#link.say({ type: "begin", file: index, offset });
      this.#handlers.begun(index, offset);
      let ahead = block(file, offset);
      for (let at = offset; at < file.size; ) {
        const data = await ahead;
        at += data.byteLength;
        ahead = block(file, at);
        hash.update(data);
        const hashed = hash.digest();
        if (!(await this.#sendBlock(data, turn))) return;
        await hashed; // no more than one block waits for the worker
      }
      const sha256 = await hash.digest();
      if (turn === this.#turn) this.#link.say({ type: "end", file: index, sha256 });
    } catch (error) {
      if (turn !== this.#turn) return;
      const wasChanged = error instanceof DOMException && error.name === "NotReadableError";
      this.#giveUp(index, wasChanged ? "it was changed, or cannot be read any more; choose it again" : String(error));
    } finally {
      hash.close();
    }
  }

  /** @param {ArrayBuffer} data @param {number} turn @returns {Promise<boolean>} false: it is not wanted any more */
  async #sendBlock(data, turn) {
    const most = this.#link.messageBytes;
    for (let at = 0; at < data.byteLength; at += most) {
      const piece = data.slice(at, at + most);
      while (turn === this.#turn && this.#sent + piece.byteLength - this.#acked > WINDOW_BYTES) {
        await new Promise((resolve) => (this.#wake = () => resolve(undefined)));
      }
      if (turn !== this.#turn) return false;
      this.#sent += piece.byteLength;
      if (!(await this.#link.send(piece)) || turn !== this.#turn) return false;
    }
    return true;
  }

  /**
   * The furthest point whose digest is that of the file up to there; the hash is then of so much.
   * @param {File} file @param {{offset: number, sha256: string}[]} points @param {RunningHash} hash @param {number} turn
   */
  async #matching(file, points, hash, turn) {
    let right = 0;
    let at = 0;
    for (const point of points.filter(({ offset }) => offset <= file.size).sort((a, b) => a.offset - b.offset)) {
      at = await this.#read(file, hash, at, point.offset, turn);
      if ((await hash.digest()) === point.sha256) right = point.offset;
    }
    if (at !== right) {
      hash.reset();
      await this.#read(file, hash, 0, right, turn);
    }
    return right;
  }

  /** @param {File} file @param {RunningHash} hash @param {number} from @param {number} to @param {number} turn */
  async #read(file, hash, from, to, turn) {
    for (let at = from; at < to && turn === this.#turn; at += BLOCK_BYTES) {
      hash.update(await file.slice(at, Math.min(at + BLOCK_BYTES, to)).arrayBuffer());
      await hash.digest(); // no more than one block waits for the worker
    }
    return to;
  }
}

/** @param {File} file @param {number} at @returns {Promise<ArrayBuffer>} */
function block(file, at) {
  return file.slice(at, at + BLOCK_BYTES).arrayBuffer();
}
