"""Offering to a subscriber, and reading its answer (RFC 9429 sections 5.2 and 5.11)."""

from collections.abc import Sequence

from visavis.jsep.model import LocalTransport, OfferedSection, SubscriberAnswer, SubscriberCodecs
from visavis.sdp import SessionDescription


def offer_subscriber(
    sections: Sequence[OfferedSection],
    local: LocalTransport,
    *,
    session_id: int,
    session_version: int,
    codecs: SubscriberCodecs | None = None,
) -> SessionDescription:
    """An offer with one m-line for each section, in their order; `codecs` is what earlier answers accepted."""
    raise NotImplementedError


def accept_subscriber(offer: SessionDescription, answer: SessionDescription) -> SubscriberAnswer:
    """Reads the answer to `offer`; raises `SdpError` when it does not fit it."""
    raise NotImplementedError
