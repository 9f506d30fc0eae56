"""The SCTP association of a transport of the data plane, as a `DataPath`."""

from typing import TYPE_CHECKING

from visavis.dataplane import Plane
from visavis.dataplane.commands import CloseAssociation, OpenAssociation, ResetStreams, TransportId
from visavis.rtc.network import DataEvents

if TYPE_CHECKING:
    from typing_extensions import Buffer

_WINDOW_BYTES = 4 << 20
"""What may have come and not be taken yet, over all channels: 100 Mb/s over a third of a second."""


class PlaneData:
    """An association; opened with it."""

    def __init__(
        self,
        plane: Plane,
        transport: TransportId,
        local_port: int,
        remote_port: int,
        max_message_bytes: int,
        events: DataEvents,
    ) -> None:
        self._plane = plane
        self._transport = transport
        self._is_open = True
        plane.on_association(transport, events)
        self._port = plane.message_port(transport)
        plane.submit(
            OpenAssociation(
                transport,
                local_port,
                remote_port,
                receive_bytes=max(_WINDOW_BYTES, 2 * max_message_bytes),
                max_message_bytes=max_message_bytes,
            )
        )

    def send(
        self,
        stream: int,
        ppid: int,
        data: "Buffer",
        *,
        ordered: bool = True,
        max_retransmits: int | None = None,
        lifetime_ms: int | None = None,
        priority: int = 256,
    ) -> bool:
        """`DataPath`: hands a message to the data plane."""
        return self._is_open and self._plane.send_message(
            self._transport,
            stream,
            ppid,
            data,
            ordered=ordered,
            max_retransmits=max_retransmits,
            lifetime_ms=lifetime_ms,
            priority=priority,
        )

    def reset(self, streams: tuple[int, ...]) -> None:
        """`DataPath`: after what was sent on them."""
        if self._is_open:
            self._plane.submit(ResetStreams(self._transport, streams))

    def read(self) -> tuple[list[tuple[int, int, bytes]], list[tuple[int, int]]]:
        """`DataPath`: all that waits."""
        return self._plane.read_messages(self._transport) if self._is_open else ([], [])

    def release(self, count_bytes: int) -> None:
        """`DataPath`: opens the window."""
        if self._is_open:
            self._plane.release_messages(self._transport, count_bytes)

    def close(self) -> None:
        """`DataPath`: an ABORT, if the transport stays."""
        if self._is_open:
            self._is_open = False
            self._plane.submit(CloseAssociation(self._transport))
