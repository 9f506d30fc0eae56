"""Creating an offer (RFC 9429 section 5.2)."""

from collections.abc import Iterable, Sequence

from visavis.dataplane.commands import Kind
from visavis.errors import StateError
from visavis.jsep.capabilities import FormatIdentity
from visavis.jsep.formats import formats_of, in_answered_order, offered_formats, usable
from visavis.jsep.identity import identity
from visavis.jsep.lip_sync import offered_lip_sync
from visavis.jsep.negotiated import credentials_in
from visavis.jsep.numbers import Numbers, offered_ids
from visavis.jsep.reading import kind_of, read
from visavis.jsep.sections import Place, data_section, media_section, rejected_section, rtcp_lines
from visavis.jsep.session import (
    BundlePolicy,
    Draw,
    IceCredentials,
    Proposal,
    ProposedSection,
    RtcpMuxPolicy,
    Session,
    SignalingState,
    Transceiver,
    Transport,
)
from visavis.jsep.slots import Slot, last_answer, offer_slots
from visavis.jsep.transport import ICE_OPTIONS, is_live
from visavis.jsep.transports import FreshCredentials
from visavis.sdp import (
    Attribute,
    ExtMap,
    Flag,
    Group,
    IceOptions,
    MediaDescription,
    Origin,
    Rid,
    SessionDescription,
    Setup,
    Simulcast,
)
from visavis.values import replace

_PROTOCOL = "UDP/TLS/RTP/SAVPF"
_DATA_PROTOCOL = "UDP/DTLS/SCTP"


def create_offer(session: Session, draw: Draw, *, ice_restart: bool = False) -> tuple[Session, str]:
    """An offer of what the session is now: the next session, which remembers it, and its text.

    Nothing else changes until the text is given to `set_local`.

    Args:
        session: in `stable` or `have-local-offer`.
        draw: source of ICE credentials for transports that are new or restarted. The same key may be asked
            for again: an offer that was not set leaves no trace.
        ice_restart: the `iceRestart` option.

    Raises:
        StateError: any other signaling state (`InvalidStateError`).
    """
    if session.signaling_state not in (SignalingState.STABLE, SignalingState.HAVE_LOCAL_OFFER):
        raise StateError(f"no offer can be created in the signaling state {session.signaling_state}")
    version = session.session_version + 1
    slots = offer_slots(session)
    answered = _answered_groups(session)
    places = _places(session, slots, answered, FreshCredentials(draw), _replaced(session, ice_restart))
    numbers = Numbers(session.numbers, _foreign_numbers(session))
    media = tuple(
        _section(session, index, slot, places.get(index), numbers) for index, slot in enumerate(slots)
    )
    content = SessionDescription(
        origin=Origin("-", session.session_id, version),
        attributes=(
            *(Group("BUNDLE", mids) for mids in _groups(session, slots, answered)),
            *offered_lip_sync(slots),
            Flag.EXTMAP_ALLOW_MIXED,
            IceOptions(ICE_OPTIONS),
        ),
        media=media,
    )
    text = str(content)
    proposal = Proposal(
        text=text,
        content=content,
        sections=tuple(_proposed(slot, places.get(index)) for index, slot in enumerate(slots)),
        transports=tuple({place.transport.key: place.transport for place in places.values()}.values()),
    )
    return replace(session, session_version=version, last_offer=proposal), text


def _proposed(slot: Slot, place: Place | None) -> ProposedSection:
    return ProposedSection(
        mid=slot.mid,
        transceiver=None if slot.transceiver is None else slot.transceiver.key,
        transport=None if place is None else place.transport.key,
        data=slot.data,
    )


def _replaced(session: Session, ice_restart: bool) -> frozenset[IceCredentials]:
    """The credentials that an ICE restart replaces (RFC 9429 section 5.2.3.1)."""
    if not ice_restart or session.current_local is None:
        return session.replaced_credentials
    return session.replaced_credentials | credentials_in(session.current_local.content)


def _answered_groups(session: Session) -> tuple[tuple[str, ...], ...]:
    answer = last_answer(session)
    return () if answer is None else read(answer.content).groups


def _negotiated(session: Session, slots: Sequence[Slot]) -> frozenset[int]:
    """The m-lines, by their places, that the last negotiation left alive."""
    current = session.current_local
    if current is None:
        return frozenset()
    sections = ((index, slot, current.section(index)) for index, slot in enumerate(slots))
    return frozenset(
        index
        for index, slot, media in sections
        if slot.live and media is not None and is_live(media) and media.mid in (None, slot.mid)
    )


def _places(
    session: Session,
    slots: Sequence[Slot],
    answered: Sequence[tuple[str, ...]],
    fresh: FreshCredentials,
    replaced: frozenset[IceCredentials],
) -> dict[int, Place]:
    """The transport of each live m-line (RFC 9429 section 4.1.1, RFC 8843 section 7).

    An m-line that is there keeps its own. A new one joins the negotiated BUNDLE group, where there is one;
    else the policy says whether it has a transport of its own, or is bundle-only.
    """
    bundled = {mid for group in answered for mid in group}
    negotiated = _negotiated(session, slots)
    shared = next(
        (_transport_key(session, slot) for slot in slots if slot.live and slot.mid in bundled), None
    )
    transports: dict[int, Transport] = {}
    places: dict[int, Place] = {}
    kinds: set[str] = set()
    tagged: int | None = None
    next_key = session.next_transport
    for index, slot in enumerate(slots):
        if not slot.live:
            continue
        key = _transport_key(session, slot) or shared
        if key is None and not _has_own(session.bundle_policy, slot, kinds):
            key = tagged
        if key is None:
            key, next_key = next_key, next_key + 1
            transport = Transport(key, fresh.of(key), controlling=True)
        else:
            transport = transports.get(key) or _kept(session.transport(key), fresh, replaced)
        first = key not in transports
        transports[key] = transport
        bundle_only = not first and shared is None and index not in negotiated
        places[index] = Place(transport, Setup.ACTPASS, first, bundle_only)
        if index not in negotiated:
            tagged = tagged or key
            kinds.add(slot.kind)
    return places


def _kept(transport: Transport, fresh: FreshCredentials, replaced: frozenset[IceCredentials]) -> Transport:
    if transport.local not in replaced:
        return transport
    return replace(transport, local=fresh.of(transport.key), candidates=(), gathered=False)


def _transport_key(session: Session, slot: Slot) -> int | None:
    return session.data.transport if slot.transceiver is None else slot.transceiver.transport


def _has_own(policy: BundlePolicy, slot: Slot, kinds: set[str]) -> bool:
    """Whether a new m-line has a transport of its own; `kinds` are those of the ones before it."""
    match policy:
        case BundlePolicy.MAX_COMPAT:
            return True
        case BundlePolicy.BALANCED:
            return slot.kind not in kinds
        case BundlePolicy.MAX_BUNDLE:
            return False


def _groups(
    session: Session, slots: Sequence[Slot], answered: Sequence[tuple[str, ...]]
) -> tuple[tuple[str, ...], ...]:
    """BUNDLE: the groups of the last answer that are still alive, and in the first of them all new m-lines.

    An m-line that the answer left outside stays outside (RFC 9429 section 5.2.2).
    """
    negotiated = _negotiated(session, slots)
    live = {slot.mid: index for index, slot in enumerate(slots) if slot.live and slot.mid is not None}
    groups = [group for one in answered if (group := [mid for mid in live if mid in one])] or [[]]
    known = {mid for group in groups for mid in group}
    groups[0].extend(mid for mid, index in live.items() if mid not in known and index not in negotiated)
    return tuple(tuple(sorted(group, key=live.__getitem__)) for group in groups if group)


def _foreign_numbers(session: Session) -> Iterable[tuple[int, FormatIdentity]]:
    """What the peer uses payload types for."""
    for media in () if session.remote is None else session.remote.content.media:
        kind = kind_of(media)
        for format in () if kind is None else formats_of(media, kind):
            if format.payload_type is not None:
                yield format.payload_type, identity(format)


def _section(
    session: Session, index: int, slot: Slot, place: Place | None, numbers: Numbers
) -> MediaDescription:
    if place is None:
        return rejected_section(_rejected(slot), slot.mid)
    if slot.transceiver is None:
        return data_section(session, place, mid=slot.mid, protocol=_DATA_PROTOCOL)
    return _media(session, index, slot, slot.transceiver, place, numbers)


def _rejected(slot: Slot) -> MediaDescription:
    """Only what was there before can be rejected."""
    assert slot.previous is not None
    return slot.previous


def _media(
    session: Session, index: int, slot: Slot, transceiver: Transceiver, place: Place, numbers: Numbers
) -> MediaDescription:
    kind, direction = transceiver.kind, transceiver.direction
    codecs = usable(session.capabilities.of(kind), direction, transceiver.preferences)
    answered = _answered(session, index, slot)
    if answered is not None and not transceiver.preferences:
        codecs = in_answered_order(codecs, formats_of(answered, kind))
    previous = slot.previous
    rids = tuple(rid for rid in transceiver.rids if rid is not None)
    kept = previous is not None and previous.first(Simulcast) is not None
    return media_section(
        session,
        transceiver,
        place,
        mid=slot.mid,
        protocol=_PROTOCOL,
        direction=direction,
        formats=offered_formats(codecs, () if previous is None else formats_of(previous, kind), numbers),
        extensions=_extensions(session, kind),
        flags=_rtcp(session, answered, place),
        rids=rids if direction.sends or kept else (),
        simulcast=len(rids) > 1,
        received=tuple(Rid(rid, "recv") for rid in transceiver.receive_rids),
    )


def _answered(session: Session, index: int, slot: Slot) -> MediaDescription | None:
    """The m-line in the last answer, None for one that is new or was rejected."""
    answer = last_answer(session)
    media = None if answer is None or slot.previous is None else answer.section(index)
    return media if media is not None and is_live(media) and media.mid in (None, slot.mid) else None


def _extensions(session: Session, kind: Kind) -> tuple[ExtMap, ...]:
    wanted = (one for one in session.capabilities.extensions if kind in one.kinds)
    remote = () if session.remote is None else session.remote.content.media
    return offered_ids(
        wanted, session.extension_ids, (line for media in remote for line in media.every(ExtMap))
    )


def _rtcp(session: Session, answered: MediaDescription | None, place: Place) -> tuple[Attribute, ...]:
    """RFC 9429 section 5.2.2: what the last answer had; RTCP and RTP always share a port.

    A bundle-only m-line says that too, which RFC 8843 section 7.1.3 would leave to the tagged one: without,
    Firefox refuses the offer.
    """
    if place.bundle_only:
        return rtcp_lines(mux_only=False, rsize=True, fresh=False)
    mux_only = session.rtcp_mux_policy is RtcpMuxPolicy.REQUIRE
    rsize = answered is None or answered.has(Flag.RTCP_RSIZE)
    return rtcp_lines(mux_only=mux_only, rsize=rsize, fresh=answered is None)
