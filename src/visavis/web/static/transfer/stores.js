/**
 * Where a download goes while it comes: to the file that was picked, else to the browser's private files, else to memory.
 * Only pages that came by HTTPS, or from this machine, have the first two.
 * @module stores
 */

/**
 * @typedef {object} Store
 * @property {(data: ArrayBuffer) => Promise<void>} write
 * @property {() => Promise<void>} restart forgets what was written
 * @property {() => Promise<void>} finish all is there: gives it to the user
 * @property {() => Promise<void>} abort
 */

/** In memory no more is kept at once than so much: browsers move blobs, and not arrays, to the disk. */
const BLOB_BYTES = 32 << 20;
/** So long a download that was handed to the browser may still be read. */
const HAND_OVER_MS = 600_000;

/**
 * Asks where to store a file; to be called while the user clicks.
 * @param {string} name
 * @param {boolean} mayAsk whether one dialog for this file is acceptable
 * @returns {Promise<Store | null>} null: the user does not want it
 */
export async function openStore(name, mayAsk) {
  const picker = /** @type {any} */ (window).showSaveFilePicker;
  if (mayAsk && typeof picker === "function") {
    try {
      return await fileStore(await picker.call(window, { suggestedName: name }));
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") return null;
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
    }
  }
  return (await privateStore(name)) ?? memoryStore(name);
}

/** @param {FileSystemFileHandle} handle @returns {Promise<Store>} */
async function fileStore(handle) {
  const writable = await handle.createWritable();
  return {
    write: (data) => writable.write(data),
    restart: () => writable.truncate(0).then(() => writable.seek(0)),
    finish: () => writable.close(),
    abort: () => writable.abort(),
  };
}

/** @param {string} name @returns {Promise<Store | null>} null where there are no private files */
async function privateStore(name) {
  if (navigator.storage?.getDirectory === undefined) return null;
  try {
    const root = await navigator.storage.getDirectory();
    const place = `transfer-${crypto.randomUUID()}`;
    const handle = await root.getFileHandle(place, { create: true });
    const store = await fileStore(handle);
    return {
      ...store,
      async finish() {
        await store.finish();
        handOver(await handle.getFile(), name, () => void root.removeEntry(place));
      },
      async abort() {
        await store.abort();
        await root.removeEntry(place);
      },
    };
  } catch {
    return null; // private windows of some browsers have the function, and refuse
  }
}

/** Removes private files that a page left behind when it was closed. */
export async function tidy() {
  if (navigator.storage?.getDirectory === undefined) return;
  try {
    const root = await navigator.storage.getDirectory();
    for await (const [name, handle] of /** @type {any} */ (root).entries()) {
      const isOld = name.startsWith("transfer-") && Date.now() - (await handle.getFile()).lastModified > 2 * HAND_OVER_MS;
      if (isOld) await root.removeEntry(name);
    }
  } catch {
    return; // there is nothing to tidy
  }
}

/** @param {string} name @returns {Store} */
function memoryStore(name) {
  /** @type {Blob[]} */
  let blobs = [];
  /** @type {ArrayBuffer[]} */
  let fresh = [];
  let freshBytes = 0;
  const fold = () => {
    blobs.push(new Blob(fresh));
    fresh = [];
    freshBytes = 0;
  };
  const restart = async () => {
    blobs = [];
    fresh = [];
    freshBytes = 0;
  };
  return {
    async write(data) {
      fresh.push(data);
      freshBytes += data.byteLength;
      if (freshBytes >= BLOB_BYTES) fold();
    },
    restart,
    async finish() {
      fold();
      handOver(new Blob(blobs), name, () => {});
      await restart();
    },
    abort: restart,
  };
}

/** Has the browser put it where downloads go. @param {Blob} blob @param {string} name @param {() => void} after */
function handOver(blob, name, after) {
  // Of no type that browsers know, or they add an extension to the name.
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => {
    URL.revokeObjectURL(url);
    after();
  }, HAND_OVER_MS);
}
