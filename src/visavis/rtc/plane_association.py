"""The SCTP association of a data plane's transport, as an `Association`."""

import logging

from visavis.dataplane import Arrivals, Plane
from visavis.dataplane.commands import CloseAssociation, OpenAssociation, ResetStreams, TransportId
from visavis.rtc.network import AssociationEvents

_log = logging.getLogger(__name__)


_WINDOW_BYTES = 4 << 20
"""What may have come and wait to be taken, over all channels: 100 Mb/s for a third of a second."""


class PlaneAssociation:
    """One association. What is asked of one that has ended meanwhile does nothing."""

    def __init__(
        self,
        plane: Plane,
        transport: TransportId,
        number: int,
        local_port: int,
        remote_port: int,
        max_message_bytes: int,
        events: AssociationEvents,
        *,
        path_mtu_bytes: int | None,
    ) -> None:
        """Begins when DTLS is connected; with `path_mtu_bytes` no datagram is longer.

        The one before had another `number`, and is replaced.
        """
        self._plane = plane
        self._transport = transport
        self._number = number
        self._port = plane.message_port(transport)
        self._events = events
        self._closed = False
        plane.on_association(transport, self, number)
        plane.submit(
            OpenAssociation(
                transport,
                local_port,
                remote_port,
                receive_bytes=max(_WINDOW_BYTES, 2 * max_message_bytes),
                max_message_bytes=max_message_bytes,
                association=number,
                path_mtu_bytes=path_mtu_bytes,
            )
        )

    def association_state(self, state: str, reason: str, inbound: int, outbound: int) -> None:
        """`AssociationEvents` of the plane."""
        if not self._closed:
            self._events.association_state(state, reason, inbound, outbound)

    def messages_ready(self) -> None:
        """`AssociationEvents` of the plane."""
        if not self._closed:
            self._events.messages_ready()

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
        """Queues a message; False: too much waits, or it is over."""
        try:
            return not self._closed and self._port.send(
                stream,
                ppid,
                data,
                ordered=ordered,
                max_retransmits=max_retransmits,
                lifetime_ms=lifetime_ms,
                priority=priority,
            )
        except (ValueError, RuntimeError) as error:
            _log.debug("a message of transport %d was not sent: %s", self._transport, error)
            return False

    def read_messages(self) -> Arrivals:
        """Some of what waits; nothing once it is over."""
        try:
            return self._port.read()
        except (ValueError, RuntimeError) as error:
            _log.debug("transport %d has no messages any more: %s", self._transport, error)
            return Arrivals([], [], more=False)

    def release_messages(self, count_bytes: int) -> None:
        """So much is consumed."""
        try:
            self._port.release(count_bytes)
        except (ValueError, RuntimeError) as error:
            _log.debug("transport %d needs no window any more: %s", self._transport, error)

    def reset_streams(self, *streams: int) -> None:
        """Resets our side of streams."""
        if not self._closed:
            self._plane.submit(ResetStreams(self._transport, streams, self._number))

    def close(self) -> None:
        """Aborts it."""
        if not self._closed:
            self._closed = True
            self._plane.submit(CloseAssociation(self._transport, self._number))
