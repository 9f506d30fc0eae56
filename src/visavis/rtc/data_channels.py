"""The data channels of a connection: their numbers, and the SCTP transport (webrtc-pc section 6.1)."""

from typing import TYPE_CHECKING

from visavis.dataplane.commands import DtlsRole
from visavis.errors import DOMException
from visavis.events import Event
from visavis.jsep import Changes, want_data
from visavis.rtc.configuration import MAX_MESSAGE_BYTES
from visavis.rtc.data_channel import RTCDataChannel
from visavis.rtc.data_channel_init import RTCDataChannelInit, wanted_id
from visavis.rtc.data_flow import DataFlow
from visavis.rtc.dtls_transport import RTCDtlsTransport
from visavis.rtc.error import RTCError, RTCErrorDetailType, RTCErrorEvent, RTCErrorInit
from visavis.rtc.sctp_transport import RTCSctpTransport, RTCSctpTransportState

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection

_HIGHEST_ID = 65534
_SCTP_PORT = 5000
"""What our descriptions say (RFC 8841 section 5)."""


class DataChannels:
    """All data channels of a connection, and the transport that they share."""

    def __init__(self, connection: "Connection") -> None:
        self.sctp: RTCSctpTransport | None = None
        self._connection = connection
        self._channels: dict[RTCDataChannel, int] = {}
        self._made = 0
        self._ended = 0
        self._flow: DataFlow | None = None
        self._flows_over: tuple[object, ...] = ()
        """Transport, DTLS association and ports: others are another association."""

    def create(self, label: str, init: RTCDataChannelInit) -> RTCDataChannel:
        """`createDataChannel` (section 6.1).

        Raises:
            TypeError: As `wanted_id` does.
            DOMException: `OperationError`, no id is free, or the wanted one is not.
        """
        made = RTCDataChannel(label, init, wanted_id(label, init))
        used = self._used_ids()
        role = self._role()
        if made.id is None and role is not None:
            made.set_id(self._free_id(role, used))
        elif made.id is not None and made.id in used:
            raise DOMException(f"the id {made.id} is in use", "OperationError")
        sctp = self.sctp
        if (
            made.id is not None
            and sctp is not None
            and sctp.maxChannels is not None
            and made.id >= sctp.maxChannels
        ):
            raise DOMException(f"the association has {sctp.maxChannels} channels", "OperationError")
        is_first = not self._connection.session.wants_data
        self.add(made)
        if self._flow is not None:
            self._flow.add(made)
        if is_first:
            self._connection.replace(want_data(self._connection.session))
            self._connection.negotiation.update()
        return made

    def apply(self, changes: Changes) -> list[RTCDataChannel]:
        """A description was set (section 4.4.1.5): the transport comes or goes, channels get their ids.

        Returns:
            Channels for which no id was free.
        """
        data = self._connection.session.data
        if data.mid is None or changes.data_closed or data.remote_port == 0:
            # Port 0 asks for no association (RFC 8841 section 9.3).
            if self._flow is not None:
                self._flow.end()
            self._flow = self.sctp = None
            return []
        self._replace_flow()
        transport = self._connection.dtls_transport(data.transport) or self._bundled_transport()
        if self.sctp is None:
            self.sctp = RTCSctpTransport(transport)
        self.sctp.set_transport(transport)
        if data.negotiated:
            self.sctp.update_max_message_size(data.remote_max_message_size_bytes, MAX_MESSAGE_BYTES)
        failed = self._give_ids()
        self._begin_flow(self.sctp)
        return failed

    def fail(self, made: RTCDataChannel, why: str = "no id is free") -> None:
        """A channel cannot be: no id was free for it (section 4.4.1.5), or its stream is not to be had."""
        self.end(made, silently=True)
        error = RTCError(RTCErrorInit(RTCErrorDetailType.DATA_CHANNEL_FAILURE), why)
        made.dispatchEvent(RTCErrorEvent("error", {"error": error}))
        made.dispatchEvent(Event("close"))

    def close(self) -> None:
        """The connection is closed, abruptly: channels say nothing, the transport does (section 6.1.1,
        RTCSctpTransportState `closed`)."""
        for made in self._channels:
            made.set_closed(silently=True)
        if self._flow is not None:
            self._flow.close()
        sctp = self.sctp
        if sctp is not None and sctp.state is not RTCSctpTransportState.CLOSED:
            sctp.set_state(RTCSctpTransportState.CLOSED)
            self._connection.tasks.queue_last_words(lambda: sctp.dispatchEvent(Event("statechange")))

    @property
    def channels(self) -> list[RTCDataChannel]:
        """[[DataChannels]], in the order of their making."""
        return list(self._channels)

    def add(self, made: RTCDataChannel) -> None:
        """Ours or the peer's; it has its number for figures."""
        self._made += 1
        self._channels[made] = self._made

    def end(self, made: RTCDataChannel, error: RTCError | None = None, *, silently: bool = False) -> None:
        """It is over, and forgotten (section 6.2.5)."""
        if self._channels.pop(made, None) is not None:
            self._ended += made.was_open
        made.set_closed(error, silently=silently)

    def figures(self) -> list[tuple[int, dict[str, object]]]:
        """Of each channel: its number, which no other one gets, and its figures."""
        return [(number, made.figures()) for made, number in self._channels.items()]

    def counts(self) -> dict[str, object]:
        """How many were open, and are no more (webrtc-stats section 8.5)."""
        opened = [made for made in self._channels if made.was_open]
        return {
            "dataChannelsOpened": self._ended + len(opened),
            "dataChannelsClosed": self._ended + sum(made.readyState == "closed" for made in opened),
        }

    def _replace_flow(self) -> None:
        """A new DTLS association (RFC 8842 section 3), or another port of the peer's (RFC 8841 section 9.3):
        the association before ends, and the next one is one's own."""
        if self._flow is None or self._wanted_over() in (None, self._flows_over):
            return
        self._flow.give_way()
        role = self._role()
        for made in self.channels:
            if made.readyState == "connecting" and not made.negotiated and role is not self._flow.role:
                made.set_id(None)
        self._flow = self.sctp = None

    def _wanted_over(self) -> tuple[object, ...] | None:
        data = self._connection.session.data
        for transport in self._connection.session.transports:
            if transport.key == data.transport and data.negotiated:
                return (data.transport, transport.association, data.remote_port)
        return None

    def _begin_flow(self, sctp: RTCSctpTransport) -> None:
        """Asks for the association once both ends have agreed to it."""
        session, role, over = self._connection.session, self._role(), self._wanted_over()
        link = self._connection.transports.link(session.data.transport)
        port, limit = session.data.remote_port, session.capabilities.max_message_size_bytes
        if self._flow is not None or role is None or link is None or port is None or over is None:
            return
        is_first, self._flows_over = not self._flows_over, over
        flow = self._flow = DataFlow(self._connection, sctp, role)

        def begin() -> None:
            if self._flow is flow:
                flow.begin(link, _SCTP_PORT, port, limit)

        if is_first:
            begin()
        else:  # once the one before has ended, in a task of its own
            self._connection.tasks.queue(begin)

    def _bundled_transport(self) -> RTCDtlsTransport:
        """What the peer's offer, which is not answered yet, would have data use."""
        session, transports = self._connection.session, self._connection.transports
        bundle = session.remote.content.bundle if session.remote is not None else None
        if bundle is not None and session.data.mid in bundle.mids:
            for transceiver in session.transceivers:
                if transceiver.mid in bundle.mids and (found := transports.get(transceiver.transport)):
                    return found
        return transports.reserve()

    def _role(self) -> DtlsRole | None:
        """Our DTLS role on the association's transport, None before it was negotiated."""
        session = self._connection.session
        if not session.data.negotiated:
            return None
        for transport in session.transports:
            if transport.key == session.data.transport:
                return transport.role
        return None

    def _used_ids(self) -> set[int]:
        return {made.id for made in self._channels if made.id is not None and made.readyState != "closed"}

    def _free_id(self, role: DtlsRole, used: set[int]) -> int:
        """RFC 8832 section 6: the DTLS client uses even numbers."""
        for id in range(0 if role is DtlsRole.CLIENT else 1, _HIGHEST_ID + 1, 2):
            if id not in used:
                return id
        raise DOMException("no id is free", "OperationError")

    def _give_ids(self) -> list[RTCDataChannel]:
        role = self._role()
        failed: list[RTCDataChannel] = []
        if role is None:
            return failed
        for made in self.channels:
            if made.id is not None or made.readyState == "closed":
                continue
            try:
                made.set_id(self._free_id(role, self._used_ids()))
            except DOMException:
                self.end(made, silently=True)
                failed.append(made)
        return failed
