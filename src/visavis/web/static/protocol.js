/**
 * The messages of docs/signaling.md as types, and the few constants both sides share.
 * @module protocol
 */

/** @typedef {"sfu" | "direct"} Mode */
/** @typedef {"camera" | "microphone" | "screen" | "screen-audio"} Source */
/** @typedef {"publish" | "subscribe" | "direct"} ConnectionName */
/** @typedef {"ok" | "bandwidth" | "no-media" | "not-shown" | "waiting-for-key-frame" | "unsupported-codec"} PauseReason */

/**
 * @typedef {object} Track
 * @property {string} id in direct rooms the mid of the m-line that carries it
 * @property {Source} source
 * @property {"audio" | "video"} kind
 * @property {boolean} muted
 */

/**
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {Track[]} tracks
 */

/**
 * @typedef {object} Stream what an m-line of the subscribing connection carries
 * @property {string | null} mid null for a track that has no m-line
 * @property {string | null} participant
 * @property {string | null} track
 * @property {"forwarding" | "paused"} state
 * @property {PauseReason} reason
 */

/**
 * @typedef {object} PublishedTrack an entry of the client's `tracks`
 * @property {string} mid
 * @property {Source} source
 * @property {boolean} muted
 */

/**
 * @typedef {object} ViewTile
 * @property {string} participant
 * @property {Source} source
 * @property {number} width
 * @property {number} height
 */

/**
 * @typedef {{type: "join", room: string, name: string, mode: Mode, resume?: string}
 *   | {type: "offer", pc: "publish" | "direct", sdp: string}
 *   | {type: "answer", pc: "subscribe", sdp: string, id: number}
 *   | {type: "answer", pc: "direct", sdp: string}
 *   | {type: "ice", pc: ConnectionName, candidate: RTCIceCandidateInit | null}
 *   | {type: "tracks", tracks: PublishedTrack[]}
 *   | {type: "restart", pc: "subscribe"}
 *   | {type: "view", tiles: ViewTile[]}
 *   | {type: "chat", text: string}
 *   | {type: "ping", t: number}
 *   | {type: "leave"}} ClientMessage
 */

/**
 * @typedef {object} Joined
 * @property {"joined"} type
 * @property {string} you
 * @property {string} room
 * @property {Mode} mode
 * @property {string} resume
 * @property {boolean} resumed
 * @property {Participant[]} participants
 * @property {boolean} polite
 * @property {RTCIceServer[]} ice_servers
 * @property {{participants: number, chat_characters: number}} limits
 */

/**
 * @typedef {object} ChatMessage
 * @property {"chat"} type
 * @property {string} participant
 * @property {string} name
 * @property {string} text
 * @property {number} time seconds since 1970
 */

/**
 * @typedef {object} ErrorMessage
 * @property {"error"} type
 * @property {string} code
 * @property {string} message
 * @property {string} hint
 * @property {boolean} fatal
 * @property {string} [about] type of the message it answers
 */

/** @typedef {{type: "offer", pc: "subscribe", sdp: string, id: number, streams: Stream[]}} SubscribeOffer */

/**
 * @typedef {Joined
 *   | {type: "participant", participant: Participant}
 *   | {type: "left", participant: string, reason: "left" | "lost" | "removed"}
 *   | {type: "tracks", participant: string, tracks: Track[]}
 *   | SubscribeOffer
 *   | {type: "offer", pc: "direct", sdp: string, from: string}
 *   | {type: "answer", pc: "publish" | "direct", sdp: string}
 *   | {type: "ice", pc: ConnectionName, candidate: RTCIceCandidateInit | null}
 *   | {type: "streams", streams: Stream[]}
 *   | {type: "speakers", participants: string[]}
 *   | ChatMessage
 *   | {type: "pong", t: number}
 *   | ErrorMessage
 *   | {type: "closing", reason: string, retry_after: number}} ServerMessage
 */

/** What the server takes as a room's name. */
export const ROOM_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

/** Characters of a participant's name. */
export const NAME_LIMIT = 64;

/** WebSocket close codes after which this client does not come back by itself, and the error each one means. */
export const FINAL_CLOSE_CODES = Object.freeze(
  /** @type {Record<number, string>} */ ({
    1000: "left",
    4000: "bad-message",
    4008: "rate-limited",
    4009: "replaced",
    4010: "room-full",
    4011: "too-many-connections",
  }),
);
