import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";

import { canonical, fingerprints, proof } from "../../src/visavis/web/static/transfer/link.js";
import { Progress, saidSize, saidTime } from "../../src/visavis/web/static/transfer/progress.js";
import { hex, hmac, Sha256 } from "../../src/visavis/web/static/transfer/sha256.js";

test("a digest is that of the platform, for every length around the blocks", () => {
  for (let size = 0; size < 200; size++) {
    const data = randomBytes(size);
    assert.equal(hex(new Sha256().update(data).digest()), createHash("sha256").update(data).digest("hex"), `${size} bytes`);
  }
});

test("a digest does not depend on the pieces, and may be taken in the middle", () => {
  const data = randomBytes(1000);
  for (const piece of [1, 7, 63, 64, 65, 999]) {
    const hash = new Sha256();
    for (let at = 0; at < data.length; at += piece) {
      hash.update(data.subarray(at, at + piece));
      const soFar = data.subarray(0, at + piece);
      assert.equal(hex(hash.digest()), createHash("sha256").update(soFar).digest("hex"));
    }
  }
});

test("HMAC is that of the platform", () => {
  assert.equal(hmac("key", "text"), createHmac("sha256", "key").update("text").digest("hex"));
});

test("a proof is what the program makes of the same", () => {
  assert.equal(
    proof("2mqp9xhrt4nb", "visitor", "sha-256 aa", "sha-256 bb"),
    "8c653e64f8e9063bab8693d57ddcbed071bcfec9c5f2fdb4c137879987e1be15",
  );
});

test("a secret is read however it was typed", () => {
  assert.equal(canonical("2MQP 9xhr-t4nb"), "2mqp9xhrt4nb");
  assert.equal(canonical("oooo-iiii-LLLL"), "000011111111");
  assert.equal(canonical("2mqp-9xhr"), null);
  assert.equal(canonical("2mqp-9xhr-t4nu"), null);
});

test("all fingerprints of a description count, in one order", () => {
  const sdp = "v=0\r\na=fingerprint:sha-256 CC:DD\r\nm=application\r\na=fingerprint:sha-256 aa:bb\r\na=fingerprint:SHA-256 AA:BB\r\n";
  assert.equal(fingerprints(sdp), "sha-256 aa:bb,sha-256 cc:dd");
});

test("the rate is that of the last seconds", () => {
  const progress = new Progress(10_000_000, 0, 0);
  progress.moved(1_000_000, 1000);
  assert.equal(progress.words(1000), "1.0 MB of 10.0 MB, 1.0 MB/s, 9 s left");
  progress.moved(1_000_000, 10_000);
  progress.moved(1_000_000, 20_000);
  assert.equal(progress.words(20_000), "1.0 MB of 10.0 MB, 0 B/s");
});

test("sizes and times are said in few digits", () => {
  assert.deepEqual([0, 999, 1000, 99_949, 99_950, 1_234_567, 4.7e9].map(saidSize), ["0 B", "999 B", "1.0 kB", "99.9 kB", "100 kB", "1.2 MB", "4.7 GB"]);
  assert.deepEqual([0, 59.4, 60, 3599, 7201].map(saidTime), ["0 s", "59 s", "1:00", "59:59", "2:00:01"]);
});
