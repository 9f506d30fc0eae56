"""Session descriptions (RFC 8866) as WebRTC uses them (RFC 9429): read, modelled, written."""

from visavis.sdp.attributes import Attribute, Candidate, UnknownAttribute
from visavis.sdp.model import MediaDescription, Origin, SessionDescription
from visavis.sdp.parse import parse

__all__ = [
    "Attribute",
    "Candidate",
    "MediaDescription",
    "Origin",
    "SessionDescription",
    "UnknownAttribute",
    "parse",
]
