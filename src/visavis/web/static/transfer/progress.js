/**
 * How fast a file moves, how long it will take, and the words for both.
 * @module progress
 */

const WINDOW_MS = 5_000;
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

export class Progress {
  /** @type {[number, number][]} */
  #samples;

  /** @param {number} size @param {number} offset @param {number} nowMs */
  constructor(size, offset, nowMs) {
    this.size = size;
    this.position = offset;
    this.#samples = [[nowMs, offset]];
  }

  /** @param {number} position @param {number} nowMs */
  moved(position, nowMs) {
    this.position = position;
    this.#samples.push([nowMs, position]);
    while (this.#samples.length > 2 && /** @type {[number, number]} */ (this.#samples[1])[0] <= nowMs - WINDOW_MS) this.#samples.shift();
  }

  /** @returns {number} from 0 to 1 */
  get fraction() {
    return this.size === 0 ? 1 : this.position / this.size;
  }

  /** @param {number} nowMs @returns {number} of the last seconds */
  bytesPerSecond(nowMs) {
    const [thenMs, then] = /** @type {[number, number]} */ (this.#samples[0]);
    return nowMs > thenMs ? ((this.position - then) / (nowMs - thenMs)) * 1000 : 0;
  }

  /** @param {number} nowMs @returns {string} `1.2 GB of 4.7 GB, 98 MB/s, 36 s left` */
  words(nowMs) {
    const rate = this.bytesPerSecond(nowMs);
    const left = rate > 0 ? `, ${saidTime((this.size - this.position) / rate)} left` : "";
    return `${saidSize(this.position)} of ${saidSize(this.size)}, ${saidSize(rate)}/s${left}`;
  }
}

/** @param {number} size @returns {string} powers of a thousand, three digits */
export function saidSize(size) {
  let unit = 0;
  for (; size >= 999.5 && unit < UNITS.length - 1; unit++) size /= 1000;
  return `${size.toFixed(unit === 0 || size >= 99.95 ? 0 : 1)} ${UNITS[unit]}`;
}

/** @param {number} seconds @returns {string} `9 s`, `1:05`, `2:00:01` */
export function saidTime(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
