"""An SCTP association in memory: what one end sends the other reads, in later turns of the event loop."""

import asyncio

from visavis.dataplane import Arrivals
from visavis.rtc.network import AssociationEvents

_STREAMS = 1024
_RESET_BY_PEER, _RESET_BY_US = -1, -2


class MemoryAssociation:
    """One end (`Association`); counts what was not released."""

    def __init__(self, events: AssociationEvents) -> None:
        self.unreleased_bytes = 0
        self._events = events
        self._peer: MemoryAssociation | None = None
        self._arrived: list[tuple[int, int, bytes]] = []
        self._left: list[tuple[int, int]] = []
        self._closed = False

    def meet(self, peer: "MemoryAssociation") -> None:
        """Connects two ends, once."""
        if self._peer is None:
            self._peer, peer._peer = peer, self
            for one in (self, peer):
                one._events.association_state("connected", "", _STREAMS, _STREAMS)

    def lose(self) -> None:
        """The transport is gone."""
        if not self._closed:
            self._events.association_state("closed", "transport-closed", 0, 0)

    def fail(self, reason: str) -> None:
        """The peer does not answer any more."""
        self._events.association_state("failed", reason, 0, 0)

    def send_message(
        self,
        stream: int,
        ppid: int,
        data: bytes,
        *,
        ordered: bool,
        max_retransmits: int | None,
        lifetime_ms: int | None,
        priority: int,
    ) -> bool:
        """Arrives, whole and in order, whatever is allowed."""
        if self._peer is None or self._closed:
            return False
        self._left.append((stream, len(data)))
        self._wake()
        self._peer.unreleased_bytes += len(data)
        self._peer._take((stream, ppid, bytes(data)))
        return True

    def read_messages(self) -> Arrivals:
        """All that waits."""
        arrived, self._arrived = self._arrived, []
        left, self._left = self._left, []
        return Arrivals(arrived, left, more=False)

    def release_messages(self, count_bytes: int) -> None:
        """Counts down."""
        self.unreleased_bytes -= count_bytes

    def reset_streams(self, *streams: int) -> None:
        """Is done at once."""
        for stream in streams:
            if self._peer is not None:
                self._peer._take((stream, _RESET_BY_PEER, b""))
            self._take((stream, _RESET_BY_US, b""))

    def close(self) -> None:
        """The peer's is closed too."""
        peer, self._peer = self._peer, None
        self._closed = True
        if peer is not None and not peer._closed:
            peer._peer = None
            peer._events.association_state("closed", "aborted-by-peer", 0, 0)

    def _take(self, message: tuple[int, int, bytes]) -> None:
        self._arrived.append(message)
        self._wake()

    def _wake(self) -> None:
        def tell() -> None:
            if not self._closed and (self._arrived or self._left):
                self._events.messages_ready()

        asyncio.get_running_loop().call_soon(tell)
