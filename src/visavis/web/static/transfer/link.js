/**
 * The connection to the host of the link: met, proved, lost, met again. docs/transfer.md has the protocol.
 * @module link
 */
import { hmac } from "./sha256.js";

/** @typedef {"meeting" | "open" | "waiting" | "ended"} LinkState */
/** @typedef {{type: string} & Record<string, any>} Message */

/**
 * @typedef {object} LinkHandlers
 * @property {(direction: "sends" | "receives") => void} open the other end is there, and knows the secret
 * @property {(message: Message) => void} message
 * @property {(data: ArrayBuffer) => void} data
 * @property {(retryAt: number) => void} lost it is gone; it is tried again at that moment of Date.now()
 * @property {(code: string) => void} ended it will not come back by itself: a key of `endings.js`
 */

const LABEL = "visavis-transfer";
const PROTOCOL = "visavis-transfer-1";
const MEET_MS = 20_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const MOST_BYTES = 256 * 1024;
const HIGH_WATER = 4 << 20;

/** @param {string} secret however it was typed @returns {string | null} its twelve digits */
export function canonical(secret) {
  const digits = secret.toLowerCase().replace(/[\s-]/g, "").replaceAll("o", "0").replace(/[il]/g, "1");
  return /^[0-9abcdefghjkmnpqrstvwxyz]{12}$/.test(digits) ? digits : null;
}

/** @param {string} sdp @returns {string} all fingerprints, in one order */
export function fingerprints(sdp) {
  const found = [...sdp.matchAll(/^a=fingerprint:(\S+) (\S+)[ \r]*$/gm)].map(([, name, digest]) => `${name} ${digest}`.toLowerCase());
  return [...new Set(found)].sort().join(",");
}

/** @param {string} secret @param {"visitor" | "host"} role @param {string} visitor @param {string} host */
export function proof(secret, role, visitor, host) {
  return hmac(secret, [PROTOCOL, role, visitor, host].join("\n"));
}

/** @returns {string} what nobody guesses, by which the host knows this page when it comes again */
function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Link {
  /** @type {LinkState} */
  state = "meeting";
  #secret;
  #handlers;
  #name = randomName();
  #pauseMs = FIRST_PAUSE_MS;
  #hasMet = false;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {RTCPeerConnection | null} */
  #pc = null;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {(() => void)[]} */
  #roomWaiters = [];
  #timer = 0;

  /** @param {string} secret canonical @param {LinkHandlers} handlers */
  constructor(secret, handlers) {
    this.#secret = secret;
    this.#handlers = handlers;
  }

  open() {
    this.#meet().catch((error) => this.#broke(error instanceof Ending ? error.code : null));
  }

  /** @returns {number} no message may be longer */
  get messageBytes() {
    return Math.min(MOST_BYTES, this.#pc?.sctp?.maxMessageSize ?? MOST_BYTES);
  }

  /** @param {Message} message */
  say(message) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(message));
  }

  /** Sends bytes once there is room. @param {ArrayBuffer} data @returns {Promise<boolean>} false: the connection is gone */
  async send(data) {
    const channel = this.#channel;
    while (channel !== null && channel === this.#channel && channel.bufferedAmount > HIGH_WATER) {
      await new Promise((resolve) => this.#roomWaiters.push(() => resolve(undefined)));
    }
    if (channel === null || channel !== this.#channel || channel.readyState !== "open") return false;
    channel.send(data);
    return true;
  }

  /** Says goodbye, and comes back no more. @param {string} code */
  end(code) {
    if (this.state === "ended") return;
    this.say({ type: "bye" });
    this.state = "ended";
    clearTimeout(this.#timer);
    const [socket, pc] = [this.#socket, this.#pc];
    this.#letGo();
    // What was said has to leave before the connection is closed.
    setTimeout(() => {
      socket?.close();
      pc?.close();
    }, 300);
    this.#handlers.ended(code);
  }

  async #meet() {
    this.state = "meeting";
    const pc = (this.#pc = new RTCPeerConnection());
    const channel = pc.createDataChannel(LABEL, { negotiated: true, id: 0, protocol: PROTOCOL });
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = HIGH_WATER / 2;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#broke(null), MEET_MS);
    const url = new URL("/signal", location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.#socket = new WebSocket(url));
    socket.onclose = () => socket === this.#socket && this.#broke(null);
    pc.onconnectionstatechange = () => pc === this.#pc && pc.connectionState === "failed" && this.#broke(null);
    channel.onclose = () => pc === this.#pc && this.#broke(null);
    await pc.setLocalDescription();
    await gathered(pc);
    await opened(socket);
    if (pc !== this.#pc) return;
    const answer = nextMessage(socket);
    const offer = /** @type {RTCSessionDescription} */ (pc.localDescription).sdp;
    socket.send(JSON.stringify({ type: "offer", sdp: offer }));
    const said = JSON.parse(await answer);
    if (pc !== this.#pc) return;
    if (said.type !== "answer") throw new Ending(said.reason === "busy" ? "busy" : "too-many-wrong-codes");
    const prints = /** @type {const} */ ([fingerprints(offer), fingerprints(said.sdp)]);
    channel.onopen = () => this.say({ type: "hello", proof: proof(this.#secret, "visitor", ...prints), visitor: this.#name });
    channel.onmessage = ({ data }) => this.#greeted(JSON.parse(data), proof(this.#secret, "host", ...prints));
    channel.onbufferedamountlow = () => this.#wakeWaiters();
    this.#channel = channel;
    await pc.setRemoteDescription({ type: "answer", sdp: said.sdp });
  }

  /** @param {Message} said @param {string} expected */
  #greeted(said, expected) {
    const channel = this.#channel;
    if (said.type !== "welcome" || channel === null) this.#broke("wrong-code");
    else if (said["proof"] !== expected) this.#broke("impostor");
    else {
      clearTimeout(this.#timer);
      this.state = "open";
      this.#hasMet = true;
      this.#pauseMs = FIRST_PAUSE_MS;
      channel.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) this.#handlers.data(data);
        else this.#handlers.message(JSON.parse(data));
      };
      this.#handlers.open(said["host"]);
    }
  }

  /** @param {string | null} code null: it may come back */
  #broke(code) {
    if (this.state === "ended" || this.state === "waiting") return;
    const [socket, pc] = [this.#socket, this.#pc];
    this.#letGo();
    socket?.close();
    pc?.close();
    clearTimeout(this.#timer);
    if (code !== null) {
      this.state = "ended";
      this.#handlers.ended(code);
      return;
    }
    this.state = "waiting";
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    this.#timer = setTimeout(() => this.open(), pauseMs);
    this.#handlers.lost(Date.now() + pauseMs);
  }

  #letGo() {
    this.#socket = this.#pc = this.#channel = null;
    this.#wakeWaiters();
  }

  #wakeWaiters() {
    for (const wake of this.#roomWaiters.splice(0)) wake();
  }

  /** Whether it was ever open. */
  get hasMet() {
    return this.#hasMet;
  }
}

class Ending extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** @param {RTCPeerConnection} pc */
function gathered(pc) {
  return new Promise((resolve) => {
    const look = () => pc.iceGatheringState === "complete" && resolve(undefined);
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
}

/** @param {WebSocket} socket */
function opened(socket) {
  return new Promise((resolve, reject) => {
    if (socket.readyState === WebSocket.OPEN) resolve(undefined);
    socket.addEventListener("open", () => resolve(undefined));
    socket.addEventListener("close", () => reject(new Error("closed")));
  });
}

/** @param {WebSocket} socket @returns {Promise<string>} */
function nextMessage(socket) {
  return new Promise((resolve, reject) => {
    socket.addEventListener("message", ({ data }) => resolve(data), { once: true });
    socket.addEventListener("close", () => reject(new Error("closed")));
  });
}
