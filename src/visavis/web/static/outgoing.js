/**
 * The sending half of a connection: one transceiver per source, made once and used again by replaceTrack.
 *
 * Microphone and camera get theirs up front, also when there is no device yet: Firefox throws InvalidAccessError when a
 * track is added again after the peer stopped its transceiver, and a device that comes later then needs no new offer.
 * @module outgoing
 */
/** @import {PublishedTrack, Source} from "./protocol.js" */
/** @import {LocalMedia} from "./media.js" */

/** @type {Record<Source, "audio" | "video">} */
const KIND = { microphone: "audio", camera: "video", screen: "video", "screen-audio": "audio" };

export class Outgoing {
  /** @type {Map<Source, RTCRtpTransceiver>} */
  #transceivers = new Map();
  #person = new MediaStream();
  #screen = new MediaStream();
  #open = false;
  /** @type {RTCPeerConnection} */
  #pc;
  /** @type {LocalMedia} */
  #media;

  /** @param {RTCPeerConnection} pc @param {LocalMedia} media */
  constructor(pc, media) {
    this.#pc = pc;
    this.#media = media;
  }

  /** Makes the transceivers that are always there, once. */
  open() {
    this.#open = true;
    this.#make("microphone");
    this.#make("camera");
  }

  /**
   * Brings the senders in line with the devices.
   * @returns {Promise<boolean>} true when a transceiver was added, so that an offer is due
   */
  async update() {
    if (!this.#open) return false;
    let added = false;
    for (const source of this.#media.tracks.keys()) {
      if (!this.#transceivers.has(source)) {
        this.#make(source);
        added = true;
      }
    }
    for (const [source, transceiver] of this.#transceivers) {
      const track = this.#media.tracks.get(source) ?? null;
      if (transceiver.sender.track !== track) await transceiver.sender.replaceTrack(track);
    }
    return added;
  }

  /** @returns {PublishedTrack[]} what the room is told; only what has an m-line */
  list() {
    /** @type {PublishedTrack[]} */
    const tracks = [];
    for (const [source, transceiver] of this.#transceivers) {
      if (transceiver.mid === null || !this.#media.isPublished(source)) continue;
      tracks.push({ mid: transceiver.mid, source, muted: this.#media.isMuted(source) });
    }
    return tracks;
  }

  /** @param {string} mid @returns {Source | null} */
  sourceOf(mid) {
    for (const [source, transceiver] of this.#transceivers) if (transceiver.mid === mid) return source;
    return null;
  }

  /** @param {Source} source */
  #make(source) {
    if (this.#transceivers.has(source)) return;
    // One stream per thing seen, so that the receiver plays its sound and picture in step.
    const stream = source === "screen" || source === "screen-audio" ? this.#screen : this.#person;
    const track = this.#media.tracks.get(source);
    const made = this.#pc.addTransceiver(track ?? KIND[source], { direction: "sendonly", streams: [stream] });
    this.#transceivers.set(source, made);
  }
}
