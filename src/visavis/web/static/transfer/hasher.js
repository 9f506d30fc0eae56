/**
 * The worker that hashes: `{reset: true}` begins anew, an ArrayBuffer is more, `{digest: id}` is answered by
 * `{id, digest}` once all that came before is in it.
 * @module hasher
 */
import { hex, Sha256 } from "./sha256.js";

let hash = new Sha256();

addEventListener("message", ({ data }) => {
  if (data instanceof ArrayBuffer) hash.update(new Uint8Array(data));
  else if (data.reset) hash = new Sha256();
  else postMessage({ id: data.digest, digest: hex(hash.digest()) });
});
