"""The connection on which a participant publishes: its offers are answered, its tracks come and go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from visavis import sdp
from visavis.dataplane.commands import (
    CloseTransport,
    Command,
    ConnectTransport,
    DtlsRole,
    OpenTransport,
    Payload,
    Receive,
    ReceiveSection,
    RestartIce,
    TransportId,
)
from visavis.errors import IncompatibleError, LocalProtocolError, SdpError, VisavisError
from visavis.jsep import (
    LocalTransport,
    NegotiatedCodec,
    PublisherAnswer,
    PublisherOffer,
    ReceivingSection,
    answer_publisher,
    read_publisher,
)
from visavis.sdp import Candidate
from visavis.sfu.model import PublishedTrack, TrackSource
from visavis.sfu.plane import DataPlane

MAX_TRACKS = 8
"""How many tracks one participant may publish (docs/signaling.md, Limits)."""
MAX_STREAMS = 16
"""How many streams one m-line may have."""
MAX_RID_BYTES = 16
"""What fits into a header extension of one byte (RFC 8285 section 4.2)."""


class PublisherEvents(Protocol):
    """What the owner of a `Publisher` hears of it."""

    def new_track_id(self) -> str:
        """A name for a track, used once in the room."""
        ...

    def publish_changed(self) -> None:
        """`Publisher.tracks`, or something of one of them, is not what it was."""

    def publish_ended(self, track: PublishedTrack) -> None:
        """The track is about to end; the data plane has not heard of it yet."""

    def publish_failed(self, reason: str) -> None:
        """The transport is lost; the client's next offer restarts it or brings a new one."""

    def publish_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        """(track, level in dBov) of tracks with voice."""


@dataclass(slots=True)
class _Connection:
    """One transport and what was agreed on it."""

    transport: TransportId
    local: LocalTransport
    answer: PublisherAnswer
    received: Receive | None = None


class Publisher:
    """One participant's publishing connection; over a new transport whenever its client starts anew.

    A track lives while the participant names its m-line in `set_tracks` and, by its last offer, sends on it.
    """

    def __init__(
        self,
        participant: str,
        plane: DataPlane,
        events: PublisherEvents,
        *,
        candidates: tuple[Candidate, ...],
        session_id: int,
    ) -> None:
        self._participant = participant
        self._plane = plane
        self._events = events
        self._candidates = candidates
        self._session_id = session_id
        self._session_version = 0
        self._connection: _Connection | None = None
        self._sources: dict[str, TrackSource] = {}
        self._tracks: dict[str, PublishedTrack] = {}
        self._closed = False

    @property
    def tracks(self) -> tuple[PublishedTrack, ...]:
        """What is published now, in the order of the m-lines."""
        return tuple(self._tracks.values())

    def offer(self, offer_sdp: str) -> str:
        """Answers an offer (RFC 9429 section 5.3).

        Other ICE credentials than before restart ICE (RFC 8839 section 4.4.3); another certificate means
        that the client has a new connection, which then replaces the old one (RFC 8842 section 4).

        Raises:
            SdpError: the offer is malformed or impossible; nothing has changed.
            IncompatibleError: nothing in common; nothing has changed.
        """
        if self._closed:
            raise LocalProtocolError("the peer is closed")
        offer = read_publisher(sdp.parse(offer_sdp))
        before = self._connection
        if before is None:
            connection = self._connect(offer)
            opening: list[Command] = self._opening(connection)
        else:
            connection, opening = self._continue(before, offer)
        self._session_version += 1
        self._connection = connection
        self._plane.submit(*opening)
        if before is not None and before.transport != connection.transport:
            self._end_tracks(list(self._tracks))
            self._close_transport(before.transport)
        if before is None or before.transport != connection.transport:
            self._plane.on_transport(connection.transport, self)
        self._reconcile()
        return str(connection.answer.description)

    def set_tracks(self, sources: Sequence[TrackSource]) -> None:
        """What the participant says it publishes, whole list each time; the last word on a `mid` counts."""
        if len(sources) > MAX_TRACKS:
            raise LocalProtocolError(f"at most {MAX_TRACKS} tracks")
        if not self._closed:
            self._sources = {source.mid: source for source in sources}
            self._reconcile()

    def close(self) -> None:
        """Ends the tracks and the transport; idempotent."""
        self._closed = True
        self._sources = {}
        self._disconnect()

    def transport_state(self, state: str, reason: str) -> None:
        """A report of the data plane; `closed` ends the tracks, after `failed` the client may restart ICE."""
        if state == "closed":
            self._disconnect()
            self._events.publish_failed(reason or state)
        elif state == "failed":
            self._events.publish_failed(reason)

    def forwarding(self, slot: int, reason: str) -> None:
        """Nothing is sent here: there are no slots."""

    def audio_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        """Who is heard."""
        self._events.publish_levels(levels)

    def _connect(self, offer: PublisherOffer) -> _Connection:
        transport = self._plane.new_transport()
        try:
            local = self._local(transport)
            return _Connection(transport, local, self._answer(offer, local))
        except VisavisError:
            self._plane.forget(transport)
            raise

    def _continue(self, before: _Connection, offer: PublisherOffer) -> tuple[_Connection, list[Command]]:
        known = before.answer.remote
        remote = offer.remote(known.role)
        restarts = remote.restarts_ice(known)
        if remote.fingerprints != known.fingerprints:
            if not restarts:
                raise SdpError("another certificate needs other ICE credentials (RFC 8842 section 4)")
            connection = self._connect(offer)
            return connection, self._opening(connection)
        local = self._local(before.transport) if restarts else before.local
        answer = self._answer(offer, local, known.role)
        connection = _Connection(before.transport, local, answer, before.received)
        restart = RestartIce(before.transport, local.ufrag, local.password, remote.ufrag, remote.password)
        return connection, [restart] if restarts else []

    def _answer(
        self, offer: PublisherOffer, local: LocalTransport, role: DtlsRole | None = None
    ) -> PublisherAnswer:
        answer = answer_publisher(
            offer, local, session_id=self._session_id, session_version=self._session_version, role=role
        )
        if answer.sections and not any(section.codecs for section in answer.sections):
            raise IncompatibleError("the offer has no codec that the server can forward")
        for section in answer.sections:
            if max(len(section.rids), len(section.ssrcs)) > MAX_STREAMS:
                raise SdpError(f"the m-line with mid {section.mid} has more than {MAX_STREAMS} streams")
            if any(len(rid) > MAX_RID_BYTES for rid in section.rids):
                raise SdpError(
                    f"the m-line with mid {section.mid} has a rid of more than {MAX_RID_BYTES} bytes"
                )
        return answer

    def _local(self, transport: TransportId) -> LocalTransport:
        return LocalTransport(
            self._plane.new_ufrag(transport),
            self._plane.new_password(),
            self._plane.fingerprint,
            self._candidates,
        )

    @staticmethod
    def _opening(connection: _Connection) -> list[Command]:
        transport, local, remote = connection.transport, connection.local, connection.answer.remote
        return [
            OpenTransport(transport, local.ufrag, local.password),
            ConnectTransport(transport, remote.ufrag, remote.password, remote.role, remote.fingerprints),
        ]

    def _reconcile(self) -> None:
        """Makes the tracks what offer and `set_tracks` say together, and tells the data plane."""
        connection = self._connection
        sections = self._published(connection)
        ended = [
            mid
            for mid, track in self._tracks.items()
            if mid not in sections or self._sources[mid].source is not track.source
        ]
        changed = bool(ended)
        self._end_tracks(ended)
        tracks: dict[str, PublishedTrack] = {}
        for mid, section in sections.items():
            source, layers = self._sources[mid], max(1, len(section.rids))
            track = self._tracks.get(mid)
            if track is None and connection is not None:
                track = PublishedTrack(
                    self._events.new_track_id(),
                    self._plane.new_track(connection.transport),
                    self._participant,
                    source.source,
                    source.muted,
                    section.codecs,
                    layers,
                )
                changed = True
            elif track is not None and (track.muted, track.codecs, track.layers) != (
                source.muted,
                section.codecs,
                layers,
            ):
                track.muted, track.codecs, track.layers = source.muted, section.codecs, layers
                changed = True
            if track is not None:
                tracks[mid] = track
        self._tracks = tracks
        self._receive(connection, sections)
        if changed:
            self._events.publish_changed()

    def _published(self, connection: _Connection | None) -> dict[str, ReceivingSection]:
        if connection is None:
            return {}
        return {
            section.mid: section
            for section in connection.answer.sections
            if section.active
            and section.codecs
            and section.mid in self._sources
            and self._sources[section.mid].source.kind is section.kind
        }

    def _receive(self, connection: _Connection | None, sections: dict[str, ReceivingSection]) -> None:
        if connection is None:
            return
        received = Receive(
            connection.transport,
            connection.answer.extensions,
            tuple(
                ReceiveSection(
                    self._tracks[mid].track,
                    mid,
                    section.kind,
                    tuple(_payload(codec) for codec in section.codecs),
                    section.ssrcs,
                    section.rids,
                )
                for mid, section in sections.items()
            ),
            any(codec.transport_cc for section in sections.values() for codec in section.codecs),
            connection.answer.reduced_size_rtcp,
        )
        if received != connection.received:
            connection.received = received
            self._plane.submit(received)

    def _end_tracks(self, mids: Sequence[str]) -> None:
        for mid in mids:
            self._events.publish_ended(self._tracks.pop(mid))

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        had_tracks = bool(self._tracks)
        self._end_tracks(list(self._tracks))
        if connection is not None:
            self._close_transport(connection.transport)
        if had_tracks and not self._closed:
            self._events.publish_changed()

    def _close_transport(self, transport: TransportId) -> None:
        self._plane.submit(CloseTransport(transport))
        self._plane.forget(transport)


def _payload(codec: NegotiatedCodec) -> Payload:
    return Payload(
        codec.payload_type,
        codec.name,
        codec.clock_hz,
        codec.rtx_payload_type,
        nack=codec.nack,
        pli=codec.pli,
        fir=codec.fir,
    )
