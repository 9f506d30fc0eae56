"""The legacy options of `createOffer` (W3C webrtc-pc section 4.4.3.2)."""

from visavis.jsep.session import Draw, Session


def with_offer_options(
    session: Session, draw: Draw, *, audio: bool | None = None, video: bool | None = None
) -> Session:
    """The session after `offerToReceiveAudio` and `offerToReceiveVideo`; None is a member that is not there."""
    raise NotImplementedError
