/**
 * What each tile shows, told from the call. No DOM.
 * @module tilestate
 */
/** @import {Source} from "./protocol.js" */
/** @import {Call} from "./call.js" */
/** @import {LinkState} from "./recovery.js" */
import { PAUSE_WORDS } from "./errors.js";

/** @typedef {"live" | "off" | "paused" | "watching" | "connecting" | "reconnecting" | "failed"} TileState */

/**
 * @typedef {object} TileModel
 * @property {string} key
 * @property {string} participant
 * @property {string} name
 * @property {boolean} you
 * @property {"camera" | "screen"} source
 * @property {MediaStreamTrack | null} media what to draw; null: the initials
 * @property {TileState} state
 * @property {string} words the state, in words
 * @property {boolean} muted the microphone is off
 * @property {boolean} speaking
 */

/** @type {Record<TileState, string>} */
export const STATE_ICONS = {
  live: "check",
  off: "check",
  paused: "pause",
  watching: "eye",
  connecting: "wait",
  reconnecting: "wait",
  failed: "broken",
};

/** @type {Record<Exclude<LinkState, "connected">, [TileState, string]>} */
const LINK = {
  idle: ["connecting", "Connecting"],
  connecting: ["connecting", "Connecting"],
  interrupted: ["reconnecting", "Reconnecting"],
  blocked: ["failed", "No connection"],
};

/** @param {Call} call @returns {TileModel[]} shared screens first, then the others, then oneself */
export function tileModels(call) {
  const { room } = call;
  /** @type {TileModel[]} */
  const screens = [];
  /** @type {TileModel[]} */
  const people = [];
  for (const { id } of room.others.values()) {
    people.push(remote(call, id, "camera"));
    if (room.track(id, "screen") !== null) screens.push(remote(call, id, "screen"));
  }
  if (call.media.screenOn) screens.push(own(call, "screen"));
  people.push(own(call, "camera"));
  return [...screens, ...people];
}

/** @param {Call} call @param {string} id @param {"camera" | "screen"} source @returns {TileModel} */
function remote(call, id, source) {
  const { room } = call;
  const participant = room.others.get(id);
  const microphone = room.track(id, "microphone");
  const track = room.track(id, source);
  const [state, words] = remoteState(call, id, source);
  return {
    key: `${id}/${source}`,
    participant: id,
    name: participant?.name ?? "",
    you: false,
    source,
    media: track === null || track.muted || state === "paused" ? null : call.received(id, track),
    state,
    words,
    muted: source === "camera" && microphone?.muted !== false,
    speaking: source === "camera" && room.speakers.includes(id),
  };
}

/** @param {Call} call @param {string} id @param {Source} source @returns {[TileState, string]} */
function remoteState(call, id, source) {
  const { room } = call;
  const link = call.receiving;
  const tracks = room.others.get(id)?.tracks ?? [];
  if (tracks.length === 0 && (room.mode === "sfu" || link === "connected")) return ["watching", "Watching only"];
  if (link !== "connected") return LINK[link];
  const track = room.track(id, source);
  if (track === null || track.muted) return ["off", "Connected"];
  const stream = call.subscribe?.streamOf(id, track.id);
  if (stream?.state === "paused") return ["paused", PAUSE_WORDS[stream.reason] ?? "Paused"];
  return ["live", "Connected"];
}

/** @param {Call} call @param {"camera" | "screen"} source @returns {TileModel} */
function own(call, source) {
  const { room, media } = call;
  const track = media.tracks.get(source) ?? null;
  return {
    key: `you/${source}`,
    participant: room.you,
    name: call.name,
    you: true,
    source,
    media: track,
    ...ownState(call, track !== null),
    muted: source === "camera" && !media.microphoneOn,
    speaking: source === "camera" && room.speakers.includes(room.you),
  };
}

/** @param {Call} call @param {boolean} on @returns {{state: TileState, words: string}} */
function ownState(call, on) {
  if (call.room.you === "") return { state: "connecting", words: "Joining" };
  const { room, sending } = call;
  if (room.mode === "direct" && room.others.size === 0) return { state: on ? "live" : "off", words: "Waiting for the other" };
  if (room.mode === "sfu" && call.publish === null) return { state: "watching", words: "Watching only" };
  if (sending === "connected") return { state: on ? "live" : "off", words: "Connected" };
  const [state, words] = LINK[sending];
  return { state, words };
}
