import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Recovery } from "../../src/visavis/web/static/recovery.js";

class FakeConnection extends EventTarget {
  connectionState = "new";

  /** @param {string} state */
  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
}

/** @param {{ready?: boolean}} [options] */
function watched(options = {}) {
  const pc = new FakeConnection();
  const world = { pc, ready: options.ready ?? true, done: /** @type {string[]} */ ([]) };
  const recovery = new Recovery(/** @type {any} */ (pc), {
    ready: () => world.ready,
    restart: () => world.done.push("restart"),
    startAnew: () => world.done.push("anew"),
    state: (state) => world.done.push(state),
  });
  return { ...world, world, recovery };
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
});

test("an interruption of less than three seconds needs no restart", () => {
  const { pc, done } = watched();
  pc.become("connected");
  pc.become("disconnected");
  mock.timers.tick(2_999);
  pc.become("connected");
  mock.timers.tick(60_000);
  assert.deepEqual(done, ["connected", "interrupted", "connected"]);
});

test("after three seconds ICE is restarted", () => {
  const { pc, done } = watched();
  pc.become("connected");
  pc.become("disconnected");
  mock.timers.tick(3_000);
  assert.deepEqual(done, ["connected", "interrupted", "restart"]);
});

test("a failure is mended at once", () => {
  const { pc, done } = watched();
  pc.become("connected");
  pc.become("failed");
  assert.deepEqual(done, ["connected", "interrupted", "restart"]);
});

test("a connection that never comes about is called blocked while signaling is up", () => {
  const { pc, done } = watched();
  pc.become("connecting");
  mock.timers.tick(12_000);
  assert.deepEqual(done, ["connecting", "blocked", "restart"]);
});

test("the fourth attempt joins anew, and attempts become rarer", () => {
  const { pc, done } = watched();
  pc.become("connected");
  pc.become("failed");
  for (const wait of [6_000, 12_000, 24_000]) mock.timers.tick(wait);
  assert.deepEqual(done, ["connected", "interrupted", "restart", "blocked", "restart", "restart", "anew"]);
  mock.timers.tick(29_999);
  assert.equal(done.length, 7);
});

test("without the server nothing is tried until it is back", () => {
  const { pc, done, world, recovery } = watched({ ready: false });
  pc.become("connected");
  pc.become("failed");
  mock.timers.tick(120_000);
  assert.deepEqual(done, ["connected", "interrupted"]);
  world.ready = true;
  recovery.poke();
  assert.deepEqual(done, ["connected", "interrupted", "restart"]);
});

test("a closed recovery does nothing more", () => {
  const { pc, done, recovery } = watched();
  pc.become("connected");
  pc.become("disconnected");
  recovery.close();
  mock.timers.tick(60_000);
  pc.become("failed");
  assert.deepEqual(done, ["connected", "interrupted"]);
});
