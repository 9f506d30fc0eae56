"""Setting a local description (RFC 9429 sections 5.5, 5.9 and 5.11, W3C webrtc-pc section 4.4.1.5)."""

from dataclasses import dataclass

from visavis.errors import ModifiedDescriptionError
from visavis.jsep.formats import formats_of
from visavis.jsep.identity import identity
from visavis.jsep.negotiated import (
    answer_changes,
    kept_rids,
    negotiated_data,
    negotiated_transceiver,
    settled,
    stopped,
)
from visavis.jsep.reading import Reading, kind_of, read, sent_rids
from visavis.jsep.remote_tracks import process_remote_track
from visavis.jsep.rollback import roll_back
from visavis.jsep.session import (
    Changes,
    DataSection,
    Description,
    Proposal,
    RemoteTrack,
    SdpType,
    Session,
    SignalingState,
    Transceiver,
)
from visavis.jsep.signaling import next_state
from visavis.jsep.transport import is_live
from visavis.jsep.transports import merged, pruned, remote_candidates, transport_changes
from visavis.sdp import Direction, ExtMap, SessionDescription
from visavis.values import replace


def set_local(session: Session, type: SdpType, text: str) -> tuple[Session, Changes]:
    """Sets what `create_offer` or `create_answer` made, or rolls back.

    Args:
        session: as it is.
        type: `offer`, `answer`, `pranswer`, or `rollback`, whose text is ignored.
        text: exactly that of the last created offer or answer (RFC 9429 section 5.4).

    Raises:
        StateError: the type does not fit the signaling state (`InvalidStateError`).
        ModifiedDescriptionError: the text is not the one last created (`InvalidModificationError`).
    """
    if type is SdpType.ROLLBACK:
        return roll_back(session, "local")
    state = next_state(session.signaling_state, "local", type)
    proposal = session.last_offer if type is SdpType.OFFER else session.last_answer
    if proposal is None or proposal.text != text:
        raise ModifiedDescriptionError(
            f"this is not the last created {type}: a local description has to be set as it was created"
        )
    description = Description(type, proposal.content, text)
    if type is SdpType.OFFER:
        return _set_offer(session, proposal, description, state)
    return _set_answer(session, proposal, description, state)


def _set_offer(
    session: Session, proposal: Proposal, description: Description, state: SignalingState
) -> tuple[Session, Changes]:
    places = {one.transceiver: index for index, one in enumerate(proposal.sections)}
    after = merged(session, proposal.transports)
    after = replace(
        after,
        signaling_state=state,
        pending_local=description,
        stable=session.stable or session,
        transceivers=tuple(_offered(one, places.get(one.key), proposal) for one in after.transceivers),
        data=_offered_data(after.data, proposal),
        next_mid=max((after.next_mid, *(_after(one.mid) for one in proposal.sections))),
    )
    after = pruned(_remembering(after, description.content))
    return after, transport_changes(session, after, Changes())


def _offered(transceiver: Transceiver, index: int | None, proposal: Proposal) -> Transceiver:
    """A transceiver with its m-line of an offer; one whose place is used again has none any more."""
    if index is None:
        place = transceiver.m_line_index
        reused = place is not None and (
            proposal.sections[place].transceiver is not None or proposal.sections[place].data
        )
        return replace(transceiver, mid=None, m_line_index=None) if reused else transceiver
    section, media = proposal.sections[index], proposal.content.media[index]
    return replace(
        transceiver,
        mid=section.mid,
        m_line_index=index,
        transport=section.transport,
        receive_formats=formats_of(media, transceiver.kind) if transceiver.direction.receives else (),
    )


def _offered_data(data: DataSection, proposal: Proposal) -> DataSection:
    for index, section in enumerate(proposal.sections):
        if section.data:
            return replace(data, mid=section.mid, m_line_index=index, transport=section.transport)
    return data


def _after(mid: str | None) -> int:
    return int(mid) + 1 if mid is not None and len(mid) <= 6 and mid.isascii() and mid.isdecimal() else 0


def _remembering(session: Session, content: SessionDescription) -> Session:
    """The session that knows for good what our payload types and extension ids mean."""
    numbers = dict.fromkeys(session.numbers)
    ids = dict.fromkeys(session.extension_ids)
    for media in content.media:
        kind = kind_of(media) if is_live(media) else None
        for format in () if kind is None else formats_of(media, kind):
            if format.payload_type is not None:
                numbers[format.payload_type, identity(format)] = None
        ids.update(dict.fromkeys((line.id, line.uri) for line in media.every(ExtMap)))
    return replace(session, numbers=tuple(numbers), extension_ids=tuple(ids))


@dataclass(frozen=True, slots=True)
class _Answered:
    """A transceiver after our answer, and what that did to its track."""

    transceiver: Transceiver
    track: RemoteTrack | None = None


def _set_answer(
    session: Session, proposal: Proposal, description: Description, state: SignalingState
) -> tuple[Session, Changes]:
    offer = session.pending_remote
    assert offer is not None
    reading = read(offer.content)
    after = merged(session, proposal.transports)
    answered = [_answered(after, one, reading, proposal) for one in after.transceivers]
    after = replace(
        after,
        signaling_state=state,
        pending_local=description,
        transceivers=tuple(one.transceiver for one in answered),
        data=_answered_data(after.data, reading, proposal),
    )
    after = _remembering(after, description.content)
    if state is SignalingState.STABLE:
        stopped_before = frozenset(one.key for one in session.transceivers if one.stopped)
        after = settled(after, description, offer, removable=stopped_before)
    after = pruned(after)
    tracks = tuple(one.track for one in answered if one.track is not None)
    return after, answer_changes(session, after, tracks, remote_candidates(after, reading))


def _answered(session: Session, transceiver: Transceiver, offer: Reading, proposal: Proposal) -> _Answered:
    index = transceiver.m_line_index
    if index is None or index >= len(proposal.sections) or transceiver.stopped:
        return _Answered(transceiver)
    local, remote = proposal.content.media[index], offer.media[index]
    if not is_live(local):
        muted, track = process_remote_track(transceiver, Direction.INACTIVE, ())
        return _Answered(stopped(muted), track)
    direction = proposal.content.direction(local)
    track = None
    if direction.receives:
        transceiver = replace(transceiver, fired_direction=direction)
    else:
        transceiver, track = process_remote_track(transceiver, direction, ())
    transceiver = replace(
        transceiver,
        current_direction=direction,
        transport=proposal.sections[index].transport,
        rids=kept_rids(transceiver.rids, sent_rids(local)) if direction.sends else transceiver.rids,
    )
    return _Answered(
        negotiated_transceiver(session, transceiver, local, remote, answered_locally=True), track
    )


def _answered_data(data: DataSection, offer: Reading, proposal: Proposal) -> DataSection:
    index = data.m_line_index
    if index is None or index >= len(proposal.sections):
        return data
    if not is_live(proposal.content.media[index]):
        return DataSection()
    opened = replace(data, transport=proposal.sections[index].transport)
    return negotiated_data(opened, offer.media[index])
