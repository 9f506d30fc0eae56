/**
 * The connection on which this browser sends to the server. It always offers, one offer at a time.
 * @module publish
 */
/** @import {ClientMessage} from "./protocol.js" */
/** @import {LocalMedia} from "./media.js" */
/** @import {LinkState} from "./recovery.js" */
/** @import {Problem} from "./errors.js" */
import { negotiationProblem } from "./errors.js";
import { Outgoing } from "./outgoing.js";
import { Recovery } from "./recovery.js";

/**
 * @typedef {object} Wiring what a connection needs of the call
 * @property {RTCIceServer[]} iceServers
 * @property {LocalMedia} media
 * @property {(message: ClientMessage) => void} send
 * @property {() => boolean} ready whether signaling is up
 * @property {() => void} startAnew joins as a new participant
 * @property {(state: LinkState) => void} state
 * @property {(problem: Problem) => void} problem
 * @property {() => void} changed what it carries has changed
 */

export class Publish {
  /** @type {RTCPeerConnection} */
  pc;
  /** @type {Outgoing} */
  outgoing;
  /** @type {Recovery} */
  recovery;
  #due = false;
  #restartDue = false;
  #inFlight = false;
  #closed = false;
  /** @type {Wiring} */
  #wiring;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();

  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.#wiring = wiring;
    this.pc = new RTCPeerConnection({ iceServers: wiring.iceServers, bundlePolicy: "max-bundle" });
    this.outgoing = new Outgoing(this.pc, wiring.media);
    this.recovery = new Recovery(this.pc, {
      ready: wiring.ready,
      restart: () => this.#restart(),
      startAnew: wiring.startAnew,
      state: wiring.state,
    });
    this.outgoing.open();
    this.#offerSoon();
  }

  /** The devices changed: send the new tracks, say what is muted, offer if there is a new one. */
  sync() {
    this.#serially(async () => {
      const added = await this.outgoing.update();
      if (added) this.#offerSoon();
      else if (this.pc.localDescription !== null) this.#sayTracks();
    });
  }

  /** @param {string} sdp */
  handleAnswer(sdp) {
    this.#serially(async () => {
      if (this.pc.signalingState !== "have-local-offer") return; // an answer to an offer sent twice
      await this.pc.setRemoteDescription({ type: "answer", sdp });
      this.#inFlight = false;
      await this.#offer();
    });
  }

  /** The server refused the offer in flight. */
  handleRefusal() {
    this.#serially(async () => {
      if (this.pc.signalingState === "have-local-offer") await this.pc.setLocalDescription({ type: "rollback" });
      this.#inFlight = false;
    });
  }

  /** Signaling is back with the same participant: say again what may have been lost. */
  resumed() {
    this.#serially(async () => {
      if (this.pc.signalingState === "have-local-offer") this.#sendOffer();
      else if (this.pc.localDescription !== null) this.#sayTracks();
    });
    this.recovery.poke();
  }

  close() {
    this.#closed = true;
    this.recovery.close();
    this.pc.close();
  }

  #restart() {
    this.#restartDue = true;
    this.#offerSoon();
  }

  #offerSoon() {
    this.#due = true;
    this.#serially(() => this.#offer());
  }

  async #offer() {
    if (!this.#due || this.#inFlight) return;
    const iceRestart = this.#restartDue;
    this.#due = this.#restartDue = false;
    this.#inFlight = true;
    await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart }));
    this.#sendOffer();
  }

  #sendOffer() {
    this.#sayTracks();
    this.#wiring.send({ type: "offer", pc: "publish", sdp: this.pc.localDescription?.sdp ?? "" });
  }

  #sayTracks() {
    this.#wiring.send({ type: "tracks", tracks: this.outgoing.list() });
  }

  /** @param {() => Promise<void>} step */
  #serially(step) {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        if (this.#closed) return;
        this.#inFlight = false;
        this.#wiring.problem(negotiationProblem(error, "publishing"));
      }
    });
  }
}
