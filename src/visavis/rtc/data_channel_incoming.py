"""The receiving half of a data channel: MessageEvent (HTML section 9.1), and messages that are held."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

from visavis.events import Event
from visavis.rtc.backlog import Backlog
from visavis.rtc.held_messages import HeldMessages

_RELEASED_BYTES = 32 * 1024
"""An iteration gives back the window in portions of so much, and when nothing is left to take."""


class MessageEvent(Event):
    """A message came (HTML section 9.1)."""

    def __init__(self, type: str, data: str | bytes) -> None:
        super().__init__(type)
        self._data = data

    @property
    def data(self) -> str | bytes:
        """The message: text or bytes, as the peer sent it."""
        return self._data


class Stream(Protocol):
    """A channel's streams of the SCTP association."""

    @property
    def send(self) -> Callable[[str | bytes], bool]:
        """Queues a message; `RTCDataChannel.sent` tells when it left. False: too much waits."""
        ...

    @property
    def backlog(self) -> Backlog:
        """What waits in the association, over all channels."""
        ...

    def close(self) -> None:
        """Begins to reset the streams (RFC 8831 section 6.7); `RTCDataChannel.set_closed` tells the end."""

    def release(self, size_bytes: int) -> None:
        """The program has taken so much of what was received, and the peer may send as much again."""


class Incoming:
    """What comes goes to `message` listeners, or is held for who iterates.

    It counts against the association's window until it is consumed: by a listener that returns, by the
    coroutine of one that ends, by an iteration that goes on, or by the channel's end.
    """

    def __init__(
        self,
        dispatch: Callable[[Event], bool],
        has_listener: Callable[[str], bool],
        label: str,
        *,
        drops: bool,
    ) -> None:
        """`has_listener` says whether a type of event has any."""
        self.held = HeldMessages(label, drops=drops)
        self.stream: Stream | None = None
        self.message_count = self.byte_count = 0
        self._dispatch = dispatch
        self._has_listener = has_listener
        self._taken_bytes = 0
        """By an iteration, and not given back yet."""
        self._handled_bytes = 0
        """By coroutines that have not ended."""

    def receive(self, data: str | bytes, size_bytes: int) -> int:
        """A message came, of so many bytes on the wire; how many of them are consumed."""
        self.message_count += 1
        if data:
            self.byte_count += size_bytes
        if not self._has_listener("message"):
            return self.held.put(data, size_bytes)
        free_bytes = 0
        while len(self.held):
            free_bytes += self._fire(*self.held.take())
        return free_bytes + self._fire(data, size_bytes)

    async def messages(self) -> AsyncGenerator[str | bytes]:
        """Those that no listener takes, until the channel is closed."""
        held = self.held
        try:
            while len(held) or await held.wait():
                data, freed = held.take()
                self._taken_bytes += freed
                if self._taken_bytes >= _RELEASED_BYTES or not len(held):
                    self._release_taken()
                yield data
        finally:
            self._release_taken()

    def end(self) -> None:
        """The channel is closed: all of the window is free for others."""
        self._release(self.held.end() + self._taken_bytes + self._handled_bytes)
        self._taken_bytes = self._handled_bytes = 0
        self.stream = None

    def _fire(self, data: str | bytes, size_bytes: int) -> int:
        """Returns what is consumed at once: not what coroutines have yet to handle."""
        event = MessageEvent("message", data)
        self._dispatch(event)
        if not event.unfinished:
            return size_bytes
        unfinished = set(event.unfinished)
        self._handled_bytes += size_bytes

        def finish(task: asyncio.Task[None]) -> None:
            unfinished.discard(task)
            if not unfinished and self.stream is not None:
                self._handled_bytes -= size_bytes
                self._release(size_bytes)

        for task in event.unfinished:
            task.add_done_callback(finish)
        return 0

    def _release_taken(self) -> None:
        taken, self._taken_bytes = self._taken_bytes, 0
        self._release(taken)

    def _release(self, size_bytes: int) -> None:
        if size_bytes and self.stream is not None:
            self.stream.release(size_bytes)
