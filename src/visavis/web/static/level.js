/**
 * How loud: of the own microphone by an analyser, of received tracks by what the browser measured.
 * @module level
 */

const FLOOR_DB = -60;
/** Speech above this, on the scale of 0 to 1, counts as speaking. */
export const SPEAKING_LEVEL = 0.35;

/** @param {number} amplitude 0 to 1, root mean square @returns {number} 0 to 1 on a scale of decibels */
export function loudness(amplitude) {
  if (amplitude <= 0) return 0;
  const db = 20 * Math.log10(amplitude);
  return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
}

export class LevelMeter {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  #samples = new Float32Array(this.#analyser.fftSize);
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  /** @type {MediaStreamTrack | null} */
  #track = null;
  // Browsers start audio contexts asleep until somebody touches the page.
  #wake = () => void this.#context.resume().catch(() => {}); // rejects when it is closed first

  constructor() {
    for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, this.#wake);
  }

  /** @param {MediaStreamTrack | null} track */
  listen(track) {
    if (track === this.#track) return;
    this.#track = track;
    this.#source?.disconnect();
    this.#source = track === null ? null : this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source?.connect(this.#analyser);
    this.#wake();
  }

  /** @returns {number} 0 to 1 */
  read() {
    if (this.#source === null || this.#context.state !== "running") return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return loudness(Math.sqrt(sum / this.#samples.length));
  }

  close() {
    for (const event of ["pointerdown", "keydown"]) document.removeEventListener(event, this.#wake);
    this.listen(null);
    void this.#context.close();
  }
}

/** @param {RTCPeerConnection} pc @param {MediaStreamTrack} track @returns {number} 0 to 1 */
export function receivedLevel(pc, track) {
  const receiver = pc.getReceivers().find((candidate) => candidate.track === track);
  const newest = receiver?.getSynchronizationSources()[0];
  return loudness(newest?.audioLevel ?? 0);
}
