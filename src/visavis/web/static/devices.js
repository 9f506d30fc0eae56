/**
 * Opening cameras and microphones, and saying in words why one did not open.
 * @module devices
 */
/** @import {Problem} from "./errors.js" */
import { mediaProblem, NO_HTTPS } from "./errors.js";

/** @typedef {"audio" | "video"} Kind */

/**
 * @typedef {object} Opened
 * @property {MediaStreamTrack | null} audio
 * @property {MediaStreamTrack | null} video
 * @property {Problem[]} problems
 */

/** @type {Record<Kind, string>} */
const STORED = { audio: "visavis.microphone", video: "visavis.camera" };

/** @param {Kind} kind @param {string} id */
export function rememberDevice(kind, id) {
  localStorage.setItem(STORED[kind], id);
}

/**
 * @param {Kind} kind
 * @param {string} [exactId] this device or none; without it the remembered one, or any
 * @returns {MediaTrackConstraints}
 */
function constraints(kind, exactId) {
  /** @type {MediaTrackConstraints} */
  const wanted =
    kind === "audio"
      ? { echoCancellation: true, noiseSuppression: true, autoGainControl: true }
      : { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
  const remembered = localStorage.getItem(STORED[kind]);
  if (exactId !== undefined) wanted.deviceId = { exact: exactId };
  else if (remembered !== null) wanted.deviceId = { ideal: remembered };
  return wanted;
}

/** @returns {boolean} false on plain HTTP, where browsers hide cameras and microphones */
export function devicesAvailable() {
  return navigator.mediaDevices !== undefined;
}

/**
 * Opens one device.
 * @param {Kind} kind
 * @param {string} [exactId]
 * @returns {Promise<MediaStreamTrack>}
 * @throws {Problem}
 */
export async function openDevice(kind, exactId) {
  if (!devicesAvailable()) throw NO_HTTPS;
  try {
    return await acquire(kind, exactId);
  } catch (error) {
    throw mediaProblem(error, kind);
  }
}

/**
 * Opens what is wanted with one question to the user, and as much of it as can be had.
 * @param {Kind[]} kinds
 * @returns {Promise<Opened>}
 */
export async function openDevices(kinds) {
  /** @type {Opened} */
  const opened = { audio: null, video: null, problems: [] };
  if (kinds.length === 0) return opened;
  if (!devicesAvailable()) return { ...opened, problems: [NO_HTTPS] };
  try {
    const wanted = Object.fromEntries(kinds.map((kind) => [kind, constraints(kind)]));
    const stream = await navigator.mediaDevices.getUserMedia(wanted);
    for (const track of stream.getTracks()) opened[/** @type {Kind} */ (track.kind)] = hint(track);
    return opened;
  } catch (error) {
    const failures = await oneByOne(kinds, error, opened);
    const names = new Set([...failures.values()].map(errorName));
    if (failures.size === 2 && names.size === 1) opened.problems.push(mediaProblem(error, "both"));
    else for (const [kind, failure] of failures) opened.problems.push(mediaProblem(failure, kind));
    return opened;
  }
}

/**
 * @param {Kind[]} kinds
 * @param {unknown} error what all of them together gave
 * @param {Opened} opened filled with what opens
 * @returns {Promise<Map<Kind, unknown>>} what each of the others threw
 */
async function oneByOne(kinds, error, opened) {
  /** @type {Map<Kind, unknown>} */
  const failures = new Map();
  for (const kind of kinds) {
    // After a refusal, ask again only for what is known to be granted: nobody likes two more questions.
    const hopeless = kinds.length === 1 || (errorName(error) === "NotAllowedError" && (await permission(kind)) !== "granted");
    if (hopeless) {
      failures.set(kind, error);
      continue;
    }
    try {
      opened[kind] = await acquire(kind);
    } catch (failure) {
      failures.set(kind, failure);
    }
  }
  return failures;
}

/** @param {Kind} kind @param {string} [exactId] @returns {Promise<MediaStreamTrack>} */
async function acquire(kind, exactId) {
  const stream = await navigator.mediaDevices.getUserMedia({ [kind]: constraints(kind, exactId) });
  return hint(/** @type {MediaStreamTrack} */ (stream.getTracks()[0]));
}

/** @param {unknown} error */
const errorName = (error) => (error instanceof DOMException ? error.name : "");

/**
 * @returns {Promise<{screen: MediaStreamTrack, audio: MediaStreamTrack | null} | null>} null when the user thought
 *   better of it
 * @throws {Problem}
 */
export async function openScreen() {
  if (navigator.mediaDevices?.getDisplayMedia === undefined) throw mediaProblem(new Error("unsupported"), "screen");
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 30 } }, audio: true });
    const screen = /** @type {MediaStreamTrack} */ (stream.getVideoTracks()[0]);
    screen.contentHint = "detail";
    return { screen, audio: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    if (errorName(error) === "NotAllowedError") return null;
    throw mediaProblem(error, "screen");
  }
}

/** @returns {Promise<Record<Kind, MediaDeviceInfo[]>>} what can be chosen; labels are empty until permission is given */
export async function listDevices() {
  if (!devicesAvailable()) return { audio: [], video: [] };
  const all = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.deviceId !== "");
  return {
    audio: all.filter((device) => device.kind === "audioinput"),
    video: all.filter((device) => device.kind === "videoinput"),
  };
}

/** @param {() => void} listener @returns {() => void} stops listening */
export function onDeviceChange(listener) {
  if (!devicesAvailable()) return () => {};
  navigator.mediaDevices.addEventListener("devicechange", listener);
  return () => navigator.mediaDevices.removeEventListener("devicechange", listener);
}

/** @param {MediaStreamTrack} track */
function hint(track) {
  track.contentHint = track.kind === "audio" ? "speech" : "motion";
  return track;
}

/** @param {Kind} kind @returns {Promise<PermissionState | "unknown">} */
async function permission(kind) {
  try {
    const name = /** @type {PermissionName} */ (kind === "audio" ? "microphone" : "camera");
    return (await navigator.permissions.query({ name })).state;
  } catch {
    return "unknown"; // Firefox before 132 does not know these names
  }
}
