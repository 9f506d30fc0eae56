/**
 * The connection on which the server sends to this browser. The server always offers; its m-lines are a pool: what one
 * carries is said by `streams`, never by the SDP, and changes over time.
 *
 * When the server lost its side it begins a new connection by the same messages: an offer that does not fit the
 * connection is answered by a new one.
 * @module subscribe
 */
/** @import {Stream, SubscribeOffer} from "./protocol.js" */
/** @import {Wiring} from "./publish.js" */
import { negotiationProblem } from "./errors.js";
import { Recovery } from "./recovery.js";

export class Subscribe {
  /** @type {RTCPeerConnection} */
  pc;
  /** @type {Recovery} */
  recovery;
  /** What is sent, or why it is not, as the server said it last. @type {Stream[]} */
  streams = [];
  #closed = false;
  /** @type {Wiring} */
  #wiring;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();

  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.#wiring = wiring;
    this.pc = this.#connection();
    this.recovery = this.#watch();
  }

  /** Also an offer seen before, whose answer was lost: it is answered again. @param {SubscribeOffer} message */
  handleOffer(message) {
    this.#serially(async () => {
      const offer = /** @type {const} */ ({ type: "offer", sdp: message.sdp });
      try {
        await this.pc.setRemoteDescription(offer);
      } catch (error) {
        if (this.pc.connectionState === "connected" || this.pc.remoteDescription === null) throw error;
        this.#renew();
        await this.pc.setRemoteDescription(offer);
      }
      await this.pc.setLocalDescription();
      const sdp = this.pc.localDescription?.sdp ?? "";
      this.#wiring.send({ type: "answer", pc: "subscribe", sdp, id: message.id });
      this.#apply(message.streams);
    });
  }

  /** @param {Stream[]} streams */
  handleStreams(streams) {
    this.#serially(async () => this.#apply(streams));
  }

  /**
   * @param {string} participant
   * @param {string} track
   * @returns {Stream | null}
   */
  streamOf(participant, track) {
    return this.streams.find((stream) => stream.participant === participant && stream.track === track) ?? null;
  }

  /**
   * @param {string} participant
   * @param {string} track
   * @returns {MediaStreamTrack | null}
   */
  find(participant, track) {
    const mid = this.streamOf(participant, track)?.mid ?? null;
    const transceiver = mid === null ? undefined : this.pc.getTransceivers().find((each) => each.mid === mid);
    return transceiver?.receiver.track ?? null;
  }

  resumed() {
    this.recovery.poke();
  }

  close() {
    this.#closed = true;
    this.recovery.close();
    this.pc.close();
  }

  /** @param {Stream[]} streams */
  #apply(streams) {
    this.streams = streams;
    this.#wiring.changed();
  }

  #connection() {
    return new RTCPeerConnection({ iceServers: this.#wiring.iceServers, bundlePolicy: "max-bundle" });
  }

  #watch() {
    return new Recovery(this.pc, {
      ready: this.#wiring.ready,
      restart: () => this.#wiring.send({ type: "restart", pc: "subscribe" }),
      startAnew: this.#wiring.startAnew,
      state: this.#wiring.state,
    });
  }

  #renew() {
    this.recovery.close();
    this.pc.close();
    this.pc = this.#connection();
    this.recovery = this.#watch();
  }

  /** @param {() => Promise<void>} step */
  #serially(step) {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        if (!this.#closed) this.#wiring.problem(negotiationProblem(error, "receiving"));
      }
    });
  }
}
