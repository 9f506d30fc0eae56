"""The lines of the m-lines that we write (RFC 9429 sections 5.2.1, 5.2.2 and 5.3.1)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from visavis.dataplane.commands import Fingerprint
from visavis.jsep.capabilities import Format
from visavis.jsep.session import Session, Transceiver, Transport
from visavis.sdp import (
    Attribute,
    Candidate,
    Connection,
    Direction,
    ExtMap,
    Flag,
    Fmtp,
    IcePwd,
    IceUfrag,
    MaxMessageSize,
    MediaDescription,
    Mid,
    Msid,
    PacketTime,
    Rid,
    Rtcp,
    RtcpFeedback,
    RtpMap,
    SctpPort,
    Setup,
    Simulcast,
    SimulcastRid,
    Ssrc,
    SsrcGroup,
)

SCTP_PORT = 5000
"""RFC 8841 section 5.1 leaves it free; this is what all browsers use."""

_TYPES = ("relay", "srflx", "prflx", "host")
_NOWHERE = Connection()
_DISCARD = 9


@dataclass(frozen=True, slots=True)
class Place:
    """Where an m-line's packets go: its transport, and whether it is the first m-line on it.

    A `bundle_only` m-line (RFC 8843 section 6) has no port of its own.
    """

    transport: Transport
    setup: Setup
    first: bool
    bundle_only: bool = False


def destination(candidates: Iterable[Candidate]) -> tuple[int, Connection]:
    """Port and `c=`: the candidate most likely to work (RFC 8839 section 4.2.1.2), or port 9 nowhere."""
    usable = [one for one in candidates if one.component == 1 and one.transport.lower() == "udp"]
    usable.sort(key=lambda one: (":" in one.address, _TYPES.index(one.type) if one.type in _TYPES else 9))
    named = next((one for one in usable if not one.address.endswith(".local")), None)
    if named is None:
        return _DISCARD, _NOWHERE
    return named.port, Connection(named.address, "IP6" if ":" in named.address else "IP4")


def media_section(
    session: Session,
    transceiver: Transceiver,
    place: Place,
    *,
    mid: str | None,
    protocol: str,
    direction: Direction,
    formats: tuple[Format, ...],
    extensions: tuple[ExtMap, ...],
    flags: tuple[Attribute, ...],
    rids: tuple[str, ...],
    simulcast: bool,
    received: tuple[Rid, ...],
) -> MediaDescription:
    """An m-line of audio or video; `flags` are those of RTCP, `received` the simulcast streams to receive."""
    port, connection = _port(place)
    return MediaDescription(
        kind=transceiver.kind,
        port=port,
        protocol=protocol,
        formats=tuple(str(format.payload_type) for format in formats),
        connection=connection,
        attributes=(
            *_transport_lines(place, session.fingerprints),
            *(() if mid is None else (Mid(mid),)),
            *extensions,
            direction,
            *(_msids(transceiver) if transceiver.direction.sends else ()),
            *flags,
            *(line for format in formats for line in _format_lines(format)),
            *_longest_packet(session, transceiver, formats),
            *(Rid(rid, "send") for rid in rids),
            *received,
            *_simulcast(rids if simulcast else (), received),
            *(_sources(session, transceiver, formats) if direction.sends and not rids else ()),
        ),
    )


def _simulcast(sent: tuple[str, ...], received: tuple[Rid, ...]) -> tuple[Simulcast, ...]:
    """One line for both directions (RFC 8853 section 5.1)."""
    if not sent and not received:
        return ()
    return (
        Simulcast(
            send=tuple((SimulcastRid(rid),) for rid in sent),
            recv=tuple((SimulcastRid(rid.id),) for rid in received),
        ),
    )


def data_section(session: Session, place: Place, *, mid: str | None, protocol: str) -> MediaDescription:
    """The m-line of data channels (RFC 8841 section 4)."""
    port, connection = _port(place)
    return MediaDescription(
        kind="application",
        port=port,
        protocol=protocol,
        formats=("webrtc-datachannel",),
        connection=connection,
        attributes=(
            *_transport_lines(place, session.fingerprints),
            *(() if mid is None else (Mid(mid),)),
            SctpPort(SCTP_PORT),
            MaxMessageSize(session.capabilities.max_message_size_bytes),
        ),
    )


def rejected_section(media: MediaDescription, mid: str | None) -> MediaDescription:
    """An m-line with port 0 (RFC 3264 section 6): the rest only names what is rejected."""
    return MediaDescription(
        kind=media.kind,
        port=0,
        protocol=media.protocol,
        formats=media.formats,
        connection=_NOWHERE,
        attributes=(
            *(() if mid is None else (Mid(mid),)),
            *((Direction.INACTIVE,) if media.payload_types else ()),
        ),
    )


def rtcp_lines(*, mux_only: bool, rsize: bool, fresh: bool) -> tuple[Attribute, ...]:
    """How RTCP travels: always with RTP; `fresh` is an m-line that nobody has answered yet."""
    return (
        *((Rtcp(_DISCARD, "IP4", "0.0.0.0"),) if fresh else ()),
        Flag.RTCP_MUX,
        *((Flag.RTCP_MUX_ONLY,) if fresh and mux_only else ()),
        *((Flag.RTCP_RSIZE,) if rsize else ()),
    )


def _port(place: Place) -> tuple[int, Connection]:
    return (0, _NOWHERE) if place.bundle_only else destination(place.transport.candidates)


def _transport_lines(place: Place, fingerprints: tuple[Fingerprint, ...]) -> Iterator[Attribute]:
    """ICE and DTLS of an m-line: each m-line of a BUNDLE group repeats them.

    RFC 8843 section 7.1.3 would have them on the tagged m-line alone. Without them on the others, Firefox
    ends with its page, and Chromium rejects data.
    """
    if place.bundle_only:
        yield Flag.BUNDLE_ONLY
    if place.first:
        yield from place.transport.candidates
        if place.transport.gathered:
            yield Flag.END_OF_CANDIDATES
    yield IceUfrag(place.transport.local.ufrag)
    yield IcePwd(place.transport.local.password)
    yield from fingerprints
    yield place.setup


def _msids(transceiver: Transceiver) -> tuple[Attribute, ...]:
    """RFC 8830 section 2, with the track's id, which RFC 9429 leaves out and older peers look for."""
    ids = dict.fromkeys(transceiver.stream_ids) or ("-",)
    return tuple(Msid(stream_id, transceiver.track_id) for stream_id in ids)


def _format_lines(format: Format) -> Iterator[Attribute]:
    if format.payload_type is None:
        return
    yield RtpMap(format.payload_type, format.name, format.clock_hz, format.channels)
    yield from (RtcpFeedback(format.payload_type, value) for value in format.feedback)
    if format.parameters:
        yield Fmtp(format.payload_type, format.parameters)


def _longest_packet(
    session: Session, transceiver: Transceiver, formats: tuple[Format, ...]
) -> tuple[Attribute, ...]:
    """`a=maxptime`: the least of what the formats allow (RFC 9429 section 5.2.1)."""
    names = {format.name.lower() for format in formats}
    limits = [
        codec.max_ptime_ms
        for codec in session.capabilities.of(transceiver.kind)
        if codec.max_ptime_ms is not None and codec.name.lower() in names
    ]
    return (PacketTime(min(limits), maximum=True),) if limits else ()


def _sources(
    session: Session, transceiver: Transceiver, formats: tuple[Format, ...]
) -> tuple[Attribute, ...]:
    """RFC 5576 section 4, RFC 4588 section 8.6: for peers that do not go by MID; Firefox needs it for RTX."""
    cname = session.cname
    if not transceiver.rtx_ssrc or not any(format.is_rtx for format in formats):
        return (Ssrc(transceiver.ssrc, "cname", cname),)
    return (
        SsrcGroup("FID", (transceiver.ssrc, transceiver.rtx_ssrc)),
        Ssrc(transceiver.ssrc, "cname", cname),
        Ssrc(transceiver.rtx_ssrc, "cname", cname),
    )
