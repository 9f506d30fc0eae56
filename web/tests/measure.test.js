import assert from "node:assert/strict";
import test from "node:test";

import { pathWords, rows, selectedPath } from "../../src/visavis/web/static/measure.js";

/** @param {Record<string, any>[]} stats */
const report = (...stats) => new Map(stats.map((stat) => [stat.id, stat]));

const TRANSPORT = [
  { id: "T", type: "transport", selectedCandidatePairId: "P", tlsVersion: "FEFC", srtpCipher: "SRTP_AEAD_AES_128_GCM" },
  { id: "P", type: "candidate-pair", transportId: "T", localCandidateId: "L", remoteCandidateId: "R", currentRoundTripTime: 0.012, availableOutgoingBitrate: 3e6 },
  { id: "L", type: "local-candidate", protocol: "udp", candidateType: "srflx" },
  { id: "R", type: "remote-candidate", protocol: "udp", candidateType: "host" },
];

const INBOUND = { id: "I", type: "inbound-rtp", kind: "video", mid: "3", codecId: "C", timestamp: 1000, bytesReceived: 1000, packetsReceived: 10, packetsLost: 0, jitter: 0.004, frameWidth: 640, frameHeight: 360, framesPerSecond: 30 };
const CODEC = { id: "C", type: "codec", mimeType: "video/VP8" };

test("a received track is told with its rates since the report before", () => {
  const before = report(...TRANSPORT, CODEC, INBOUND);
  const now = report(...TRANSPORT, CODEC, { ...INBOUND, timestamp: 2000, bytesReceived: 126_000, packetsReceived: 105, packetsLost: 5 });
  const [row] = rows(now, before);
  assert.deepEqual(
    [row.direction, row.mid, row.codec, row.width, row.bitsPerSecond, row.rttMs, row.lossPercent, row.jitterMs],
    ["received", "3", "VP8", 640, 1_000_000, 12, 5, 4],
  );
});

test("without an earlier report there is no bitrate, and no made-up one", () => {
  assert.equal(rows(report(INBOUND), null)[0].bitsPerSecond, null);
});

test("a sent track has what the receiver reported, and what holds it back", () => {
  const [row] = rows(
    report(
      { id: "O", type: "outbound-rtp", kind: "audio", mid: "0", timestamp: 1, bytesSent: 0, remoteId: "X", qualityLimitationReason: "bandwidth" },
      { id: "X", type: "remote-inbound-rtp", roundTripTime: 0.05, fractionLost: 0.02, jitter: 0.001 },
    ),
    null,
  );
  assert.deepEqual([row.direction, row.rttMs, row.lossPercent, row.jitterMs, row.limited], ["sent", 50, 2, 1, "bandwidth"]);
});

test("the path is told in words", () => {
  const path = selectedPath(report(...TRANSPORT));
  assert.equal(pathWords(path), "UDP, public address (srflx) to host, DTLS 1.3, AEAD_AES_128_GCM");
});

test("a relay over TCP is told as one", () => {
  const stats = TRANSPORT.map((stat) => (stat.id === "L" ? { ...stat, candidateType: "relay", relayProtocol: "tcp" } : stat));
  assert.match(pathWords(selectedPath(report(...stats))), /^UDP \(TCP to the relay\), relay to host, /);
});

test("a browser that names no selected pair on the transport is understood by its nominated one", () => {
  const stats = [{ id: "T", type: "transport" }, { ...TRANSPORT[1], nominated: true, state: "succeeded" }, TRANSPORT[2], TRANSPORT[3]];
  assert.equal(selectedPath(report(...stats)).rttMs, 12);
});

test("before there is a path, none is told", () => {
  assert.equal(selectedPath(report({ id: "T", type: "transport" })), null);
});
