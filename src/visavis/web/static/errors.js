/**
 * Everything that can go wrong, in words: what happened, and what to do about it.
 * @module errors
 */
/** @import {ErrorMessage} from "./protocol.js" */

/**
 * @typedef {object} Problem
 * @property {string} code stable, for tests and for asking for help
 * @property {string} title what happened
 * @property {string} hint what to do
 */

/** @param {string} code @param {string} title @param {string} hint @returns {Problem} */
const problem = (code, title, hint) => Object.freeze({ code, title, hint });

export const NO_HTTPS = problem(
  "no-https",
  "This page came by plain HTTP, and browsers hide cameras and microphones from it.",
  "Open it by https://, or as http://localhost on the computer that runs the server. You can join to watch and chat.",
);

export const MEDIA_BLOCKED = problem(
  "media-blocked",
  "The server answers, but sound and pictures do not get through.",
  "Your network probably blocks UDP. Try without VPN, from another network, or ask for the server's UDP port to be " +
    "opened. We keep trying.",
);

export const DIRECT_BLOCKED = problem(
  "direct-blocked",
  "The two browsers cannot reach each other.",
  "One of the two networks does not allow a direct connection. Use a room through the server instead. We keep trying.",
);

export const AUTOPLAY_BLOCKED = problem(
  "autoplay-blocked",
  "Your browser holds the sound back until you tap.",
  "Tap to hear the others.",
);

export const DEVICE_LOST = Object.freeze({
  microphone: problem(
    "microphone-lost",
    "Your microphone was disconnected.",
    "Plug it in again, or choose another one in the settings.",
  ),
  camera: problem("camera-lost", "Your camera was disconnected.", "Plug it in again, or choose another one in the settings."),
});

/** @typedef {"audio" | "video" | "both" | "screen"} Wanted */

/** @type {Record<Wanted, string>} */
const THING = { audio: "microphone", video: "camera", both: "camera and microphone", screen: "screen" };
/** @type {Record<Wanted, string>} */
const CODE = { audio: "microphone", video: "camera", both: "devices", screen: "screen" };

/**
 * What getUserMedia or getDisplayMedia threw (W3C Media Capture, section 10.2).
 * @param {unknown} error
 * @param {Wanted} kind
 * @returns {Problem}
 */
export function mediaProblem(error, kind) {
  const [thing, code] = [THING[kind], CODE[kind]];
  switch (error instanceof DOMException ? error.name : "") {
    case "NotAllowedError":
    case "SecurityError":
      return problem(
        `${code}-denied`,
        `This page may not use your ${thing}.`,
        "Allow it by the symbol at the left of the address bar (and in the system's privacy settings), then try again.",
      );
    case "NotFoundError":
      return problem(
        `${code}-missing`,
        `No ${thing} was found.`,
        kind === "screen"
          ? "This system offers nothing to share."
          : "Plug one in and choose it, or join without: you see and hear the others all the same.",
      );
    case "NotReadableError":
    case "AbortError":
      return problem(
        `${code}-in-use`,
        `Your ${thing} does not start; another program may be using it.`,
        `Close the other program or choose another ${thing}, then try again.`,
      );
    case "OverconstrainedError":
      return problem(`${code}-gone`, `The ${thing} you chose is not there any more.`, "Choose another one in the list.");
    default:
      return problem(
        `${code}-failed`,
        `Your ${thing} could not be opened${error instanceof Error && error.message ? `: ${error.message}` : "."}`,
        kind === "screen" ? "This browser may not be able to share a screen." : "Try again, or choose another device.",
      );
  }
}

/** @type {Record<string, [string, string]>} */
const SIGNALING = {
  "room-full": ["This room is full.", "Try again when somebody has left, or use another room."],
  "too-many-rooms": ["The server has as many rooms as it takes.", "Try again later."],
  "bad-room": ["The server does not take this room's name.", "Use letters, digits, - and _, at most 64 of them."],
  "bad-name": ["The server does not take this name.", "Choose a name of 1 to 64 characters."],
  "rate-limited": ["This page sent more than the server takes.", "Wait a moment, then join again."],
  "too-many-connections": [
    "Too many take part from your network, or too many joined from it just now.",
    "Wait a minute, then try again. Whoever runs the server can allow more.",
  ],
  "no-common-codec": [
    "This browser and the server share no codec for what you send.",
    "Update the browser, or use another one.",
  ],
  "too-many-tracks": ["You already send as many tracks as the server takes.", "Stop one of them first."],
  replaced: ["This call goes on in another tab.", "Go there, or join again here."],
  "bad-message": ["The server did not understand this page.", "Reload the page to get its newest version."],
  internal: ["The server had an internal error.", "Join again; if it comes back, tell whoever runs the server."],
};

/**
 * A signaling error or the meaning of a close code; our words where we have them, else the server's.
 * @param {string} code
 * @param {ErrorMessage | null} error
 * @returns {Problem}
 */
export function signalingProblem(code, error) {
  const known = SIGNALING[code];
  if (known !== undefined) return problem(code, known[0], known[1]);
  return problem(code, error?.message ?? "The server closed the call.", error?.hint ?? "Join again.");
}

/**
 * A description that a browser or the server refused.
 * @param {unknown} error
 * @param {string} connection
 * @returns {Problem}
 */
export function negotiationProblem(error, connection) {
  const detail = error instanceof Error ? error.message : String(error);
  return problem("negotiation-failed", `The ${connection} connection could not be agreed on: ${detail}`, "Join again.");
}

/** Why an m-line is silent. @type {Record<string, string>} */
export const PAUSE_WORDS = {
  bandwidth: "Paused: your network is short",
  "no-media": "No picture arrives from the sender",
  "not-shown": "Paused while not shown",
  "waiting-for-key-frame": "The picture is coming",
  "unsupported-codec": "Your browser cannot show this codec",
};
