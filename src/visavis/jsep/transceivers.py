"""What a program does to a session between descriptions (W3C webrtc-pc sections 4.4, 5.1 and 5.4)."""

from visavis.dataplane.commands import Kind
from visavis.errors import InvalidPreferencesError
from visavis.jsep.capabilities import CodecCapability, Format
from visavis.jsep.formats import is_media
from visavis.jsep.identity import identity
from visavis.jsep.negotiated import credentials_in
from visavis.jsep.reading import direction_of
from visavis.jsep.session import Draw, Session, SignalingState, Transceiver
from visavis.sdp import Direction, Msid
from visavis.values import replace


def add_transceiver(
    session: Session,
    kind: Kind,
    draw: Draw,
    *,
    direction: Direction = Direction.SENDRECV,
    track_id: str | None = None,
    stream_ids: tuple[str, ...] = (),
    rids: tuple[str | None, ...] = (None,),
    receive_rids: tuple[str, ...] = (),
    add_track: bool = False,
) -> tuple[Session, int]:
    """A transceiver more, for `addTransceiver`, or with `add_track` for `addTrack`; and its key.

    Without a track, or with one that another transceiver names already, its `a=msid` has a random track id.
    `receive_rids` are simulcast streams to ask the peer for.
    """
    taken = {number for one in session.transceivers for number in (one.ssrc, one.rtx_ssrc)} | {0}
    ssrc = _ssrc(draw, taken)
    one = Transceiver(
        key=session.next_transceiver,
        kind=kind,
        direction=direction,
        track_id=_track_id(session, track_id, draw),
        ssrc=ssrc,
        rtx_ssrc=_ssrc(draw, taken | {ssrc}) if kind is Kind.VIDEO else 0,
        stream_ids=tuple(dict.fromkeys(stream_ids)),
        rids=rids,
        receive_rids=receive_rids,
        add_track=add_track,
    )
    transceivers = (*session.transceivers, one)
    return replace(session, transceivers=transceivers, next_transceiver=one.key + 1), one.key


def _ssrc(draw: Draw, taken: set[int]) -> int:
    while (ssrc := draw.ssrc()) in taken:
        pass
    return ssrc


def _track_id(session: Session, wanted: str | None, draw: Draw) -> str:
    if wanted is None or any(one.track_id == wanted for one in session.transceivers):
        return draw.track_id()
    return wanted


def attach_track(session: Session, key: int, track_id: str, stream_ids: tuple[str, ...]) -> Session:
    """`addTrack` on a transceiver that is there: it sends from now on, and names these streams.

    The track id of its `a=msid` stays once a description had it. One that `addTransceiver` made still waits
    for an offer of its own.
    """
    one = session.transceiver(key)
    told = None if session.local is None else session.local.section(one.m_line_index)
    free = not any(other.track_id == track_id for other in session.transceivers if other.key != key)
    named = told is not None and told.first(Msid) is not None
    return _with(
        session,
        replace(
            one,
            direction=direction_of(sends=True, receives=one.direction.receives),
            track_id=track_id if free and not named else one.track_id,
            stream_ids=tuple(dict.fromkeys(stream_ids)),
            add_track=one.add_track or one.from_remote,
        ),
    )


def set_direction(session: Session, key: int, direction: Direction) -> Session:
    """`RTCRtpTransceiver.direction`; `removeTrack` uses it too."""
    return _with(session, replace(session.transceiver(key), direction=direction))


def set_streams(session: Session, key: int, stream_ids: tuple[str, ...]) -> Session:
    """`RTCRtpSender.setStreams`."""
    return _with(session, replace(session.transceiver(key), stream_ids=tuple(dict.fromkeys(stream_ids))))


def set_codec_preferences(session: Session, key: int, preferences: tuple[Format, ...]) -> Session:
    """`RTCRtpTransceiver.setCodecPreferences`; none takes them back. Repeats are left out.

    Raises:
        InvalidPreferencesError: a codec that the endpoint does not have, or none that carries media
            (`InvalidModificationError`).
    """
    one = session.transceiver(key)
    known = session.capabilities.of(one.kind)
    chosen = tuple(dict.fromkeys(preferences))
    for format in chosen:
        if not any(_is_codec(codec, format) for codec in known):
            raise InvalidPreferencesError(
                f"{format.mime} with these parameters is none of this endpoint's codecs"
            )
    if chosen and not any(map(is_media, chosen)):
        raise InvalidPreferencesError("the preferences have no codec that carries media")
    return _with(session, replace(one, preferences=chosen))


def _is_codec(codec: CodecCapability, format: Format) -> bool:
    """Codec dictionary match (W3C webrtc-pc section 5.2.1); RTX is there with all that it repairs."""
    if format.is_rtx:
        return codec.rtx_payload_type is not None and format.clock_hz == codec.clock_hz
    return identity(codec) == identity(format) and codec.format.values == format.values


def set_receives_simulcast(session: Session, receives: bool) -> Session:
    """Whether answers from now on take all the simulcast streams that are offered."""
    return replace(session, receives_simulcast=receives)


def stop(session: Session, key: int) -> Session:
    """`RTCRtpTransceiver.stop`: it is stopping; the next negotiation stops it."""
    return _with(session, replace(session.transceiver(key), stopping=True, direction=Direction.INACTIVE))


def want_data(session: Session) -> Session:
    """The first `createDataChannel`: the next offer has a data m-line."""
    return replace(session, wants_data=True)


def restart_ice(session: Session) -> Session:
    """`restartIce`: the next offer has new ICE credentials. Before the first description it does nothing."""
    descriptions = (session.current_local, session.pending_local)
    found = [credentials_in(one.content) for one in descriptions if one is not None]
    return replace(session, replaced_credentials=frozenset().union(*found))


def close(session: Session) -> Session:
    """`close`: the state is `closed`, all transceivers are stopped, all transports are gone."""
    return replace(
        session,
        signaling_state=SignalingState.CLOSED,
        transceivers=tuple(
            replace(one, stopping=True, stopped=True, direction=Direction.INACTIVE, current_direction=None)
            for one in session.transceivers
        ),
        transports=(),
        stable=None,
        last_offer=None,
        last_answer=None,
    )


def _with(session: Session, transceiver: Transceiver) -> Session:
    return replace(
        session,
        transceivers=tuple(
            transceiver if one.key == transceiver.key else one for one in session.transceivers
        ),
    )
