"""Whether negotiation is needed (W3C webrtc-pc section 4.7.3)."""

from visavis.jsep.reading import intersected, reversed_direction
from visavis.jsep.session import Description, SdpType, Session, Transceiver
from visavis.jsep.transport import is_live
from visavis.sdp import MediaDescription, Msid


def needs_negotiation(session: Session) -> bool:
    """The algorithm "check if negotiation is needed", for a session in `stable`."""
    if session.replaced_credentials:
        return True
    local = session.current_local
    if session.wants_data and not _has_data(local):
        return True
    return any(_needs(session, local, one) for one in session.transceivers)


def _has_data(local: Description | None) -> bool:
    """Whether data was negotiated: a peer that rejected it is not asked over and over."""
    return local is not None and any(media.kind == "application" for media in local.content.media)


def _needs(session: Session, local: Description | None, one: Transceiver) -> bool:
    if one.stopping and not one.stopped:
        return True
    media = None if local is None else local.section(one.m_line_index)
    if one.stopped:
        return one.m_line_index is not None and not _is_rejected(session, one.m_line_index)
    if local is None or media is None:
        return True
    return (one.direction.sends and _names_others(one, media)) or _goes_elsewhere(session, local, one, media)


def _is_rejected(session: Session, index: int) -> bool:
    sections = (
        one.section(index) for one in (session.current_local, session.current_remote) if one is not None
    )
    return any(media is not None and not is_live(media) for media in sections)


def _names_others(one: Transceiver, media: MediaDescription) -> bool:
    """Whether the streams are others than its `a=msid` lines name."""
    lines = media.every(Msid)
    named = {line.stream_id for line in lines if line.stream_id != "-"}
    return not lines or named != set(one.stream_ids)


def _goes_elsewhere(session: Session, local: Description, one: Transceiver, media: MediaDescription) -> bool:
    """Whether the direction is another one than was negotiated."""
    own = local.content.direction(media)
    remote = session.current_remote
    theirs = None if remote is None else remote.section(one.m_line_index)
    if remote is None or theirs is None:
        return own is not one.direction
    offered = reversed_direction(remote.content.direction(theirs))
    if local.type is SdpType.OFFER:
        return one.direction not in (own, offered)
    return own is not intersected(one.direction, offered)
