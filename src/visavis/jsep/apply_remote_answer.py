"""Applying an answer of the peer, provisional or not (RFC 9429 sections 5.10 and 5.11)."""

from visavis.errors import InvalidDescriptionError
from visavis.jsep.negotiated import (
    answer_changes,
    kept_rids,
    negotiated_data,
    negotiated_transceiver,
    settled,
    stopped,
)
from visavis.jsep.reading import Reading, read, requested_rids, reversed_direction
from visavis.jsep.remote_tracks import process_remote_track
from visavis.jsep.session import (
    Changes,
    DataSection,
    Description,
    RemoteTrack,
    SdpType,
    Session,
    SignalingState,
    Transceiver,
    Transport,
)
from visavis.jsep.sources import layers
from visavis.jsep.transport import called, is_live
from visavis.jsep.transports import (
    answered_role,
    lasting_role,
    merged,
    pruned,
    remote_candidates,
    transport_at,
    with_remote,
)
from visavis.jsep.validate import check_answer
from visavis.sdp import Direction, SessionDescription, Simulcast
from visavis.values import replace


def apply_remote_answer(
    session: Session, type: SdpType, content: SessionDescription, text: str, state: SignalingState
) -> tuple[Session, Changes]:
    """The session after an answer: its transports are joined and connected, its m-lines negotiated."""
    offer = session.pending_local
    assert offer is not None
    answer = Description(type, content, text)
    reading = read(content)
    check_answer(session, offer, reading)
    transports = _transports(session, reading)
    after = merged(session, transports.values())
    tracks: list[RemoteTrack] = []
    transceivers: list[Transceiver] = []
    for one in after.transceivers:
        answered, track = _answered(after, one, offer, reading, transports)
        transceivers.append(answered)
        if track is not None:
            tracks.append(track)
    after = replace(
        after,
        signaling_state=state,
        pending_remote=answer,
        can_trickle=reading.trickle,
        transceivers=tuple(transceivers),
        data=_answered_data(after.data, reading, transports),
    )
    if state is SignalingState.STABLE:
        after = settled(after, offer, answer, removable=frozenset(one.key for one in transceivers))
    after = pruned(after)
    return after, answer_changes(session, after, tuple(tracks), remote_candidates(after, reading))


def _transports(session: Session, answer: Reading) -> dict[int, Transport]:
    """The transport of each accepted m-line, as the answer leaves it, by the m-lines' places.

    Of a BUNDLE group all m-lines get that of the first one, and the others' are given up (RFC 8843
    section 7.3.3).
    """
    transports: dict[int, Transport] = {}
    speakers: dict[int, int] = {}
    for index, media in enumerate(answer.media):
        if not is_live(media):
            continue
        tagged = media if media.mid is None else answer.tagged.get(media.mid, media)
        speaker = index if tagged is media else answer.media.index(tagged)
        transport = transport_at(session, speaker)
        if transport is None:
            continue
        if speakers.setdefault(transport.key, speaker) != speaker:
            raise InvalidDescriptionError(
                f"{called(index, media)} left its BUNDLE group, and has no transport of its own (RFC 8843)"
            )
        role = answered_role(speaker, answer, tagged)
        if _is_restarted(session, transport, speaker, answer):
            role = lasting_role(transport, answer, tagged) or role
        transports[index] = with_remote(transport, speaker, answer, tagged, role)
    return transports


def _is_restarted(session: Session, transport: Transport, index: int, answer: Reading) -> bool:
    """Whether our offer restarts ICE, which has to be answered with new credentials (RFC 8839 section 4.4.2).

    New ones without a restart of ours are taken, which RFC 9429 section 5.10 would refuse: the peer may have
    been replaced by another one.
    """
    before = () if session.stable is None else session.stable.transports
    was = next((one for one in before if one.key == transport.key), None)
    if was is None or was.remote is None or was.local == transport.local:
        return False
    media = answer.media[index]
    if was.remote == answer.credentials(media):
        raise InvalidDescriptionError(
            f"{called(index, media)} answers an ICE restart with the credentials of before (RFC 8839)"
        )
    return True


def _answered(
    session: Session,
    transceiver: Transceiver,
    offer: Description,
    answer: Reading,
    transports: dict[int, Transport],
) -> tuple[Transceiver, RemoteTrack | None]:
    index = transceiver.m_line_index
    if index is None or index >= len(answer.media) or transceiver.stopped:
        return transceiver, None
    local, remote = offer.content.media[index], answer.media[index]
    if not is_live(remote):
        muted, track = process_remote_track(transceiver, Direction.INACTIVE, ())
        return stopped(muted), track
    rids = transceiver.rids
    if local.first(Simulcast) is not None:
        rids = kept_rids(rids, requested_rids(remote))
    direction = reversed_direction(answer.direction(remote))
    stream_ids = answer.stream_ids(remote, session.default_stream_id)
    transceiver, track = process_remote_track(transceiver, direction, stream_ids)
    transport = transports.get(index)
    transceiver = replace(
        transceiver,
        current_direction=direction,
        rids=rids,
        receive_rids=tuple(rid for rid in transceiver.receive_rids if rid in layers(remote)),
        transport=transceiver.transport if transport is None else transport.key,
    )
    return negotiated_transceiver(session, transceiver, local, remote, answered_locally=False), track


def _answered_data(data: DataSection, answer: Reading, transports: dict[int, Transport]) -> DataSection:
    index = data.m_line_index
    if index is None or index >= len(answer.media):
        return data
    if not is_live(answer.media[index]):
        return DataSection()
    transport = transports.get(index)
    opened = replace(data, transport=data.transport if transport is None else transport.key)
    return negotiated_data(opened, answer.media[index])
