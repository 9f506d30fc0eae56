"""What webrtc-pc adds to RTCPeerConnection for media (section 5.1), data (6.1) and figures (8.2)."""

from collections.abc import Mapping

from visavis.dataplane.commands import Kind
from visavis.errors import DOMException
from visavis.events import EventHandler, EventTarget
from visavis.jsep import add_transceiver, attach_track, set_direction
from visavis.media import MediaStream, MediaStreamTrack
from visavis.rtc import encodings, idl
from visavis.rtc.capabilities import codecs
from visavis.rtc.connection import Connection
from visavis.rtc.data_channel import RTCDataChannel
from visavis.rtc.data_channel_event import RTCDataChannelEvent
from visavis.rtc.data_channel_init import RTCDataChannelInit
from visavis.rtc.receiver import RTCRtpReceiver
from visavis.rtc.sctp_transport import RTCSctpTransport
from visavis.rtc.sender import RTCRtpSender, stream_ids
from visavis.rtc.stats import RTCStatsReport, Selector
from visavis.rtc.track_event import RTCTrackEvent
from visavis.rtc.transceiver import RTCRtpTransceiver
from visavis.rtc.transceiver_init import RTCRtpTransceiverInit
from visavis.sdp import Direction

_DROPS_SENDING = {Direction.SENDRECV: Direction.RECVONLY, Direction.SENDONLY: Direction.INACTIVE}


class MediaAndData(EventTarget):
    """The partial interfaces of RTCPeerConnection; they share its `Connection`."""

    ontrack: EventHandler[RTCTrackEvent] = EventHandler()
    ondatachannel: EventHandler[RTCDataChannelEvent] = EventHandler()

    _connection: Connection

    def getSenders(self) -> list[RTCRtpSender]:
        """The senders of all transceivers that are not stopped."""
        return [one.sender for one in self._connection.transceivers if not one.state.stopped]

    def getReceivers(self) -> list[RTCRtpReceiver]:
        """The receivers of all transceivers that are not stopped."""
        return [one.receiver for one in self._connection.transceivers if not one.state.stopped]

    def getTransceivers(self) -> list[RTCRtpTransceiver]:
        """All transceivers, in the order of their making."""
        return self._connection.transceivers

    def addTrack(self, track: MediaStreamTrack, *streams: MediaStream) -> RTCRtpSender:
        """Sends a track, as part of streams; it takes a negotiation.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed; `InvalidAccessError`, the track is
                being sent already.
        """
        track = idl.convert(MediaStreamTrack, track, "track")
        ids = stream_ids(streams)
        connection = self._connection
        connection.check_open()
        if any(sender.track is track for sender in self.getSenders()):
            raise DOMException("the track is being sent already", "InvalidAccessError")
        sender = next((one for one in self.getSenders() if _can_take(one, track)), None)
        if sender is not None:
            state = sender.state
            session = attach_track(connection.session, state.key, track.id, ids)
            connection.replace(session)
            sender.attach(track)
        else:
            session, key = add_transceiver(
                connection.session,
                Kind(track.kind),
                connection,
                track_id=track.id,
                stream_ids=ids,
                add_track=True,
            )
            sender = connection.add(session.transceiver(key), track).sender
            connection.replace(session)
        connection.negotiation.update()
        return sender

    def removeTrack(self, sender: RTCRtpSender) -> None:
        """Sends a sender's track no more; it takes a negotiation.

        Raises:
            DOMException: `InvalidStateError`, the connection is closed; `InvalidAccessError`, another
                connection's sender.
        """
        sender = idl.convert(RTCRtpSender, sender, "sender")
        connection = self._connection
        connection.check_open()
        if sender.connection is not connection:
            raise DOMException("the sender is another connection's", "InvalidAccessError")
        if sender.state.stopping or sender not in self.getSenders() or sender.track is None:
            return
        sender.attach(None)
        direction = sender.state.direction
        connection.replace(
            set_direction(connection.session, sender.state.key, _DROPS_SENDING.get(direction, direction))
        )
        connection.negotiation.update()

    def addTransceiver(
        self,
        trackOrKind: MediaStreamTrack | str,
        init: RTCRtpTransceiverInit | Mapping[str, object] | None = None,
    ) -> RTCRtpTransceiver:
        """A new transceiver, for a track or for a kind; it takes a negotiation.

        Raises:
            TypeError: Neither a track nor a kind, or impossible encodings.
            RangeError: An encoding's numbers are out of range.
            DOMException: `InvalidStateError`, the connection is closed; `OperationError`, a codec that cannot
                be sent.
        """
        read = idl.dictionary(RTCRtpTransceiverInit, init)
        track = trackOrKind if isinstance(trackOrKind, MediaStreamTrack) else None
        kind = Kind(idl.convert(Kind, trackOrKind if track is None else track.kind, "trackOrKind"))
        connection = self._connection
        connection.check_open()
        offered = encodings.initial(
            read.sendEncodings,
            kind,
            implemented=codecs(kind, send=True, of=connection.session.capabilities),
            most=connection.session.capabilities.max_encodings,
        )
        session, key = add_transceiver(
            connection.session,
            kind,
            connection,
            direction=Direction(read.direction),
            track_id=None if track is None else track.id,
            stream_ids=stream_ids(read.streams),
            rids=tuple(encoding.rid for encoding in offered),
            receive_rids=encodings.received(read.receive_rids, kind),
        )
        transceiver = connection.add(session.transceiver(key), track, offered)
        connection.replace(session)
        connection.negotiation.update()
        return transceiver

    @property
    def sctp(self) -> RTCSctpTransport | None:
        """The transport of the data channels, None before it was negotiated."""
        return self._connection.data.sctp

    def createDataChannel(
        self, label: str, dataChannelDict: RTCDataChannelInit | Mapping[str, object] | None = None
    ) -> RTCDataChannel:
        """A new data channel; the first takes a negotiation.

        Raises:
            TypeError: The channel cannot be as it is wanted.
            DOMException: `InvalidStateError`, the connection is closed; `OperationError`, no id is free.
        """
        read = idl.dictionary(RTCDataChannelInit, dataChannelDict)
        self._connection.check_open()
        return self._connection.data.create(idl.convert(str, label, "label"), read)

    async def getStats(self, selector: MediaStreamTrack | None = None) -> RTCStatsReport:
        """Figures about all of it, or about a track that it sends or receives (webrtc-stats).

        Raises:
            DOMException: `InvalidAccessError`, the track is not one sender's or receiver's.
        """
        track = idl.convert(MediaStreamTrack | None, selector, "selector")
        if track is None:
            return await self._connection.stats()
        everybody: list[RTCRtpSender | RTCRtpReceiver] = [*self.getSenders(), *self.getReceivers()]
        found: list[Selector] = [one for one in everybody if one.track is track]
        if len(found) != 1:
            raise DOMException(f"{len(found)} senders or receivers have this track", "InvalidAccessError")
        return await self._connection.stats(found[0])


def _can_take(sender: RTCRtpSender, track: MediaStreamTrack) -> bool:
    """Whether `addTrack` may use a sender that is there."""
    return (
        sender.track is None
        and sender.state.kind == track.kind
        and not sender.state.stopping
        and not sender.has_sent
    )
