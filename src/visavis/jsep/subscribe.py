"""Offering to a subscriber (RFC 9429 section 5.2), and reading its answer (section 5.11)."""

from collections.abc import Sequence

from visavis.dataplane.commands import Kind
from visavis.errors import IncompatibleError, LocalProtocolError, SdpError
from visavis.jsep.codecs import negotiated_codecs
from visavis.jsep.extensions import LONG_URIS, extension_ids, offered_extensions
from visavis.jsep.model import (
    LocalTransport,
    NegotiatedCodec,
    OfferedSection,
    SendingSection,
    SubscriberAnswer,
    SubscriberCodecs,
)
from visavis.jsep.offered import offered_feedback, offered_formats
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
    MediaDescription,
    Mid,
    Msid,
    Origin,
    SessionDescription,
    Setup,
    Ssrc,
    SsrcGroup,
)
from visavis.values import replace

_IDENTITY = ("packetization-mode", "profile-id", "profile")
_OwnCodecs = dict[int, NegotiatedCodec]


def offer_subscriber(
    sections: Sequence[OfferedSection],
    local: LocalTransport,
    *,
    session_id: int,
    session_version: int,
    codecs: SubscriberCodecs | None = None,
) -> SessionDescription:
    """An offer with one m-line for each section, in their order, on one transport.

    An m-line that is not active keeps its formats, so that it can be used again for another track.

    Args:
        sections: all m-lines so far, in the order in which they were first offered, then new ones.
        local: our end; new credentials restart ICE.
        session_id: of our `o=` line, the same for the life of the connection.
        session_version: of our `o=` line, one more for each offer.
        codecs: what earlier answers accepted; the offer leaves out the rest.

    Raises:
        LocalProtocolError: no section, or two with one mid.
    """
    mids = tuple(section.mid for section in sections)
    if not mids or len(set(mids)) != len(mids):
        raise LocalProtocolError("an offer takes at least one section, each with a mid of its own")
    destination = default_destination(local)
    candidates = candidate_attributes(local)
    return SessionDescription(
        origin=Origin("-", session_id, session_version),
        attributes=(
            Group("BUNDLE", mids),
            Flag.EXTMAP_ALLOW_MIXED,
            *session_attributes(local, Setup.ACTPASS, ICE_OPTIONS),
        ),
        media=tuple(
            _offered(section, destination, () if index else candidates, codecs)
            for index, section in enumerate(sections)
        ),
    )


def _offered(
    section: OfferedSection,
    destination: tuple[int, Connection],
    candidates: tuple[Attribute, ...],
    codecs: SubscriberCodecs | None,
) -> MediaDescription:
    """RFC 9429 sections 5.2.1 and 5.2.2: one m-line."""
    port, connection = destination
    formats = offered_formats(section.kind, codecs)
    return MediaDescription(
        kind=section.kind,
        port=port,
        protocol="UDP/TLS/RTP/SAVPF",
        formats=tuple(str(number) for one in formats for number in one.payload_types),
        connection=connection,
        attributes=(
            *candidates,
            Mid(section.mid),
            *offered_extensions(section.kind),
            Direction.SENDONLY if section.active else Direction.INACTIVE,
            *(_msid(section) if section.active else ()),
            Flag.RTCP_MUX,
            Flag.RTCP_RSIZE,
            *offered_feedback(section.kind),
            *(line for one in formats for line in one.lines()),
            *(_sources(section) if section.active else ()),
        ),
    )


def _msid(section: OfferedSection) -> tuple[Attribute, ...]:
    """RFC 8830 section 2; a track without a stream has the stream `-`."""
    return () if section.track_id is None else (Msid(section.stream_id or "-", section.track_id),)


def _sources(section: OfferedSection) -> tuple[Attribute, ...]:
    """RFC 5576 sections 4.1 and 4.2, RFC 4588 section 8.6."""
    if section.rtx_ssrc is None:
        return (Ssrc(section.ssrc, "cname", section.cname),)
    return (
        SsrcGroup("FID", (section.ssrc, section.rtx_ssrc)),
        Ssrc(section.ssrc, "cname", section.cname),
        Ssrc(section.rtx_ssrc, "cname", section.cname),
    )


def accept_subscriber(offer: SessionDescription, answer: SessionDescription) -> SubscriberAnswer:
    """Reads the answer to an offer of `offer_subscriber`.

    An m-line that the answer takes out of the BUNDLE group would need a transport of its own, and there is
    none: it counts as refused (RFC 8843 section 7.3.3).

    Raises:
        SdpError: the answer does not fit the offer, and where.
        IncompatibleError: the subscriber takes no m-line: there is no codec in common.
    """
    if len(answer.media) != len(offer.media):
        raise SdpError(f"the answer has {len(answer.media)} m-lines, the offer {len(offer.media)}")
    for index, (offered, answered) in enumerate(zip(offer.media, answer.media, strict=True)):
        _check_same(index, offered, answered)
    bundled = bundled_media(answer)
    if not bundled:
        raise IncompatibleError("the subscriber takes none of the m-lines: no codec in common")
    check_rtcp_mux(answer, bundled)
    tagged = next(iter(bundled.values()))
    if tagged.first(Setup) is Setup.ACTPASS:
        raise SdpError("the answer has a=setup:actpass, and an answer has to choose (RFC 8842 section 5.3)")
    pairs = tuple(
        (offered, answered if answered.mid in bundled else replace(answered, port=0))
        for offered, answered in zip(offer.media, answer.media, strict=True)
    )
    ours: dict[tuple[str, ...], _OwnCodecs] = {}
    for offered in offer.media:
        if offered.formats not in ours:
            ours[offered.formats] = _own_codecs(offered)
    extensions = tuple(_agreed_extensions(answer, *pair) for pair in pairs)
    sections = tuple(
        _section(answer, offered, answered, ours[offered.formats], agreed)
        for (offered, answered), agreed in zip(pairs, extensions, strict=True)
    )
    return SubscriberAnswer(
        remote=remote_transport(answer, tagged),
        sections=sections,
        extensions=extension_ids(line for agreed in extensions for line in agreed),
        codecs=SubscriberCodecs(_accepted_by(sections, Kind.AUDIO), _accepted_by(sections, Kind.VIDEO)),
    )


def _check_same(index: int, offered: MediaDescription, answered: MediaDescription) -> None:
    """RFC 3264 section 6, RFC 5888 section 9.1: an answer has the offer's m-lines in the offer's order."""
    if answered.kind != offered.kind:
        raise SdpError(f"{called(index, answered)} of the answer is {offered.kind} in the offer")
    if answered.port == 0:
        return
    if answered.mid != offered.mid:
        raise SdpError(f"{called(index, answered)} of the answer has mid {offered.mid} in the offer")
    if answered.protocol != offered.protocol:
        raise SdpError(
            f"{called(index, answered)} of the answer speaks another protocol than {offered.protocol}"
        )


def _own_codecs(offered: MediaDescription) -> _OwnCodecs:
    """Ours by payload type: m-lines with the same formats say the same of them (`visavis.jsep.offered`)."""
    return {codec.payload_type: codec for codec in negotiated_codecs(offered, Kind(offered.kind))}


def _section(
    answer: SessionDescription,
    offered: MediaDescription,
    answered: MediaDescription,
    ours: _OwnCodecs,
    extensions: tuple[ExtMap, ...],
) -> SendingSection:
    kind = Kind(offered.kind)
    codecs = _agreed_codecs(offered, answered, kind, ours)
    sends = offered.first(Direction) is Direction.SENDONLY
    return SendingSection(
        mid=offered.mid or "",
        kind=kind,
        accepted=bool(codecs) and sends and answer.direction(answered).receives,
        codecs=codecs,
        extensions=extension_ids(extensions),
    )


def _agreed_codecs(
    offered: MediaDescription, answered: MediaDescription, kind: Kind, ours: _OwnCodecs
) -> tuple[NegotiatedCodec, ...]:
    """The codecs of an answered m-line, under the numbers of the offer (RFC 3264 section 6.1).

    What identifies the format is as we offered it under that number: an answer cannot change it, and some
    write it wrongly.
    """
    if answered.port == 0:
        return ()
    agreed: list[NegotiatedCodec] = []
    for codec in negotiated_codecs(answered, kind, among=frozenset(offered.payload_types)):
        own = ours.get(codec.payload_type)
        if own is None or own.name is not codec.name:
            continue
        identity = {name: own.parameters[name] for name in _IDENTITY if name in own.parameters}
        repair = codec.rtx_payload_type if codec.rtx_payload_type == own.rtx_payload_type else None
        agreed.append(replace(codec, parameters={**codec.parameters, **identity}, rtx_payload_type=repair))
    return tuple(agreed)


def _agreed_extensions(
    answer: SessionDescription, offered: MediaDescription, answered: MediaDescription
) -> tuple[ExtMap, ...]:
    """Those that the answer took, as the offer numbered them (RFC 8285 section 6).

    What may need more than 16 bytes is left out where the peer does not take both forms of elements in one
    stream (section 4.1.2).
    """
    if answered.port == 0:
        return ()
    allows_mixed = answer.has(Flag.EXTMAP_ALLOW_MIXED) or answered.has(Flag.EXTMAP_ALLOW_MIXED)
    lines = answered.every(ExtMap)
    taken = {(line.id, line.uri) for line in lines if line.direction in (None, "recvonly", "sendrecv")}
    agreed = tuple(line for line in offered.every(ExtMap) if (line.id, line.uri) in taken)
    return agreed if allows_mixed else tuple(line for line in agreed if line.uri not in LONG_URIS)


def _accepted_by(sections: tuple[SendingSection, ...], kind: Kind) -> frozenset[int]:
    codecs = (codec for section in sections if section.kind is kind for codec in section.codecs)
    return frozenset(codec.payload_type for codec in codecs)
