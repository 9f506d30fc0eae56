"""Whether negotiation is needed (W3C webrtc-pc section 4.7.3)."""

from visavis.jsep.session import Session


def needs_negotiation(session: Session) -> bool:
    """The algorithm "check if negotiation is needed", for a session in `stable`."""
    raise NotImplementedError
