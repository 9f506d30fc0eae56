/**
 * SHA-256 (FIPS 180-4) piece by piece, and HMAC (RFC 2104) over it. Browsers have neither for pages that came by plain
 * HTTP, and none of them has a digest that takes its message in pieces.
 * @module sha256
 */

/** Signed, as all words here: others would be floating point to the browser's compiler. */
const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const BLOCK = 64;

export class Sha256 {
  #state = new Int32Array([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ]);
  #words = new Int32Array(BLOCK);
  /** What does not fill a block yet. */
  #rest = new Uint8Array(BLOCK);
  #restSize = 0;
  #size = 0;

  /** @param {Uint8Array} data @returns {this} */
  update(data) {
    this.#size += data.length;
    let at = 0;
    if (this.#restSize > 0) {
      at = Math.min(BLOCK - this.#restSize, data.length);
      this.#rest.set(data.subarray(0, at), this.#restSize);
      this.#restSize += at;
      if (this.#restSize < BLOCK) return this;
      this.#compress(this.#rest, 0);
      this.#restSize = 0;
    }
    for (; at + BLOCK <= data.length; at += BLOCK) this.#compress(data, at);
    this.#rest.set(data.subarray(at));
    this.#restSize = data.length - at;
    return this;
  }

  /** @returns {Uint8Array} of all so far; more may follow */
  digest() {
    const state = this.#state.slice();
    const padded = new Uint8Array(this.#restSize < 56 ? BLOCK : 2 * BLOCK);
    padded.set(this.#rest.subarray(0, this.#restSize));
    padded[this.#restSize] = 0x80;
    const view = new DataView(padded.buffer);
    view.setUint32(padded.length - 8, Math.floor(this.#size / 0x20000000));
    view.setUint32(padded.length - 4, (this.#size << 3) >>> 0);
    for (let at = 0; at < padded.length; at += BLOCK) this.#compress(padded, at);
    const digest = new Uint8Array(32);
    const out = new DataView(digest.buffer);
    this.#state.forEach((word, index) => out.setInt32(4 * index, word));
    this.#state = state;
    return digest;
  }

  /** Section 6.2.2. @param {Uint8Array} data @param {number} at */
  #compress(data, at) {
    // Indices are all within bounds, which the type checker cannot know; this loop is where the time goes.
    const [d, w, k, s] = /** @type {any[]} */ ([data, this.#words, K, this.#state]);
    for (let i = 0; i < 16; i++, at += 4) w[i] = (d[at] << 24) | (d[at + 1] << 16) | (d[at + 2] << 8) | d[at + 3];
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [A, B, C, D] = [s[0] | 0, s[1] | 0, s[2] | 0, s[3] | 0];
    let [E, F, G, H] = [s[4] | 0, s[5] | 0, s[6] | 0, s[7] | 0];
    for (let i = 0; i < 64; i++) {
      const s1 = ((E >>> 6) | (E << 26)) ^ ((E >>> 11) | (E << 21)) ^ ((E >>> 25) | (E << 7));
      /** @type {number} */
      const t1 = (H + s1 + ((E & F) ^ (~E & G)) + k[i] + w[i]) | 0;
      const s0 = ((A >>> 2) | (A << 30)) ^ ((A >>> 13) | (A << 19)) ^ ((A >>> 22) | (A << 10));
      /** @type {number} */
      const t2 = (s0 + ((A & B) ^ (A & C) ^ (B & C))) | 0;
      H = G;
      G = F;
      F = E;
      E = (D + t1) | 0;
      D = C;
      C = B;
      B = A;
      A = (t1 + t2) | 0;
    }
    s[0] += A;
    s[1] += B;
    s[2] += C;
    s[3] += D;
    s[4] += E;
    s[5] += F;
    s[6] += G;
    s[7] += H;
  }
}

/** @param {Uint8Array} bytes @returns {string} */
export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} key @param {string} text @returns {string} HMAC-SHA-256 in hexadecimal; the key fits in a block */
export function hmac(key, text) {
  const encoder = new TextEncoder();
  const padded = new Uint8Array(BLOCK);
  padded.set(encoder.encode(key));
  const inner = new Sha256().update(padded.map((byte) => byte ^ 0x36)).update(encoder.encode(text)).digest();
  return hex(new Sha256().update(padded.map((byte) => byte ^ 0x5c)).update(inner).digest());
}
