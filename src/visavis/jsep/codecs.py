"""Codecs: which are the same format (RFC 9429 section 5.3.1, and each payload format's RFC)."""

from visavis.dataplane.commands import PayloadMap
from visavis.jsep.model import NegotiatedCodec


def match_payloads(
    published: tuple[NegotiatedCodec, ...], subscribed: tuple[NegotiatedCodec, ...]
) -> tuple[PayloadMap, ...]:
    """For each payload type of a publisher, the subscriber's type of the same format; without one, none."""
    raise NotImplementedError
