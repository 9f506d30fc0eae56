"""Answering a publisher (RFC 9429 section 5.3)."""

from visavis.jsep.model import LocalTransport, PublisherAnswer
from visavis.sdp import SessionDescription


def answer_publisher(
    offer: SessionDescription, local: LocalTransport, *, session_id: int, session_version: int
) -> PublisherAnswer:
    """Answers an offer of a peer that sends to us; raises `SdpError` when it cannot be answered."""
    raise NotImplementedError


def is_ice_restart(previous: SessionDescription, new: SessionDescription) -> bool:
    """Whether `new` asks for an ICE restart: other credentials than `previous` had (RFC 8839 section 4.4.3)."""
    raise NotImplementedError
