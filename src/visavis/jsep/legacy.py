"""The legacy options of `createOffer` (W3C webrtc-pc section 4.4.3.2)."""

from visavis.dataplane.commands import Kind
from visavis.jsep.reading import direction_of
from visavis.jsep.session import Draw, Session
from visavis.jsep.transceivers import add_transceiver, set_direction
from visavis.sdp import Direction


def with_offer_options(
    session: Session, draw: Draw, *, audio: bool | None = None, video: bool | None = None
) -> Session:
    """The session after `offerToReceiveAudio` and `offerToReceiveVideo`; None is a member that is not there.

    Transceivers that it adds do not make negotiation needed: that is the caller's to see to.
    """
    for kind, wanted in ((Kind.AUDIO, audio), (Kind.VIDEO, video)):
        if wanted is not None:
            session = _with(session, draw, kind, wanted)
    return session


def _with(session: Session, draw: Draw, kind: Kind, wanted: bool) -> Session:
    receiving = [
        one
        for one in session.transceivers
        if one.kind is kind and not one.stopped and not one.stopping and one.direction.receives
    ]
    if not wanted:
        for one in receiving:
            session = set_direction(session, one.key, direction_of(sends=one.direction.sends, receives=False))
    elif not receiving:
        session, _ = add_transceiver(session, kind, draw, direction=Direction.RECVONLY)
    return session
