"""Answering a publisher (RFC 9429 section 5.3): we receive, it sends."""

from collections.abc import Iterator
from dataclasses import dataclass

from visavis.dataplane.commands import DtlsRole, Kind
from visavis.errors import SdpError
from visavis.jsep.codecs import answer_codec, negotiated_codecs, preferred_order
from visavis.jsep.extensions import answered_extensions, extension_ids
from visavis.jsep.model import (
    LocalTransport,
    NegotiatedCodec,
    PublisherAnswer,
    ReceivingSection,
    RemoteTransport,
)
from visavis.jsep.sections import rejected_section
from visavis.jsep.sources import layers, paired_ssrcs, received_simulcast
from visavis.jsep.transport import (
    ICE_OPTIONS,
    bundled_media,
    called,
    candidate_attributes,
    check_rtcp_mux,
    default_destination,
    remote_transport,
    session_attributes,
)
from visavis.sdp import (
    Attribute,
    Connection,
    Direction,
    ExtMap,
    Flag,
    Group,
    IceOptions,
    MediaDescription,
    Mid,
    Msid,
    Origin,
    SessionDescription,
    Setup,
)

_PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVP")
_KINDS = {"audio": Kind.AUDIO, "video": Kind.VIDEO}
_MAX_MID_BYTES = 16
MAX_PUBLISHED = 32
"""How many m-lines a publisher's offer may have, those included that are stopped."""
_SETUPS = {DtlsRole.SERVER: Setup.PASSIVE, DtlsRole.CLIENT: Setup.ACTIVE}


@dataclass(frozen=True, slots=True)
class _Section:
    """An offered m-line that we take."""

    media: MediaDescription
    mid: str
    kind: Kind
    active: bool
    codecs: tuple[NegotiatedCodec, ...]
    extensions: tuple[ExtMap, ...]


@dataclass(frozen=True, slots=True)
class PublisherOffer:
    """A publisher's offer, read: `sections` has None for each m-line that we do not take.

    `spokesman` is the m-line whose transport is that of all.
    """

    description: SessionDescription
    bundled: dict[str, MediaDescription]
    sections: tuple[_Section | None, ...]
    spokesman: MediaDescription

    def remote(self, role: DtlsRole | None = None) -> RemoteTransport:
        """The publisher's end of the transport.

        Args:
            role: our DTLS role where there is an association already.

        Raises:
            SdpError: names the attribute that is missing or impossible.
        """
        return remote_transport(self.description, self.spokesman, role)


def read_publisher(offer: SessionDescription) -> PublisherOffer:
    """Reads the offer of a peer that sends to us, to be answered by `answer_publisher`.

    Raises:
        SdpError: the offer cannot be answered at all, and why.
    """
    if len(offer.media) > MAX_PUBLISHED:
        raise SdpError(f"the offer has {len(offer.media)} m-lines, more than {MAX_PUBLISHED}")
    bundled = bundled_media(offer)
    check_rtcp_mux(offer, bundled)
    sections = tuple(_section(offer, index, media, bundled) for index, media in enumerate(offer.media))
    taken = {section.mid for section in sections if section is not None}
    spokesman = next((media for mid, media in bundled.items() if mid in taken), None)
    spokesman = spokesman or next(iter(bundled.values()), None)
    if spokesman is None:
        raise SdpError("a=group:BUNDLE is empty: the offer has no m-line in use")
    return PublisherOffer(offer, bundled, sections, spokesman)


def answer_publisher(
    offer: PublisherOffer,
    local: LocalTransport,
    *,
    session_id: int,
    session_version: int,
    role: DtlsRole | None = None,
) -> PublisherAnswer:
    """Answers a peer that sends to us (RFC 9429 section 5.3), at first and each time it renegotiates.

    m-lines keep their places and mids. One that we cannot take (data channels, an unknown protocol, no codec
    in common, outside of the BUNDLE group) gets port 0; one on which the peer does not send is inactive.

    Args:
        offer: the peer's description, read.
        local: our end; new credentials answer an ICE restart.
        session_id: of our `o=` line, the same for the life of the connection.
        session_version: of our `o=` line, one more for each answer.
        role: our DTLS role where there is an association already.

    Raises:
        SdpError: the offer cannot be answered at all, and why.
    """
    remote = offer.remote(role)
    description, spokesman = offer.description, offer.spokesman
    taken = {section.mid: section for section in offer.sections if section is not None}
    candidates = candidate_attributes(local)
    destination = default_destination(local)
    options = {
        option
        for line in (*description.every(IceOptions), *spokesman.every(IceOptions))
        for option in line.options
    }
    answer = SessionDescription(
        origin=Origin("-", session_id, session_version),
        attributes=(
            Group("BUNDLE", tuple(mid for mid in offer.bundled if mid in taken)),
            *_allow_mixed(description, spokesman),
            *session_attributes(
                local, _SETUPS[remote.role], tuple(option for option in ICE_OPTIONS if option in options)
            ),
        ),
        media=tuple(
            rejected_section(media, media.mid)
            if section is None
            else _accepted(section, destination, candidates if media is spokesman else ())
            for media, section in zip(description.media, offer.sections, strict=True)
        ),
    )
    return PublisherAnswer(
        description=answer,
        remote=remote,
        sections=tuple(_sections(description, offer.sections)),
        extensions=extension_ids(line for section in taken.values() for line in section.extensions),
        reduced_size_rtcp=all(section.media.has(Flag.RTCP_RSIZE) for section in taken.values()),
    )


def _section(
    offer: SessionDescription, index: int, media: MediaDescription, bundled: dict[str, MediaDescription]
) -> _Section | None:
    """An m-line as we take it, None where we do not."""
    kind = _KINDS.get(media.kind)
    mid = media.mid
    if kind is None or mid is None or mid not in bundled or media.protocol not in _PROTOCOLS:
        return None
    if len(mid) > _MAX_MID_BYTES:
        raise SdpError(
            f"{called(index, media)} has a mid longer than {_MAX_MID_BYTES} characters (RFC 8285 section 4.2)"
        )
    codecs = preferred_order(negotiated_codecs(media, kind))
    if not codecs:
        return None
    extensions = answered_extensions(media.every(ExtMap))
    return _Section(media, mid, kind, offer.direction(media).sends, codecs, extensions)


def _accepted(
    section: _Section, destination: tuple[int, Connection], candidates: tuple[Attribute, ...]
) -> MediaDescription:
    """RFC 9429 section 5.3.1: the m-line of an answer."""
    port, connection = destination
    media = section.media
    numbers = (number for codec in section.codecs for number in (codec.payload_type, codec.rtx_payload_type))
    rsize = (Flag.RTCP_RSIZE,) if media.has(Flag.RTCP_RSIZE) else ()
    return MediaDescription(
        kind=section.kind,
        port=port,
        protocol=media.protocol,
        formats=tuple(str(number) for number in numbers if number is not None),
        connection=connection,
        attributes=(
            *candidates,
            Mid(section.mid),
            *section.extensions,
            Direction.RECVONLY if section.active else Direction.INACTIVE,
            Flag.RTCP_MUX,
            *rsize,
            *(line for codec in section.codecs for line in answer_codec(codec)),
            *(received_simulcast(media) if section.active else ()),
        ),
    )


def _sections(offer: SessionDescription, sections: tuple[_Section | None, ...]) -> Iterator[ReceivingSection]:
    for media, section in zip(offer.media, sections, strict=True):
        kind, mid = _KINDS.get(media.kind), media.mid
        if section is not None:
            msid = media.first(Msid)
            yield ReceivingSection(
                mid=section.mid,
                kind=section.kind,
                active=section.active,
                codecs=section.codecs,
                extensions=extension_ids(section.extensions),
                ssrcs=paired_ssrcs(media) if section.active else (),
                rids=layers(media) if section.active else (),
                msid=None if msid is None else str(msid),
            )
        elif kind is not None and mid is not None:
            yield ReceivingSection(mid, kind, False, (), {}, (), (), None)


def _allow_mixed(offer: SessionDescription, media: MediaDescription) -> tuple[Attribute, ...]:
    """RFC 8285 section 6: answered where offered."""
    offered = offer.has(Flag.EXTMAP_ALLOW_MIXED) or media.has(Flag.EXTMAP_ALLOW_MIXED)
    return (Flag.EXTMAP_ALLOW_MIXED,) if offered else ()
