/**
 * Keeps the screen on during a call (W3C Screen Wake Lock), where the browser can.
 * @module wakelock
 */

/** @returns {() => void} lets the screen go dark again */
export function keepAwake() {
  /** @type {WakeLockSentinel | null} */
  let lock = null;
  let over = false;
  const ask = async () => {
    if (document.visibilityState !== "visible" || navigator.wakeLock === undefined) return;
    try {
      const granted = await navigator.wakeLock.request("screen");
      if (over) await granted.release();
      else lock = granted;
    } catch {
      // The battery is low, or the system does not want it: the call works without.
    }
  };
  const shown = () => void ask(); // the browser takes the lock away from hidden pages
  document.addEventListener("visibilitychange", shown);
  void ask();
  return () => {
    over = true;
    document.removeEventListener("visibilitychange", shown);
    void lock?.release();
  };
}
