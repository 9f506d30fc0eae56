"""Creating an answer (RFC 9429 section 5.3)."""

from collections.abc import Iterable
from dataclasses import dataclass

from visavis.dataplane.commands import Kind
from visavis.errors import StateError
from visavis.jsep.capabilities import Format
from visavis.jsep.extensions import LONG_URIS
from visavis.jsep.formats import answered_formats, formats_of, is_media, usable
from visavis.jsep.lip_sync import answered_lip_sync
from visavis.jsep.numbers import Numbers
from visavis.jsep.reading import (
    Reading,
    intersected,
    is_data,
    kind_of,
    read,
    requested_rids,
    reversed_direction,
)
from visavis.jsep.sections import Place, data_section, media_section, rejected_section, rtcp_lines
from visavis.jsep.session import (
    BundlePolicy,
    Draw,
    Proposal,
    ProposedSection,
    Session,
    SignalingState,
    Transceiver,
    Transport,
)
from visavis.jsep.sources import received_rids
from visavis.jsep.transport import ICE_OPTIONS, is_live
from visavis.jsep.transports import (
    answering_role,
    answering_setup,
    transport_at,
    with_remote,
)
from visavis.sdp import (
    ExtMap,
    Flag,
    Group,
    IceOptions,
    MediaDescription,
    Origin,
    SessionDescription,
)
from visavis.values import replace

_MIXED = Flag.EXTMAP_ALLOW_MIXED
_ANSWERED_DIRECTION = {None: None, "sendrecv": None, "sendonly": "recvonly", "recvonly": "sendonly"}


@dataclass(frozen=True, slots=True)
class _Accepted:
    """An offered m-line that we take; `transceiver` None is the data channels'."""

    media: MediaDescription
    transceiver: Transceiver | None = None
    formats: tuple[Format, ...] = ()


def create_answer(session: Session, draw: Draw) -> tuple[Session, str]:
    """An answer to the pending offer of the peer: the next session, which remembers it, and its text.

    Args:
        session: in `have-remote-offer` or `have-local-pranswer`.
        draw: source of ICE credentials for transports that are new, or that the offer restarts.

    Raises:
        StateError: any other signaling state (`InvalidStateError`).
        InvalidDescriptionError: the offer would swap the DTLS roles of a live association.
    """
    answering = (SignalingState.HAVE_REMOTE_OFFER, SignalingState.HAVE_LOCAL_PRANSWER)
    if session.signaling_state not in answering or session.pending_remote is None:
        raise StateError(f"no answer can be created in the signaling state {session.signaling_state}")
    version = session.session_version + 1
    offer = read(session.pending_remote.content)
    accepted = _accepted(session, offer)
    places = _places(session, offer, accepted, draw)
    media = tuple(
        _section(session, offer, accepted[index], places[index])
        if index in accepted
        else rejected_section(one, one.mid)
        for index, one in enumerate(offer.media)
    )
    mids = frozenset(one.media.mid for one in accepted.values() if one.media.mid is not None)
    options = {option for line in _ice_options(offer) for option in line.options}
    content = SessionDescription(
        origin=Origin("-", session.session_id, version),
        attributes=(
            *(
                Group("BUNDLE", kept)
                for group in offer.groups
                if (kept := tuple(m for m in group if m in mids))
            ),
            *answered_lip_sync(session, offer.description, mids),
            *((_MIXED,) if offer.description.has(_MIXED) else ()),
            *((IceOptions(known),) if (known := tuple(one for one in ICE_OPTIONS if one in options)) else ()),
        ),
        media=media,
    )
    text = str(content)
    proposal = Proposal(
        text=text,
        content=content,
        sections=tuple(_proposed(one, places.get(index)) for index, one in enumerate(offer.media)),
        transports=tuple({place.transport.key: place.transport for place in places.values()}.values()),
        answers=session.pending_remote.text,
    )
    return replace(session, session_version=version, last_answer=proposal), text


def _proposed(media: MediaDescription, place: Place | None) -> ProposedSection:
    return ProposedSection(mid=media.mid, transport=None if place is None else place.transport.key)


def _ice_options(offer: Reading) -> Iterable[IceOptions]:
    yield from offer.description.every(IceOptions)
    for media in offer.media:
        yield from media.every(IceOptions)


def _accepted(session: Session, offer: Reading) -> dict[int, _Accepted]:
    """The m-lines that we take, by their places; what RFC 9429 section 5.3.1 says of rejecting the others."""
    numbers = Numbers(session.numbers, ())
    accepted: dict[int, _Accepted] = {}
    for index, media in enumerate(offer.media):
        taken = _taken(session, offer, index, media, numbers) if is_live(media) else None
        if taken is not None:
            accepted[index] = taken
    by_policy = {index for index in accepted if _allowed(session.bundle_policy, offer, index)}
    tags = {group[0] for group in offer.groups}
    mids = {offer.media[index].mid for index in by_policy}
    lost = {mid for group in offer.groups if group[0] in tags - mids for mid in group}
    return {index: accepted[index] for index in by_policy if offer.media[index].mid not in lost}


def _taken(
    session: Session, offer: Reading, index: int, media: MediaDescription, numbers: Numbers
) -> _Accepted | None:
    if offer.credentials(media) is None:
        return None
    if is_data(media):
        return _Accepted(media) if session.data.m_line_index == index else None
    kind, transceiver = kind_of(media), session.transceiver_at(index)
    if kind is None or transceiver is None or transceiver.stopped or not offer.says(media, Flag.RTCP_MUX):
        return None
    formats = answered_formats(
        usable(session.capabilities.of(kind), transceiver.direction, transceiver.preferences),
        formats_of(media, kind),
        numbers,
        preferred=bool(transceiver.preferences),
        shared=offer.group(media.mid) is not None,
    )
    return _Accepted(media, transceiver, formats) if any(map(is_media, formats)) else None


def _allowed(policy: BundlePolicy, offer: Reading, index: int) -> bool:
    """Whether the BUNDLE policy has room for an m-line with its transport."""
    media = offer.media[index]
    match policy:
        case BundlePolicy.MAX_COMPAT:
            return True
        case BundlePolicy.BALANCED:
            rivals = [one for one in offer.media if one.kind == media.kind]
        case BundlePolicy.MAX_BUNDLE:
            rivals = list(offer.media)
    first = next((one for one in rivals if is_live(one)), media)
    return first is media or (first.mid is not None and media.mid in (offer.group(first.mid) or ()))


def _places(session: Session, offer: Reading, accepted: dict[int, _Accepted], draw: Draw) -> dict[int, Place]:
    """The transport of each m-line that we take: one for each BUNDLE group, one for each m-line outside."""
    places: dict[int, Place] = {}
    of_group: dict[tuple[str, ...], Transport] = {}
    used: set[int] = set()
    next_key = session.next_transport
    for index, one in accepted.items():
        group = offer.group(one.media.mid)
        transport = of_group.get(group) if group is not None else None
        first = transport is None
        if transport is None:
            speaker = one.media if one.media.mid is None else offer.tagged.get(one.media.mid, one.media)
            present = _present(session, offer, accepted, index, group, used)
            if present is None:
                transport = Transport(next_key, draw.credentials(next_key), controlling=offer.ice_lite)
                next_key += 1
            elif present.remote not in (None, offer.credentials(speaker)):
                transport = replace(
                    present, local=draw.credentials(present.key), candidates=(), gathered=False
                )
            else:
                transport = present
            role = answering_role(transport, offer, speaker)
            transport = with_remote(transport, index, offer, speaker, role)
            used.add(transport.key)
            if group is not None:
                of_group[group] = transport
        places[index] = Place(transport, answering_setup(transport), first)
    return places


def _present(
    session: Session,
    offer: Reading,
    accepted: dict[int, _Accepted],
    index: int,
    group: tuple[str, ...] | None,
    used: set[int],
) -> Transport | None:
    """The transport that an m-line, or one of its group, has already."""
    members = [index] if group is None else [place for place in accepted if offer.media[place].mid in group]
    found = (transport_at(session, place) for place in members)
    return next((one for one in found if one is not None and one.key not in used), None)


def _section(session: Session, offer: Reading, one: _Accepted, place: Place) -> MediaDescription:
    media, transceiver = one.media, one.transceiver
    if transceiver is None:
        return data_section(session, place, mid=media.mid, protocol=media.protocol)
    direction = intersected(transceiver.direction, reversed_direction(offer.direction(media)))
    wanted = requested_rids(media) if direction.sends else ()
    rsize = offer.says(media, Flag.RTCP_RSIZE)
    return media_section(
        session,
        transceiver,
        place,
        mid=media.mid,
        protocol=media.protocol,
        direction=direction,
        formats=one.formats,
        extensions=_extensions(session, offer, media, transceiver.kind),
        flags=rtcp_lines(mux_only=False, rsize=rsize, fresh=False),
        rids=tuple(rid for rid in transceiver.rids if rid is not None and rid in wanted),
        simulcast=True,
        received=tuple(line for line in received_rids(media) if line.id in transceiver.receive_rids),
    )


def _extensions(session: Session, offer: Reading, media: MediaDescription, kind: Kind) -> tuple[ExtMap, ...]:
    """What of the offer's extensions we do, under its ids (RFC 8285 section 6).

    An id of 15 or above 255 cannot be in a packet. What may need more than 16 bytes is left out where both
    forms of elements may not be mixed.
    """
    known = {one.uri for one in session.capabilities.extensions if kind in one.kinds}
    mixed = offer.description.has(_MIXED) or media.has(_MIXED)
    lines: dict[str, ExtMap] = {}
    for line in media.every(ExtMap) or offer.description.every(ExtMap):
        usable_id = line.id <= 255 and line.id != 15
        wanted = line.uri in known and (mixed or line.uri not in LONG_URIS)
        if usable_id and wanted and line.direction in _ANSWERED_DIRECTION:
            lines.setdefault(line.uri, ExtMap(line.id, line.uri, _ANSWERED_DIRECTION[line.direction]))
    return tuple(lines.values())
