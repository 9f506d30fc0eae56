import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { backoff, Signaling } from "../../src/visavis/web/static/signaling.js";

/** @type {FakeSocket[]} */
let sockets = [];

class FakeSocket {
  static OPEN = 1;
  readyState = 0;
  /** @type {Record<string, any>[]} */
  sent = [];

  constructor() {
    sockets.push(this);
  }

  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  open() {
    this.readyState = 1;
    this.onopen();
  }

  /** @param {Record<string, unknown>} message */
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** @param {number} code */
  broke(code) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

/** @param {Partial<Record<string, unknown>>} [more] */
const joined = (more) => ({ type: "joined", you: "a", resume: "secret", resumed: false, participants: [], ...more });

function started() {
  /** @type {any[]} */
  const heard = [];
  const signaling = new Signaling("ws://x/signal", { room: "den", name: "Ada", mode: "sfu" }, {
    message: ({ type }) => heard.push(type),
    state: (state) => heard.push(state),
    ended: (code) => heard.push(`ended: ${code}`),
  });
  signaling.open();
  return { signaling, heard };
}

beforeEach(() => {
  sockets = [];
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  Object.assign(globalThis, { WebSocket: FakeSocket, addEventListener: () => {}, removeEventListener: () => {} });
});

test("the wait grows from half a second to ten, half of it chance", () => {
  assert.deepEqual([0, 1, 4, 5, 50].map((attempt) => backoff(attempt, 1)), [500, 1000, 8000, 10_000, 10_000]);
  assert.equal(backoff(3, 0), 2000);
});

test("a broken socket is followed by one that resumes", () => {
  const { heard } = started();
  sockets[0].open();
  assert.deepEqual(sockets[0].sent, [{ type: "join", room: "den", name: "Ada", mode: "sfu" }]);
  sockets[0].say(joined());
  sockets[0].broke(1006);
  mock.timers.tick(500);
  sockets[1].open();
  assert.equal(sockets[1].sent[0].resume, "secret");
  assert.deepEqual(heard, ["connecting", "joined", "joined", "waiting", "connecting"]);
});

test("a server that goes down is asked again when it said", () => {
  const { heard } = started();
  sockets[0].open();
  sockets[0].say(joined());
  sockets[0].say({ type: "closing", reason: "shutdown", retry_after: 4 });
  sockets[0].broke(1001);
  mock.timers.tick(3_999);
  assert.equal(sockets.length, 1);
  mock.timers.tick(1);
  assert.equal(sockets.length, 2);
  assert.equal(heard.at(-1), "connecting");
});

test("a refused join ends it, with the reason", () => {
  const { heard } = started();
  sockets[0].open();
  sockets[0].say({ type: "error", code: "bad-room", message: "", hint: "", fatal: false, about: "join" });
  mock.timers.tick(60_000);
  assert.equal(sockets.length, 1);
  assert.equal(heard.at(-1), "ended: bad-room");
});

for (const [code, word] of /** @type {const} */ ([[4009, "replaced"], [4010, "room-full"], [4008, "rate-limited"]])) {
  test(`close code ${code} means ${word} and is not retried`, () => {
    const { heard } = started();
    sockets[0].open();
    sockets[0].say(joined());
    sockets[0].broke(code);
    mock.timers.tick(60_000);
    assert.equal(sockets.length, 1);
    assert.equal(heard.at(-1), `ended: ${word}`);
  });
}

test("a socket that swallows pings is given up", () => {
  const { heard } = started();
  sockets[0].open();
  sockets[0].say(joined());
  mock.timers.tick(10_000);
  assert.equal(sockets[0].sent.at(-1).type, "ping");
  sockets[0].say({ type: "pong", t: 0 });
  mock.timers.tick(20_000);
  assert.equal(heard.at(-1), "waiting");
});

test("a server that accepts and says nothing is given up", () => {
  const { heard } = started();
  sockets[0].open();
  mock.timers.tick(8_000);
  assert.equal(heard.at(-1), "waiting");
});

test("chat waits for the server, everything else is dropped with the socket", () => {
  const { signaling } = started();
  sockets[0].open();
  sockets[0].say(joined());
  sockets[0].broke(1006);
  signaling.send({ type: "chat", text: "still here" });
  signaling.send({ type: "tracks", tracks: [] });
  mock.timers.tick(500);
  sockets[1].open();
  sockets[1].say(joined({ resumed: true }));
  assert.deepEqual(sockets[1].sent.map(({ type }) => type), ["join", "chat"]);
});

test("what is no message changes nothing", () => {
  const { heard } = started();
  sockets[0].open();
  for (const data of ["{", "null", "7", '"x"']) sockets[0].onmessage({ data });
  assert.deepEqual(heard, ["connecting"]);
});

test("starting anew leaves and joins without the token", () => {
  const { signaling } = started();
  sockets[0].open();
  sockets[0].say(joined());
  signaling.startAnew();
  assert.equal(sockets[0].sent.at(-1).type, "leave");
  sockets[1].open();
  assert.equal(sockets[1].sent[0].resume, undefined);
});

test("after leaving nothing comes back", () => {
  const { signaling, heard } = started();
  sockets[0].open();
  sockets[0].say(joined());
  signaling.leave();
  mock.timers.tick(60_000);
  assert.equal(sockets.length, 1);
  assert.equal(heard.at(-1), "ended");
});
