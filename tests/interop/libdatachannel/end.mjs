// libdatachannel's end of a peer connection, with data channels alone, told what to do by JSON lines on its
// standard input: {"do", "with"}. It answers each by one line, {"result"} or {"error"}.
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as after } from 'node:timers/promises';
import * as libdatachannel from 'node-datachannel';

const LIMIT_MS = 30_000;
const LOW_BYTES = 1 << 20;
// What a page of a browser takes, and more than libdatachannel takes unless told.
const LONGEST_BYTES = 262_144;

let pc = null;
const candidates = [];
const channels = new Map();

/** Polls: the library has no event for some of what is waited for. */
async function until(what, holds) {
  for (const end = performance.now() + LIMIT_MS; performance.now() < end; await after(5)) {
    const value = holds();
    if (value) return value;
  }
  throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
}

/** Keeps a channel and what comes in it. What only its creator can know of it is in `init`. */
function keep(channel, init) {
  const kept = { channel, init, messages: [], closed: false };
  channel.onMessage((message) => kept.messages.push(message));
  channel.onClosed(() => (kept.closed = true));
  channels.set(channel.getLabel(), kept);
}

function open(configuration) {
  if (configuration.iceServers?.length) throw new Error('no servers are known here');
  pc = new libdatachannel.PeerConnection('end', {
    iceServers: [],
    bindAddress: '127.0.0.1',
    disableAutoNegotiation: true,
    maxMessageSize: LONGEST_BYTES,
  });
  pc.onLocalCandidate((candidate, sdpMid) => candidates.push({ candidate, sdpMid, sdpMLineIndex: 0 }));
  pc.onGatheringStateChange((state) => state === 'complete' && candidates.push(null));
  pc.onDataChannel((channel) => keep(channel, null));
}

function create({ init, labels }) {
  const { ordered = true, ...rest } = init;
  for (const label of labels) keep(pc.createDataChannel(label, { ...rest, unordered: !ordered }), init);
}

const opened = (label) => until(`${label} open`, () => {
  const kept = channels.get(label);
  return kept?.channel.isOpen() && kept;
});

/** Of a channel that the other end created, its reliability is not said. */
async function describe(label) {
  const { channel, init } = await opened(label);
  const said = { id: channel.getId(), protocol: channel.getProtocol() };
  const { ordered = true, maxRetransmits = null, maxPacketLifeTime = null, negotiated = false } = init ?? {};
  return init === null ? said : { ...said, ordered, maxRetransmits, maxPacketLifeTime, negotiated };
}

const unpacked = ({ text, base64 }) => text ?? Buffer.from(base64, 'base64');
const packed = (message) => typeof message === 'string'
  ? { text: message }
  : { base64: Buffer.from(message).toString('base64') };

function send(channel, message) {
  if (typeof message === 'string') channel.sendMessage(message);
  else channel.sendMessageBinary(message);
}

async function take(label, count) {
  const { messages } = await until(`${label} told ${count}`, () => {
    const kept = channels.get(label);
    return kept?.messages.length >= count && kept;
  });
  return messages.splice(0, count);
}

/** Sends messages of which byte j of number i is (i + j) mod 251. */
async function sayPattern(label, count, size) {
  const { channel } = await opened(label);
  for (let number = 0; number < count; number++) {
    if (channel.bufferedAmount() > LOW_BYTES) {
      await until('less waits', () => channel.bufferedAmount() <= LOW_BYTES);
    }
    channel.sendMessageBinary(Uint8Array.from({ length: size }, (_, j) => (number + j) % 251));
  }
}

const COMMANDS = {
  open,
  describe: () => {
    pc.setLocalDescription();
    return until('described', () => pc.localDescription());
  },
  accept: ({ type, sdp }) => pc.setRemoteDescription(sdp, type),
  next_candidate: async () => {
    await until('a candidate', () => candidates.length > 0);
    return candidates.shift();
  },
  add_candidate: ({ candidate, sdpMid }) => pc.addRemoteCandidate(candidate, sdpMid),
  connected: async () => void (await until('connected', () => pc.state() === 'connected')),
  create_channels: create,
  opened: ({ labels }) => describe(labels[0]),
  say: async ({ message, labels }) => {
    for (const label of labels) send((await opened(label)).channel, unpacked(message));
  },
  told: async ({ labels }) => {
    const told = [];
    for (const label of labels) told.push(packed((await take(label, 1))[0]));
    return told;
  },
  say_pattern: ({ labels, count, size }) => sayPattern(labels[0], count, size),
  told_digest: async ({ labels, count }) => {
    const digest = createHash('sha256');
    for (const message of await take(labels[0], count)) digest.update(message);
    return digest.digest('hex');
  },
  close_channel: ({ labels }) => channels.get(labels[0]).channel.close(),
  closed: async ({ labels }) => void (await until(`${labels[0]} closed`, () => channels.get(labels[0])?.closed)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let reply;
  try {
    if (!Object.hasOwn(COMMANDS, command.do)) throw new Error('no such command');
    reply = { result: (await COMMANDS[command.do](command.with)) ?? null };
  } catch (error) {
    reply = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
pc?.close();
libdatachannel.cleanup();
