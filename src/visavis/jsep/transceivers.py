"""What a program does to a session between descriptions (W3C webrtc-pc sections 5.1 and 5.4, 6.1)."""

from visavis.dataplane.commands import Kind
from visavis.jsep.capabilities import Format
from visavis.jsep.session import Draw, Session
from visavis.sdp import Direction


def add_transceiver(
    session: Session,
    kind: Kind,
    draw: Draw,
    *,
    direction: Direction = Direction.SENDRECV,
    track_id: str | None = None,
    stream_ids: tuple[str, ...] = (),
    rids: tuple[str | None, ...] = (None,),
    add_track: bool = False,
) -> tuple[Session, int]:
    """A transceiver more, for `addTransceiver`, or with `add_track` for `addTrack`; and its key."""
    raise NotImplementedError


def attach_track(session: Session, key: int, track_id: str, stream_ids: tuple[str, ...]) -> Session:
    """`addTrack` on a transceiver that is there: it sends from now on, and names these streams."""
    raise NotImplementedError


def set_direction(session: Session, key: int, direction: Direction) -> Session:
    """`RTCRtpTransceiver.direction`; `removeTrack` uses it too."""
    raise NotImplementedError


def set_streams(session: Session, key: int, stream_ids: tuple[str, ...]) -> Session:
    """`RTCRtpSender.setStreams`."""
    raise NotImplementedError


def set_codec_preferences(session: Session, key: int, preferences: tuple[Format, ...]) -> Session:
    """`RTCRtpTransceiver.setCodecPreferences`; none takes them back.

    Raises:
        InvalidPreferencesError: a codec that the endpoint does not have, or only repairs (`InvalidModificationError`).
    """
    raise NotImplementedError


def stop(session: Session, key: int) -> Session:
    """`RTCRtpTransceiver.stop`: it is stopping; the next negotiation stops it."""
    raise NotImplementedError


def want_data(session: Session) -> Session:
    """The first `createDataChannel`: the next offer has a data m-line."""
    raise NotImplementedError


def restart_ice(session: Session) -> Session:
    """`restartIce`: the next offer has new ICE credentials."""
    raise NotImplementedError


def close(session: Session) -> Session:
    """`close`: the state is `closed`, and all transceivers are stopped."""
    raise NotImplementedError
