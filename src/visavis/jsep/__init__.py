"""Offer and answer (RFC 9429) as pure functions over session descriptions, for a server."""

from visavis.jsep.codecs import match_payloads
from visavis.jsep.model import (
    LocalTransport,
    NegotiatedCodec,
    OfferedSection,
    PublisherAnswer,
    ReceivingSection,
    RemoteTransport,
    SendingSection,
    SubscriberAnswer,
    SubscriberCodecs,
)
from visavis.jsep.offered import MAX_SECTIONS
from visavis.jsep.publish import PublisherOffer, answer_publisher, read_publisher
from visavis.jsep.subscribe import accept_subscriber, offer_subscriber

__all__ = [
    "MAX_SECTIONS",
    "LocalTransport",
    "NegotiatedCodec",
    "OfferedSection",
    "PublisherAnswer",
    "PublisherOffer",
    "ReceivingSection",
    "RemoteTransport",
    "SendingSection",
    "SubscriberAnswer",
    "SubscriberCodecs",
    "accept_subscriber",
    "answer_publisher",
    "match_payloads",
    "offer_subscriber",
    "read_publisher",
]
