/**
 * The one connection between two browsers, by the perfect negotiation of W3C WebRTC, section 10.7.
 *
 * Each side sends on m-lines of its own. The one that came second begins; the other adds its m-lines when it has answered
 * the first offer, so that glare is the exception. It is still resolved when it happens.
 * @module direct
 */
/** @import {Track} from "./protocol.js" */
/** @import {Wiring} from "./publish.js" */
import { negotiationProblem } from "./errors.js";
import { Outgoing } from "./outgoing.js";
import { Recovery } from "./recovery.js";

/** An offer without answer is sent again: the other side may have been without signaling when it came. */
const ANSWER_TIMEOUT_MS = 5_000;

export class Direct {
  /** @type {RTCPeerConnection} */
  pc;
  /** @type {Outgoing} */
  outgoing;
  /** @type {Recovery} */
  recovery;
  #makingOffer = false;
  #ignoringOffer = false;
  #settingAnswer = false;
  #answerTimer = 0;
  /** @type {boolean} */
  #polite;
  /** @type {Wiring} */
  #wiring;

  /** @param {Wiring} wiring @param {{polite: boolean, begin: boolean}} role */
  constructor(wiring, { polite, begin }) {
    this.#wiring = wiring;
    this.#polite = polite;
    this.pc = new RTCPeerConnection({ iceServers: wiring.iceServers, bundlePolicy: "max-bundle" });
    this.outgoing = new Outgoing(this.pc, wiring.media);
    this.recovery = new Recovery(this.pc, {
      ready: wiring.ready,
      restart: () => this.pc.restartIce(),
      startAnew: wiring.startAnew,
      state: wiring.state,
    });
    this.pc.onnegotiationneeded = () => void this.#offer();
    this.pc.onicecandidate = ({ candidate }) => {
      // Browsers do not listen for ICE over TCP, so two of them have no use for each other's active candidates.
      if (candidate?.tcpType === "active") return;
      wiring.send({ type: "ice", pc: "direct", candidate: candidate?.toJSON() ?? null });
    };
    this.pc.ontrack = wiring.changed;
    if (begin) this.outgoing.open();
  }

  /** The devices changed. */
  sync() {
    void this.#guarded(async () => {
      await this.outgoing.update(); // a new transceiver makes the browser ask for negotiation
      if (this.pc.localDescription !== null) this.#sayTracks();
    });
  }

  /** @param {string} sdp */
  handleOffer(sdp) {
    return this.#guarded(async () => {
      const ready =
        !this.#makingOffer && (this.pc.signalingState === "stable" || this.#settingAnswer);
      this.#ignoringOffer = !this.#polite && !ready;
      if (this.#ignoringOffer) return;
      await this.pc.setRemoteDescription({ type: "offer", sdp });
      clearTimeout(this.#answerTimer);
      await this.pc.setLocalDescription();
      this.#sendDescription();
      this.outgoing.open();
      await this.outgoing.update();
      this.#wiring.changed();
    });
  }

  /** @param {string} sdp */
  handleAnswer(sdp) {
    return this.#guarded(async () => {
      if (this.pc.signalingState !== "have-local-offer") return; // an answer to an offer sent twice
      clearTimeout(this.#answerTimer);
      this.#settingAnswer = true;
      try {
        await this.pc.setRemoteDescription({ type: "answer", sdp });
      } finally {
        this.#settingAnswer = false;
      }
      this.#wiring.changed();
    });
  }

  /** @param {RTCIceCandidateInit | null} candidate */
  async handleCandidate(candidate) {
    try {
      await this.pc.addIceCandidate(candidate ?? undefined);
    } catch {
      // A candidate of an offer that was ignored, or of a description that has been replaced: of no use to anybody.
    }
  }

  /**
   * In a direct room a track's id is the mid of the m-line that carries it.
   * @param {Track} track
   * @returns {MediaStreamTrack | null}
   */
  find(track) {
    const transceiver = this.pc.getTransceivers().find(({ mid }) => mid === track.id);
    const receives = transceiver?.currentDirection === "recvonly" || transceiver?.currentDirection === "sendrecv";
    return transceiver !== undefined && receives ? transceiver.receiver.track : null;
  }

  resumed() {
    if (this.pc.signalingState === "have-local-offer") this.#sendDescription();
    else if (this.pc.localDescription !== null) this.#sayTracks();
    this.recovery.poke();
  }

  close() {
    clearTimeout(this.#answerTimer);
    this.recovery.close();
    this.pc.onnegotiationneeded = this.pc.onicecandidate = this.pc.ontrack = null;
    this.pc.close();
  }

  #offer() {
    return this.#guarded(async () => {
      this.#makingOffer = true;
      try {
        await this.outgoing.update();
        await this.pc.setLocalDescription();
        this.#sendDescription();
      } finally {
        this.#makingOffer = false;
      }
    });
  }

  #sendDescription() {
    const description = this.pc.localDescription;
    if (description === null) return;
    this.#sayTracks();
    if (description.type === "offer") {
      this.#wiring.send({ type: "offer", pc: "direct", sdp: description.sdp });
      clearTimeout(this.#answerTimer);
      this.#answerTimer = setTimeout(() => this.resumed(), ANSWER_TIMEOUT_MS);
    } else if (description.type === "answer") {
      this.#wiring.send({ type: "answer", pc: "direct", sdp: description.sdp });
    }
  }

  #sayTracks() {
    this.#wiring.send({ type: "tracks", tracks: this.outgoing.list() });
  }

  /** @param {() => Promise<void>} step */
  async #guarded(step) {
    try {
      await step();
    } catch (error) {
      if (this.pc.signalingState !== "closed") this.#wiring.problem(negotiationProblem(error, "direct"));
    }
  }
}
