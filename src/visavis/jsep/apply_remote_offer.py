"""Applying an offer of the peer (RFC 9429 section 5.10, W3C webrtc-pc section 4.4.1.5)."""

from visavis.dataplane.commands import Kind
from visavis.jsep.negotiated import stopped
from visavis.jsep.reading import Reading, is_data, kind_of, read, requested_rids, reversed_direction
from visavis.jsep.remote_tracks import process_remote_track
from visavis.jsep.session import (
    Changes,
    Description,
    Draw,
    RemoteTrack,
    SdpType,
    Session,
    SignalingState,
    Transceiver,
)
from visavis.jsep.slots import Mids
from visavis.jsep.sources import MAX_LAYERS, layers
from visavis.jsep.transceivers import add_transceiver
from visavis.jsep.transport import is_live
from visavis.jsep.transports import remote_candidates
from visavis.jsep.validate import check_offer
from visavis.sdp import Direction, MediaDescription, SessionDescription
from visavis.values import replace


def apply_remote_offer(
    session: Session, content: SessionDescription, text: str, state: SignalingState, draw: Draw
) -> tuple[Session, Changes]:
    """The session with an offer to answer; transports wait for the answer."""
    reading = read(content)
    check_offer(session, reading)
    after, answer = session, session.last_answer
    mids = Mids(session, (media.mid for media in content.media))
    tracks: list[RemoteTrack] = []
    for index, media in enumerate(reading.media):
        after, track = _apply(after, reading, index, media, mids, draw)
        if track is not None:
            tracks.append(track)
    after = replace(
        after,
        signaling_state=state,
        pending_remote=Description(SdpType.OFFER, content, text),
        can_trickle=reading.trickle,
        stable=session.stable or session,
        last_answer=answer if answer is not None and answer.answers == text else None,
    )
    old = {one.key: one for one in session.transceivers}
    return after, Changes(
        created=tuple(one.key for one in after.transceivers if one.key not in old),
        stopped=tuple(
            one.key
            for one in after.transceivers
            if one.stopped and one.key in old and not old[one.key].stopped
        ),
        tracks=tuple(tracks),
        encodings=tuple(
            one.key for one in after.transceivers if one.key in old and old[one.key].rids != one.rids
        ),
        candidates=remote_candidates(after, reading),
    )


def _apply(
    session: Session, reading: Reading, index: int, media: MediaDescription, mids: Mids, draw: Draw
) -> tuple[Session, RemoteTrack | None]:
    kind = kind_of(media)
    session = _freed(session, index, media, kind)
    if kind is None:
        return _with_data(session, index, media, mids), None
    transceiver = session.transceiver_at(index)
    if not is_live(media):
        if transceiver is None or transceiver.stopped:
            return session, None
        muted, track = process_remote_track(transceiver, Direction.INACTIVE, ())
        return _with(session, stopped(muted)), track
    rids = requested_rids(media)[: session.capabilities.max_encodings] if kind is Kind.VIDEO else ()
    if transceiver is None:
        transceiver = _free_transceiver(session, kind) if reading.direction(media).receives else None
    if transceiver is None:
        session, key = add_transceiver(session, kind, draw, direction=Direction.RECVONLY)
        transceiver = replace(session.transceiver(key), from_remote=True)
    mid = media.mid or transceiver.mid or mids.new()
    transceiver = replace(
        transceiver,
        mid=mid,
        m_line_index=index,
        rids=rids if rids and transceiver.rids == (None,) else transceiver.rids,
        receive_rids=_received_rids(session, transceiver, media),
    )
    direction = reversed_direction(reading.direction(media))
    stream_ids = reading.stream_ids(media, session.default_stream_id)
    transceiver, track = process_remote_track(transceiver, direction, stream_ids)
    return _with(session, transceiver), track


def _received_rids(session: Session, transceiver: Transceiver, media: MediaDescription) -> tuple[str, ...]:
    """The simulcast streams that the answer will take: those that there is room for, the first ones."""
    asked = session.receives_simulcast or transceiver.receive_rids
    return layers(media)[:MAX_LAYERS] if asked else ()


def _freed(session: Session, index: int, media: MediaDescription, kind: Kind | None) -> Session:
    """Takes a transceiver from an m-line that another one uses again (RFC 9429 section 5.10)."""
    one = session.transceiver_at(index)
    if one is None or (one.kind is kind and media.mid in (None, one.mid)):
        return session
    return _with(session, replace(one, mid=None, m_line_index=None))


def _with_data(session: Session, index: int, media: MediaDescription, mids: Mids) -> Session:
    if not is_live(media) or not is_data(media) or session.data.m_line_index not in (None, index):
        return session
    mid = media.mid or session.data.mid or mids.new()
    return replace(session, data=replace(session.data, mid=mid, m_line_index=index))


def _free_transceiver(session: Session, kind: Kind) -> Transceiver | None:
    """The first one of `addTrack` that has no m-line yet, for a peer that wants to receive."""
    return next(
        (
            one
            for one in session.transceivers
            if one.kind is kind and one.add_track and one.m_line_index is None and not one.stopping
        ),
        None,
    )


def _with(session: Session, transceiver: Transceiver) -> Session:
    return replace(
        session,
        transceivers=tuple(
            transceiver if one.key == transceiver.key else one for one in session.transceivers
        ),
    )
