/**
 * Reads a statistics report (W3C Identifiers for WebRTC's Statistics API) into rows and a path.
 * @module measure
 */

/** @typedef {Record<string, any>} Stat an RTCStats dictionary */

/**
 * @typedef {object} Row
 * @property {string} key
 * @property {"sent" | "received"} direction
 * @property {"audio" | "video"} kind
 * @property {string | null} mid
 * @property {string | null} codec
 * @property {string | null} implementation
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} framesPerSecond
 * @property {number | null} bitsPerSecond
 * @property {number | null} rttMs
 * @property {number | null} lossPercent since the report before
 * @property {number | null} jitterMs
 * @property {string | null} limited what keeps the sender below its best: "cpu", "bandwidth", "other"
 */

/**
 * @typedef {object} Path
 * @property {"udp" | "tcp"} protocol
 * @property {string | null} relayProtocol
 * @property {string} local kind of the own candidate: host, srflx, prflx, relay
 * @property {string} remote
 * @property {number | null} rttMs
 * @property {number | null} availableBps
 * @property {string | null} dtls
 * @property {string | null} srtp
 */

/** @typedef {Map<string, Stat>} Report */

/** TLS version numbers as `RTCTransportStats.tlsVersion` gives them (RFC 6347, RFC 9147). @type {Record<string, string>} */
const DTLS = { FEFF: "DTLS 1.0", FEFD: "DTLS 1.2", FEFC: "DTLS 1.3" };

/** @param {number | undefined | null} value @param {number} factor @returns {number | null} */
const scaled = (value, factor) => (typeof value === "number" ? value * factor : null);

/**
 * @param {Report} report
 * @param {Report | null} before the report before, for rates
 * @returns {Row[]} sent first
 */
export function rows(report, before) {
  /** @type {Row[]} */
  const found = [];
  const path = selectedPair(report);
  for (const stat of report.values()) {
    if (stat["type"] !== "inbound-rtp" && stat["type"] !== "outbound-rtp") continue;
    const sent = stat["type"] === "outbound-rtp";
    const earlier = before?.get(stat["id"]);
    const remote = report.get(stat["remoteId"]);
    const codec = report.get(stat["codecId"]);
    found.push({
      key: stat["id"],
      direction: sent ? "sent" : "received",
      kind: stat["kind"],
      mid: stat["mid"] ?? null,
      codec: typeof codec?.["mimeType"] === "string" ? (codec["mimeType"].split("/")[1] ?? null) : null,
      implementation: stat["decoderImplementation"] ?? stat["encoderImplementation"] ?? null,
      width: stat["frameWidth"] ?? null,
      height: stat["frameHeight"] ?? null,
      framesPerSecond: stat["framesPerSecond"] ?? null,
      bitsPerSecond: rate(stat, earlier, sent ? "bytesSent" : "bytesReceived"),
      rttMs: scaled(sent ? (remote?.["roundTripTime"] ?? path?.["currentRoundTripTime"]) : path?.["currentRoundTripTime"], 1000),
      lossPercent: sent ? scaled(remote?.["fractionLost"], 100) : lost(stat, earlier),
      jitterMs: scaled(sent ? remote?.["jitter"] : stat["jitter"], 1000),
      limited: sent && stat["qualityLimitationReason"] !== "none" ? (stat["qualityLimitationReason"] ?? null) : null,
    });
  }
  return found.sort((a, b) => b.direction.localeCompare(a.direction));
}

/** @param {Report} report @returns {Path | null} null while there is none */
export function selectedPath(report) {
  const pair = selectedPair(report);
  if (pair === null) return null;
  const local = report.get(pair["localCandidateId"]);
  const remote = report.get(pair["remoteCandidateId"]);
  const transport = report.get(pair["transportId"]) ?? [...report.values()].find(({ type }) => type === "transport");
  const version = String(transport?.["tlsVersion"] ?? "").toUpperCase();
  return {
    protocol: local?.["protocol"] === "tcp" ? "tcp" : "udp",
    relayProtocol: local?.["relayProtocol"] ?? null,
    local: local?.["candidateType"] ?? "unknown",
    remote: remote?.["candidateType"] ?? "unknown",
    rttMs: scaled(pair["currentRoundTripTime"], 1000),
    availableBps: pair["availableOutgoingBitrate"] ?? null,
    dtls: DTLS[version] ?? (version === "" ? null : `DTLS ${version}`),
    srtp: transport?.["srtpCipher"] ?? null,
  };
}

/** @type {Record<string, string>} */
const CANDIDATE_WORDS = { host: "host", srflx: "public address (srflx)", prflx: "address found on the way (prflx)", relay: "relay" };

/** @param {Path} path @returns {string} such as "UDP, host to host, DTLS 1.3, AES128_CM_HMAC_SHA1_80" */
export function pathWords(path) {
  const kind = (/** @type {string} */ type) => CANDIDATE_WORDS[type] ?? type;
  const relayed = path.relayProtocol === null ? "" : ` (${path.relayProtocol.toUpperCase()} to the relay)`;
  const parts = [`${path.protocol.toUpperCase()}${relayed}`, `${kind(path.local)} to ${kind(path.remote)}`];
  if (path.dtls !== null) parts.push(path.dtls);
  if (path.srtp !== null) parts.push(path.srtp.replace(/^SRTP_/, ""));
  return parts.join(", ");
}

/** @param {Report} report @returns {Stat | null} */
function selectedPair(report) {
  const all = [...report.values()];
  const transport = all.find(({ type }) => type === "transport");
  const named = report.get(transport?.["selectedCandidatePairId"]);
  if (named !== undefined) return named;
  const pairs = all.filter(({ type }) => type === "candidate-pair");
  return pairs.find((pair) => pair["selected"] || (pair["nominated"] && pair["state"] === "succeeded")) ?? null;
}

/** @param {Stat} now @param {Stat | undefined} before @param {string} field @returns {number | null} bits per second */
function rate(now, before, field) {
  const seconds = before === undefined ? 0 : (now["timestamp"] - before["timestamp"]) / 1000;
  if (before === undefined || seconds <= 0) return null;
  return Math.max(0, ((now[field] - before[field]) * 8) / seconds);
}

/** @param {Stat} now @param {Stat | undefined} before @returns {number | null} */
function lost(now, before) {
  const missing = now["packetsLost"] - (before?.["packetsLost"] ?? 0);
  const arrived = now["packetsReceived"] - (before?.["packetsReceived"] ?? 0);
  const expected = missing + arrived;
  return expected > 0 ? (Math.max(0, missing) / expected) * 100 : null;
}
