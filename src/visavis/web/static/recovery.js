/**
 * Watches one connection and mends it: ICE restart after an interruption, then harder means.
 * @module recovery
 */

/** @typedef {"idle" | "connecting" | "connected" | "interrupted" | "blocked"} LinkState */

/**
 * @typedef {object} Means
 * @property {() => boolean} ready whether signaling is up, so that mending makes sense
 * @property {() => void} restart begins an ICE restart
 * @property {() => void} startAnew restarts did not help
 * @property {(state: LinkState) => void} state
 */

const INTERRUPTED_MS = 3_000;
const FIRST_CONNECT_MS = 12_000;
const RESTART_WAIT_MS = 6_000;
const LONGEST_WAIT_MS = 30_000;
const RESTARTS_BEFORE_ANEW = 4;

export class Recovery {
  /** @type {LinkState} */
  state = "idle";
  #attempts = 0;
  #timer = 0;
  /** @type {RTCPeerConnection} */
  #pc;
  /** @type {Means} */
  #means;
  #changed = () => this.#follow();

  /** @param {RTCPeerConnection} pc @param {Means} means */
  constructor(pc, means) {
    this.#pc = pc;
    this.#means = means;
    pc.addEventListener("connectionstatechange", this.#changed);
  }

  /** Signaling is back: what is broken can be mended now. */
  poke() {
    const { connectionState } = this.#pc;
    if (connectionState === "failed" || connectionState === "disconnected") this.#mend();
  }

  close() {
    clearTimeout(this.#timer);
    this.#pc.removeEventListener("connectionstatechange", this.#changed);
  }

  #follow() {
    switch (this.#pc.connectionState) {
      case "connecting":
        if (this.#attempts > 0) return;
        this.#move(this.state === "connected" || this.state === "interrupted" ? "interrupted" : "connecting");
        this.#after(FIRST_CONNECT_MS);
        return;
      case "connected":
        clearTimeout(this.#timer);
        this.#attempts = 0;
        this.#move("connected");
        return;
      case "disconnected":
        if (this.#attempts > 0) return;
        this.#move("interrupted");
        this.#after(INTERRUPTED_MS);
        return;
      case "failed":
        if (this.#attempts === 0) this.#mend();
        return;
    }
  }

  #mend() {
    if (this.#pc.connectionState === "connected" || this.#pc.connectionState === "closed") return;
    if (!this.#means.ready()) {
      this.#move("interrupted");
      clearTimeout(this.#timer); // poke() comes with the server
      return;
    }
    this.#attempts += 1;
    // Once may be a lost moment; twice with a server that answers is a network that lets no media through.
    this.#move(this.#attempts > 1 || this.state === "connecting" ? "blocked" : "interrupted");
    this.#after(Math.min(LONGEST_WAIT_MS, RESTART_WAIT_MS * 2 ** (this.#attempts - 1)));
    if (this.#attempts % RESTARTS_BEFORE_ANEW === 0) this.#means.startAnew();
    else this.#means.restart();
  }

  /** @param {number} delay_ms */
  #after(delay_ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#mend(), delay_ms);
  }

  /** @param {LinkState} state */
  #move(state) {
    if (state === this.state) return;
    this.state = state;
    this.#means.state(state);
  }
}
