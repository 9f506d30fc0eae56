/**
 * The connection on which the server sends to this browser. The server always offers; its m-lines are a pool: what one
 * carries is said by `streams`, never by the SDP, and changes over time.
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
  /** What each m-line carries, by mid. @type {Map<string, Stream>} */
  streams = new Map();
  #closed = false;
  /** @type {Wiring} */
  #wiring;
  /** @type {Promise<void>} */
  #queue = Promise.resolve();

  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.#wiring = wiring;
    this.pc = new RTCPeerConnection({ iceServers: wiring.iceServers, bundlePolicy: "max-bundle" });
    this.recovery = new Recovery(this.pc, {
      ready: wiring.ready,
      restart: () => wiring.send({ type: "restart", pc: "subscribe" }),
      startAnew: wiring.startAnew,
      state: wiring.state,
    });
  }

  /** Also an offer seen before, whose answer was lost: it is answered again. @param {SubscribeOffer} message */
  handleOffer(message) {
    this.#serially(async () => {
      await this.pc.setRemoteDescription({ type: "offer", sdp: message.sdp });
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
   * @returns {{media: MediaStreamTrack, stream: Stream} | null}
   */
  find(participant, track) {
    for (const stream of this.streams.values()) {
      if (stream.participant !== participant || stream.track !== track) continue;
      const transceiver = this.pc.getTransceivers().find(({ mid }) => mid === stream.mid);
      if (transceiver !== undefined) return { media: transceiver.receiver.track, stream };
    }
    return null;
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
    for (const stream of streams) this.streams.set(stream.mid, stream);
    this.#wiring.changed();
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
