/**
 * A running SHA-256 on a thread of its own.
 * @module hashing
 */

export class RunningHash {
  #worker = new Worker("/static/transfer/hasher.js", { type: "module" });
  #next = 0;
  /** @type {Map<number, (digest: string) => void>} */
  #waiting = new Map();

  constructor() {
    this.#worker.onmessage = ({ data }) => {
      this.#waiting.get(data.id)?.(data.digest);
      this.#waiting.delete(data.id);
    };
  }

  /** Begins anew. */
  reset() {
    this.#worker.postMessage({ reset: true });
  }

  /** @param {ArrayBuffer} data copied, not taken */
  update(data) {
    this.#worker.postMessage(data);
  }

  /** @returns {Promise<string>} of all so far, in hexadecimal */
  digest() {
    const id = this.#next++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage({ digest: id });
    });
  }

  close() {
    this.#worker.terminate();
  }
}
