"""Rolling back an offer (RFC 9429 section 5.7, W3C webrtc-pc section 4.4.1.5)."""

from visavis.errors import StateError
from visavis.jsep.remote_tracks import process_remote_track
from visavis.jsep.session import (
    Changes,
    RemoteTrack,
    SdpType,
    Session,
    Side,
    SignalingState,
    Transceiver,
    Transport,
)
from visavis.jsep.signaling import next_state
from visavis.jsep.transports import transport_changes
from visavis.values import replace


def roll_back(session: Session, side: Side) -> tuple[Session, Changes]:
    """The session as it was in `stable`, with what the program did to it since then.

    A transceiver that the peer's offer created goes, unless `addTrack` used it.

    RFC 9429 section 5.7 lets `set_local` and `set_remote` roll back either offer. Browsers, and
    web-platform-tests, have `set_local` take back ours and `set_remote` the peer's.

    Raises:
        StateError: there is no offer of that side, or a provisional answer has come.
    """
    state = next_state(session.signaling_state, side, SdpType.ROLLBACK)
    stable = session.stable
    if stable is None:
        raise StateError("there is nothing to roll back")
    remote = session.signaling_state is SignalingState.HAVE_REMOTE_OFFER
    old = {one.key: one for one in stable.transceivers}
    kept: list[Transceiver] = []
    removed: list[int] = []
    tracks: list[RemoteTrack] = []
    for one in session.transceivers:
        restored = _restored(one, old.get(one.key))
        if remote:
            stream_ids = old[one.key].remote_stream_ids if one.key in old else ()
            restored, track = process_remote_track(restored, one.current_direction, stream_ids)
            if track is not None:
                tracks.append(track)
        if one.from_remote and not one.add_track and one.key not in old:
            removed.append(one.key)
        else:
            kept.append(restored)
    after = replace(
        session,
        signaling_state=state,
        pending_local=None,
        pending_remote=None,
        stable=None,
        transceivers=tuple(kept),
        transports=_restored_transports(session, stable),
        data=stable.data,
    )
    changes = Changes(
        stopped=tuple(removed),
        removed=tuple(removed),
        tracks=tuple(tracks),
        encodings=tuple(one.key for one in kept if one.rids != session.transceiver(one.key).rids),
        data_closed=session.data.m_line_index is not None and stable.data.m_line_index is None,
    )
    return after, transport_changes(session, after, changes)


def _restored(transceiver: Transceiver, old: Transceiver | None) -> Transceiver:
    """A transceiver with what was negotiated before and what the program did since."""
    if old is None:
        rids = (None,) if transceiver.from_remote else transceiver.rids
        return replace(
            transceiver,
            mid=None,
            m_line_index=None,
            transport=None,
            rids=rids,
            receive_rids=() if transceiver.from_remote else transceiver.receive_rids,
            send_formats=(),
            receive_formats=(),
            extensions=(),
            remote_ssrcs=(),
        )
    return replace(
        transceiver,
        mid=old.mid,
        m_line_index=old.m_line_index,
        transport=old.transport,
        rids=old.rids if old.rids == (None,) else transceiver.rids,
        send_formats=old.send_formats,
        receive_formats=old.receive_formats,
        extensions=old.extensions,
        remote_ssrcs=old.remote_ssrcs,
        receive_rids=old.receive_rids,
    )


def _restored_transports(session: Session, stable: Session) -> tuple[Transport, ...]:
    """The transports of before; where nothing was restarted, with the candidates that were found since."""
    now = {one.key: one for one in session.transports}
    return tuple(
        now[one.key] if one.key in now and now[one.key].local == one.local else one
        for one in stable.transports
    )
