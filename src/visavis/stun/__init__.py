"""STUN as Python needs it: attribute values, server URIs, credentials, requests (RFC 8489, 7064, 7065)."""

from visavis.stun.credentials import LongTermCredentials, PasswordAlgorithm, long_term_key
from visavis.stun.registry import AttributeType, ErrorCode, Method
from visavis.stun.requests import CommandSink, Requests, Response
from visavis.stun.uri import Scheme, StunUri, parse_uri

__all__ = [
    "AttributeType",
    "CommandSink",
    "ErrorCode",
    "LongTermCredentials",
    "Method",
    "PasswordAlgorithm",
    "Requests",
    "Response",
    "Scheme",
    "StunUri",
    "long_term_key",
    "parse_uri",
]
