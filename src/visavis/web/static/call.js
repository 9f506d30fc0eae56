/**
 * A call: wires signaling, the connections, the devices and the room together. No DOM; a view reads it and listens.
 * @module call
 */
/** @import {ChatMessage, ClientMessage, ErrorMessage, Joined, Mode, Participant, ServerMessage, Track} from "./protocol.js" */
/** @import {LocalMedia} from "./media.js" */
/** @import {LinkState} from "./recovery.js" */
/** @import {Problem} from "./errors.js" */
/** @import {Wiring} from "./publish.js" */
/** @import {SignalingState} from "./signaling.js" */
import { Direct } from "./direct.js";
import { DIRECT_BLOCKED, MEDIA_BLOCKED, signalingProblem } from "./errors.js";
import { LevelMeter, receivedLevel, SPEAKING_LEVEL } from "./level.js";
import { Publish } from "./publish.js";
import { Room } from "./room.js";
import { Signaling } from "./signaling.js";
import { Subscribe } from "./subscribe.js";

/**
 * @typedef {object} CallEvents
 * @property {() => void} changed anything a tile or a button shows
 * @property {(joined: Joined) => void} joined
 * @property {(participant: Participant) => void} came
 * @property {(participant: Participant, reason: string) => void} left
 * @property {(message: ChatMessage) => void} chat
 * @property {(state: SignalingState, retryAt: number) => void} signaling
 * @property {(problem: Problem | null) => void} blocked media does not get through, or does again
 * @property {(problem: Problem) => void} problem
 * @property {(problem: Problem) => void} ended the call is over
 */

const SPEAKER_INTERVAL_MS = 200;

export class Call {
  /** @type {Room} */
  room;
  /** @type {string} */
  name;
  /** @type {LocalMedia} */
  media;
  /** @type {Signaling} */
  signaling;
  /** @type {Publish | null} */
  publish = null;
  /** @type {Subscribe | null} */
  subscribe = null;
  /** @type {Direct | null} */
  direct = null;
  /** Whom the direct connection is with. @type {string | undefined} */
  #met;
  #polite = false;
  /** @type {RTCIceServer[]} */
  #iceServers = [];
  /** @type {LevelMeter | null} */
  #meter = null;
  #speakerTimer = 0;
  /** @type {() => void} */
  #unsubscribe;
  /** @type {CallEvents} */
  #events;

  /**
   * @param {{url: string, room: string, name: string, mode: Mode, media: LocalMedia}} options
   * @param {CallEvents} events
   */
  constructor({ url, room, name, mode, media }, events) {
    this.name = name;
    this.media = media;
    this.room = new Room(room, mode);
    this.#events = events;
    this.#unsubscribe = media.subscribe(() => this.#mediaChanged());
    media.onproblem = events.problem;
    this.signaling = new Signaling(url, { room, name, mode }, {
      message: (message) => this.#handle(message),
      state: (state, retryAt) => {
        events.signaling(state, retryAt);
        events.changed();
      },
      ended: (code, error) => this.#ended(code, error),
    });
  }

  join() {
    this.signaling.open();
  }

  leave() {
    this.signaling.leave();
    this.#close();
  }

  /** @param {string} text */
  say(text) {
    this.signaling.send({ type: "chat", text });
  }

  /** @param {Track} track @param {string} participant @returns {MediaStreamTrack | null} */
  received(participant, track) {
    return this.direct?.find(track) ?? this.subscribe?.find(participant, track.id) ?? null;
  }

  /** @returns {LinkState} of what is sent */
  get sending() {
    return (this.direct ?? this.publish)?.recovery.state ?? "idle";
  }

  /** @returns {LinkState} of what is received */
  get receiving() {
    return (this.direct ?? this.subscribe)?.recovery.state ?? "idle";
  }

  /** @returns {[string, RTCPeerConnection][]} the living connections by name */
  connections() {
    /** @type {[string, RTCPeerConnection][]} */
    const named = [];
    if (this.publish !== null) named.push(["publish", this.publish.pc]);
    if (this.subscribe !== null) named.push(["subscribe", this.subscribe.pc]);
    if (this.direct !== null) named.push(["direct", this.direct.pc]);
    return named;
  }

  /** @param {ServerMessage} message */
  #handle(message) {
    switch (message.type) {
      case "joined":
        this.#joined(message);
        break;
      case "participant": {
        const known = this.room.others.has(message.participant.id);
        this.room.apply(message);
        if (!known && message.participant.id !== this.room.you) {
          if (this.room.mode === "direct") this.#meet(message.participant, false);
          this.#events.came(message.participant);
        }
        break;
      }
      case "left": {
        const participant = this.room.others.get(message.participant);
        this.room.apply(message);
        if (this.room.mode === "direct") this.#part();
        if (participant !== undefined) this.#events.left(participant, message.reason);
        break;
      }
      case "offer":
        if (message.pc === "subscribe") this.subscribe?.handleOffer(message);
        else void this.direct?.handleOffer(message.sdp);
        break;
      case "answer":
        if (message.pc === "publish") this.publish?.handleAnswer(message.sdp);
        else void this.direct?.handleAnswer(message.sdp);
        break;
      case "ice":
        void this.direct?.handleCandidate(message.candidate);
        break;
      case "streams":
        this.subscribe?.handleStreams(message.streams);
        break;
      case "chat":
        this.#events.chat(message);
        return;
      case "error":
        if (message.about === "offer") this.publish?.handleRefusal();
        // In a direct room: said to somebody who has just left, of whom `left` is on its way.
        if (!message.fatal && !(this.room.mode === "direct" && message.code === "wrong-state")) {
          this.#events.problem(signalingProblem(message.code, message));
        }
        return;
      default:
        if (!this.room.apply(message)) return;
    }
    this.#events.changed();
  }

  /** @param {Joined} message */
  #joined(message) {
    const others = this.room.others;
    this.room.joined(message);
    this.#polite = message.polite;
    this.#iceServers = message.ice_servers;
    if (message.resumed) {
      this.publish?.resumed();
      this.subscribe?.resumed();
      this.#resumeDirect();
      for (const [id, participant] of others) {
        if (!this.room.others.has(id)) this.#events.left(participant, "left");
      }
    } else {
      this.#part();
      this.publish?.close();
      this.subscribe?.close();
      this.publish = null;
      this.subscribe = null;
      if (message.mode === "sfu") {
        this.subscribe = new Subscribe(this.#wiring(MEDIA_BLOCKED));
        this.#publishIfAny();
      } else {
        for (const participant of this.room.others.values()) this.#meet(participant, true);
      }
    }
    this.#watchSpeakers();
    this.#events.joined(message);
  }

  /** The other may have left, or left and come back, while we were without signaling. */
  #resumeDirect() {
    if (this.room.mode !== "direct") return;
    const other = [...this.room.others.keys()][0];
    if (this.direct !== null && other === this.#met) this.direct.resumed();
    else {
      this.#part();
      for (const participant of this.room.others.values()) this.#meet(participant, false);
    }
  }

  /** @param {Participant} participant @param {boolean} begin */
  #meet(participant, begin) {
    this.#part();
    this.#met = participant.id;
    this.direct = new Direct(this.#wiring(DIRECT_BLOCKED), { polite: this.#polite, begin });
  }

  #part() {
    this.direct?.close();
    this.direct = null;
    this.#met = undefined;
    this.#events.blocked(null);
  }

  /** A participant without devices sends nothing and needs no connection for it. */
  #publishIfAny() {
    if (this.publish !== null || this.room.mode !== "sfu" || this.room.you === "") return;
    const any = ["microphone", "camera", "screen"].some((source) =>
      this.media.isPublished(/** @type {"microphone" | "camera" | "screen"} */ (source)),
    );
    if (any) this.publish = new Publish(this.#wiring(MEDIA_BLOCKED));
  }

  #mediaChanged() {
    this.#publishIfAny();
    this.publish?.sync();
    this.direct?.sync();
    this.#meter?.listen(this.media.tracks.get("microphone") ?? null);
    this.#events.changed();
  }

  /** @param {Problem} whenBlocked @returns {Wiring} */
  #wiring(whenBlocked) {
    return {
      iceServers: this.#iceServers,
      media: this.media,
      send: (/** @type {ClientMessage} */ message) => this.signaling.send(message),
      ready: () => this.signaling.state === "joined",
      startAnew: () => this.signaling.startAnew(),
      state: () => {
        const blocked = this.sending === "blocked" || this.receiving === "blocked";
        this.#events.blocked(blocked ? whenBlocked : null);
        this.#events.changed();
      },
      problem: this.#events.problem,
      changed: this.#events.changed,
    };
  }

  /** In a direct room there is no server that hears who speaks, so each page listens for itself. */
  #watchSpeakers() {
    clearInterval(this.#speakerTimer);
    if (this.room.mode !== "direct") return;
    this.#meter ??= new LevelMeter();
    this.#meter.listen(this.media.tracks.get("microphone") ?? null);
    this.#speakerTimer = setInterval(() => this.#listen(), SPEAKER_INTERVAL_MS);
  }

  #listen() {
    /** @type {[string, number][]} */
    const levels = [[this.room.you, this.media.microphoneOn ? (this.#meter?.read() ?? 0) : 0]];
    for (const { id } of this.room.others.values()) {
      const track = this.room.track(id, "microphone");
      const media = track === null || track.muted ? null : this.received(id, track);
      if (media !== null && this.direct !== null) levels.push([id, receivedLevel(this.direct.pc, media)]);
    }
    const speakers = levels
      .filter(([, level]) => level > SPEAKING_LEVEL)
      .sort(([, a], [, b]) => b - a)
      .map(([id]) => id);
    if (speakers.join() === this.room.speakers.join()) return;
    this.room.speakers = speakers;
    this.#events.changed();
  }

  /** @param {string} code @param {ErrorMessage | null} error */
  #ended(code, error) {
    this.#close();
    this.#events.ended(signalingProblem(code, error));
  }

  #close() {
    clearInterval(this.#speakerTimer);
    this.#unsubscribe();
    this.#meter?.close();
    this.#meter = null;
    this.#part();
    this.publish?.close();
    this.subscribe?.close();
    this.publish = null;
    this.subscribe = null;
  }
}
