"""The data channels of a browser's end."""

from collections.abc import Mapping
from typing import Any

from tests.interop.channels import Message, packed, unpacked
from tests.interop.pages import Page

START = """
    globalThis.channels = new Map();
    globalThis.keep = (channel) => {
        const messages = [];
        channel.binaryType = 'arraybuffer';
        channel.addEventListener('message', ({ data }) => messages.push(data));
        channels.set(channel.label, { channel, messages });
    };
    pc.addEventListener('datachannel', ({ channel }) => keep(channel));
    globalThis.hold = async (label, what, holds) => {
        for (const end = performance.now() + 30_000; ; await new Promise((done) => setTimeout(done, 5))) {
            const kept = channels.get(label);
            if (kept && holds(kept)) return kept;
            if (performance.now() > end) throw new Error(`${label} is not ${what}`);
        }
    };
    globalThis.open = (label) => hold(label, 'open', ({ channel }) => channel.readyState === 'open');
    globalThis.pack = (data) => typeof data === 'string'
        ? { text: data }
        : { base64: btoa(Array.from(new Uint8Array(data), (byte) => String.fromCharCode(byte)).join('')) };
    globalThis.unpack = ({ text, base64 }) =>
        text ?? Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
"""
CREATE = """
    const [init, labels] = argument;
    for (const label of labels) keep(pc.createDataChannel(label, init));
"""
OPENED = """
    const { channel } = await open(argument);
    const { ordered, maxRetransmits, maxPacketLifeTime, protocol, negotiated, id } = channel;
    return { ordered, maxRetransmits, maxPacketLifeTime, protocol, negotiated, id };
"""
SAY = """
    const [message, labels] = argument;
    for (const label of labels) (await open(label)).channel.send(unpack(message));
"""
TOLD = """
    const told = [];
    for (const label of argument) {
        const { messages } = await hold(label, 'told', ({ messages }) => messages.length > 0);
        told.push(pack(messages.shift()));
    }
    return told;
"""
SAY_PATTERN = """
    const [label, count, size] = argument;
    const { channel } = await open(label);
    const low = channel.bufferedAmountLowThreshold = 1 << 20;
    for (let number = 0; number < count; number++) {
        while (channel.bufferedAmount > low) {
            await new Promise((left) => { channel.onbufferedamountlow = left; });
        }
        channel.send(Uint8Array.from({ length: size }, (_, j) => (number + j) % 251));
    }
"""
TOLD_DIGEST = """
    const [label, count] = argument;
    const { messages } = await hold(label, `told ${count}`, ({ messages }) => messages.length >= count);
    const all = new Uint8Array(await new Blob(messages.splice(0, count)).arrayBuffer());
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
"""
CLOSE = "channels.get(argument).channel.close();"
CLOSED = "await hold(argument, 'closed', ({ channel }) => channel.readyState === 'closed');"


class BrowserChannels:
    """Of the connection `pc` of a page, once `start` was called."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def start(self) -> None:
        """The connection is there."""
        self._run(START)

    def create(self, init: Mapping[str, Any], *labels: str) -> None:
        self._run(CREATE, [dict(init), labels])

    def opened(self, label: str) -> dict[str, Any]:
        said: dict[str, Any] = self._run(OPENED, label)
        return said

    def say(self, message: Message, *labels: str) -> None:
        self._run(SAY, [packed(message), labels])

    def told(self, *labels: str) -> list[Message]:
        return [unpacked(message) for message in self._run(TOLD, labels)]

    def say_pattern(self, label: str, count: int, size_bytes: int) -> None:
        self._run(SAY_PATTERN, [label, count, size_bytes])

    def told_digest(self, label: str, count: int) -> str:
        digest: str = self._run(TOLD_DIGEST, [label, count])
        return digest

    def close(self, label: str) -> None:
        self._run(CLOSE, label)

    def closed(self, label: str) -> None:
        self._run(CLOSED, label)

    def _run(self, body: str, argument: object = None) -> Any:
        return self._page.evaluate(f"async (argument) => {{ {body} }}", argument)
