/**
 * The WebSocket to the server: joins, notices when it breaks, comes back with the resume token.
 * @module signaling
 */
/** @import {ClientMessage, ErrorMessage, Joined, Mode, ServerMessage} from "./protocol.js" */
import { FINAL_CLOSE_CODES } from "./protocol.js";

/** @typedef {"connecting" | "joined" | "waiting" | "ended"} SignalingState */

/**
 * @typedef {object} SignalingHandlers
 * @property {(message: ServerMessage) => void} message every message but `pong`
 * @property {(state: SignalingState, retryAt: number) => void} state `retryAt`: milliseconds of Date.now(), while waiting
 * @property {(code: string, error: ErrorMessage | null) => void} ended it will not come back by itself
 */

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 10_000;
const JOIN_TIMEOUT_MS = 8_000;
const PING_INTERVAL_MS = 10_000;
/** Chat written while the server is away is kept, up to this many messages. */
const OUTBOX_LIMIT = 20;

/** The legal moves; anything else is a bug here. @type {Record<SignalingState, SignalingState[]>} */
const TRANSITIONS = {
  connecting: ["joined", "waiting", "ended"],
  joined: ["waiting", "connecting", "ended"],
  waiting: ["connecting", "ended"],
  ended: [],
};

/** @param {number} attempt from 0 @param {number} dice in [0, 1) @returns {number} milliseconds, half of it chance */
export function backoff(attempt, dice) {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return Math.round(ceiling * (0.5 + dice / 2));
}

export class Signaling {
  /** @type {SignalingState} */
  state = "connecting";
  /** Milliseconds between the last `ping` and its `pong`, or null. @type {number | null} */
  rttMs = null;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {string | undefined} */
  #token;
  #attempt = 0;
  /** @type {number} */
  #retryTimer = 0;
  /** @type {number} */
  #joinTimer = 0;
  #pingTimer = 0;
  /** @type {number | null} */
  #pingSent = null;
  /** @type {number | null} */
  #retryAfterMs = null;
  /** @type {ErrorMessage | null} */
  #fatal = null;
  /** @type {ClientMessage[]} */
  #outbox = [];
  /** @type {string} */
  #url;
  /** @type {{room: string, name: string, mode: Mode}} */
  #join;
  /** @type {SignalingHandlers} */
  #handlers;
  #online = () => this.retryNow();

  /**
   * @param {string} url
   * @param {{room: string, name: string, mode: Mode}} join
   * @param {SignalingHandlers} handlers
   */
  constructor(url, join, handlers) {
    this.#url = url;
    this.#join = join;
    this.#handlers = handlers;
  }

  open() {
    addEventListener("online", this.#online);
    this.#connect();
  }

  /**
   * Sends at once or not at all; only `chat` waits for the server to come back, since all else is state that is
   * said anew after a resume.
   * @param {ClientMessage} message
   */
  send(message) {
    if (this.state === "joined" && this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    } else if (message.type === "chat" && this.state !== "ended" && this.#outbox.length < OUTBOX_LIMIT) {
      this.#outbox.push(message);
    }
  }

  /** Ends the wait, if there is one. */
  retryNow() {
    if (this.state !== "waiting") return;
    clearTimeout(this.#retryTimer);
    this.#connect();
  }

  /** Leaves the room and joins it as a new participant: when the connections are beyond an ICE restart. */
  startAnew() {
    if (this.state === "ended") return;
    this.send({ type: "leave" });
    this.#token = undefined;
    clearTimeout(this.#retryTimer);
    this.#dropSocket();
    this.#connect();
  }

  /** Leaves for good. */
  leave() {
    if (this.state === "ended") return;
    this.send({ type: "leave" });
    this.#end("left", null, false);
  }

  #connect() {
    this.#move("connecting");
    this.#fatal = null;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#joinTimer = setTimeout(() => this.#lost(socket, 1006), JOIN_TIMEOUT_MS);
    socket.onopen = () => {
      /** @type {ClientMessage} */
      const join = { type: "join", ...this.#join };
      if (this.#token !== undefined) join.resume = this.#token;
      socket.send(JSON.stringify(join));
    };
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#receive(event.data);
    };
    socket.onclose = (event) => this.#lost(socket, event.code);
  }

  /** @param {unknown} data */
  #receive(data) {
    /** @type {ServerMessage} */
    let message;
    try {
      message = JSON.parse(String(data));
    } catch {
      return;
    }
    if (message === null || typeof message !== "object") return;
    switch (message.type) {
      case "pong":
        if (this.#pingSent !== null) this.rttMs = performance.now() - this.#pingSent;
        this.#pingSent = null;
        return;
      case "joined":
        this.#joined(message);
        return;
      case "closing":
        this.#retryAfterMs = Math.max(0, message.retry_after * 1000) || null;
        break;
      case "error":
        if (this.state === "connecting") {
          this.#end(message.code, message, true); // the join itself was refused
          return;
        }
        if (message.fatal) this.#fatal = message;
        break;
    }
    this.#handlers.message(message);
  }

  /** @param {Joined} message */
  #joined(message) {
    clearTimeout(this.#joinTimer);
    this.#token = message.resume;
    this.#attempt = 0;
    this.#pingSent = null;
    this.#pingTimer = setInterval(() => this.#ping(), PING_INTERVAL_MS);
    this.#move("joined");
    this.#handlers.message(message);
    for (const waiting of this.#outbox.splice(0)) this.send(waiting);
  }

  #ping() {
    if (this.#pingSent !== null && this.#socket !== null) {
      this.#lost(this.#socket, 1006);
      return;
    }
    this.#pingSent = performance.now();
    this.send({ type: "ping", t: Math.round(this.#pingSent) });
  }

  /** @param {WebSocket} socket @param {number} code */
  #lost(socket, code) {
    if (socket !== this.#socket || this.state === "ended") return;
    this.#dropSocket();
    const final = this.#fatal?.code ?? FINAL_CLOSE_CODES[code];
    if (final !== undefined) {
      this.#end(final, this.#fatal, true);
      return;
    }
    const delay = this.#retryAfterMs ?? backoff(this.#attempt, Math.random());
    this.#retryAfterMs = null;
    this.#attempt += 1;
    this.#retryTimer = setTimeout(() => this.#connect(), delay);
    this.#move("waiting", Date.now() + delay);
  }

  #dropSocket() {
    clearTimeout(this.#joinTimer);
    clearInterval(this.#pingTimer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.onclose = socket.onmessage = socket.onopen = null;
      socket.close(1000);
    }
  }

  /** @param {string} code @param {ErrorMessage | null} error @param {boolean} tell */
  #end(code, error, tell) {
    removeEventListener("online", this.#online);
    clearTimeout(this.#retryTimer);
    this.#dropSocket();
    this.#move("ended");
    if (tell) this.#handlers.ended(code, error);
  }

  /** @param {SignalingState} state @param {number} [retryAt] */
  #move(state, retryAt = 0) {
    if (state !== this.state && !TRANSITIONS[this.state].includes(state)) {
      throw new Error(`signaling cannot go from ${this.state} to ${state}`);
    }
    this.state = state;
    this.#handlers.state(state, retryAt);
  }
}
