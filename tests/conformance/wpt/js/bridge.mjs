// Transport between the JS test page and the Python implementation.
//
// Three one-way channels:
//   req  (JS -> Python, FIFO, blocking)      requests, one JSON object per line
//   rep  (Python -> JS, FIFO, blocking)      replies, and events fired *during* a request
//   evt  (Python -> JS, async stream, fd 3)  events and promise settlements from Python's loop
//
// Scheduling contract ("baton"): Python's asyncio loop and the JS task queue never
// run at the same time. As soon as a JS task sends its first request Python stays
// frozen, serving requests, until the JS task and its microtasks are over and JS
// sends `release`. A message on evt likewise freezes Python until it was handled.
// So JS has run-to-completion semantics: state cannot change under a running task,
// and an event handler sees exactly the state in which the event was fired.
import fs from 'node:fs';
import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers';
import os from 'node:os';
import path from 'node:path';
import { spawn, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..');

export class Bridge {
  constructor({ python, onEvent, onSettle }) {
    this.onEvent = onEvent;
    this.onSettle = onSettle;
    this.holding = false;
    this.handledSeq = 0;
    this.closed = false;
    this.buf = Buffer.alloc(0);
    this.stats = { requests: 0, events: 0 };

    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'wptbridge-'));
    const req = path.join(this.dir, 'req'), rep = path.join(this.dir, 'rep');
    execFileSync('mkfifo', [req, rep]);
    this.child = spawn(python, ['-m', 'tests.conformance.wpt.bridge', '--req', req, '--rep', rep],
      { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
    // O_RDWR never blocks in open(); the other end opens its side when it is up.
    this.reqFd = fs.openSync(req, fs.constants.O_RDWR);
    this.repFd = fs.openSync(rep, fs.constants.O_RDWR);

    let pending = '';
    this.child.stdio[3].setEncoding('utf8');
    this.child.stdio[3].on('data', chunk => {
      pending += chunk;
      let i;
      while ((i = pending.indexOf('\n')) >= 0) {
        const line = pending.slice(0, i);
        pending = pending.slice(i + 1);
        this.#onTopLevel(JSON.parse(line));
      }
    });
    this.child.stdio[3].on('error', () => {});
    this.exited = new Promise(r => this.child.on('exit', (code, sig) => { this.closed = true; r({ code, sig }); }));
  }

  #write(msg) {
    const data = Buffer.from(JSON.stringify(msg) + '\n');
    let off = 0;
    while (off < data.length) off += fs.writeSync(this.reqFd, data, off);
  }

  #readLine() {
    for (;;) {
      const i = this.buf.indexOf(10);
      if (i >= 0) {
        const line = this.buf.subarray(0, i).toString('utf8');
        this.buf = this.buf.subarray(i + 1);
        return JSON.parse(line);
      }
      const chunk = Buffer.allocUnsafe(65536);
      const n = fs.readSync(this.repFd, chunk, 0, chunk.length, null);
      if (n <= 0) throw new Error('bridge: python side closed');
      this.buf = this.buf.length ? Buffer.concat([this.buf, chunk.subarray(0, n)]) : chunk.subarray(0, n);
    }
  }

  #hold() {
    if (!this.holding) {
      this.holding = true;
      setImmediate(() => this.#release());   // after this task and its microtasks
    }
  }

  #release() {
    if (!this.holding || this.closed) return;
    this.holding = false;
    this.#write({ op: 'release', seq: this.handledSeq });
  }

  // Synchronous request. Returns the reply object.
  request(msg) {
    if (this.closed) throw new Error('bridge: python side has exited');
    this.#hold();
    this.stats.requests++;
    this.#write(msg);
    for (;;) {
      const r = this.#readLine();
      if (r.ev) {                            // fired synchronously while serving us
        this.stats.events++;
        try { this.onEvent(r.ev); } finally { this.#write({ op: 'nested_done' }); }
        continue;
      }
      return r;
    }
  }

  #onTopLevel(msg) {
    this.holding = true;                     // Python waits for our release
    setImmediate(() => this.#release());
    this.handledSeq = msg.seq;
    if (msg.ev) { this.stats.events++; this.onEvent(msg.ev); }
    else if (msg.settle) this.onSettle(msg.settle);
  }

  // True when a timer task may run now; false when Python has an event in flight
  // that was fired before this task and has to be handled first.
  ready() {
    if (this.holding || this.closed) return true;
    return this.request({ op: 'acquire' }).seq <= this.handledSeq;
  }

  dispose() {
    this.closed = true;
    try { this.child.kill('SIGKILL'); } catch {}
    try { fs.rmSync(this.dir, { recursive: true, force: true }); } catch {}
  }
}
