"""Long-term credentials (RFC 8489 section 9.2): what a server's challenge says, and the key that answers
it."""

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

from visavis.stun.attributes import Attributes, find, read_text_untrusted
from visavis.stun.registry import AttributeType

_MAX_NONCE_BYTES = 763


class PasswordAlgorithm(IntEnum):
    """How a password becomes a key (RFC 8489 section 18.5)."""

    MD5 = 1
    SHA256 = 2


@dataclass(frozen=True, slots=True)
class LongTermCredentials:
    """A user's name and password at a server."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """REALM and NONCE of a 401 or 438 (RFC 8489 section 9.2.4), bytes as they came: they go back
    unchanged."""

    realm: bytes
    nonce: bytes


def long_term_key(
    credentials: LongTermCredentials, realm: str, algorithm: PasswordAlgorithm = PasswordAlgorithm.MD5
) -> bytes:
    """The HMAC key of MESSAGE-INTEGRITY (RFC 8489 sections 9.2.2 and 18.5.1).

    `realm` and the credentials have been prepared by OpaqueString (RFC 8265) by who made them, as both ends
    must agree.
    """
    text = f"{credentials.username}:{realm}:{credentials.password}".encode()
    match algorithm:
        case PasswordAlgorithm.MD5:
            return hashlib.md5(text, usedforsecurity=False).digest()
        case PasswordAlgorithm.SHA256:
            return hashlib.sha256(text).digest()


def read_challenge_untrusted(attributes: Attributes) -> Challenge | None:
    """The challenge of an error response, None when it lacks REALM or NONCE or one is too long."""
    attributes = list(attributes)
    realm = find(attributes, AttributeType.REALM)
    nonce = find(attributes, AttributeType.NONCE)
    if realm is None or read_text_untrusted(realm) is None:
        return None
    if nonce is None or not 0 < len(nonce) <= _MAX_NONCE_BYTES:
        return None
    return Challenge(realm, nonce)


def answer(challenge: Challenge, credentials: LongTermCredentials) -> tuple[list[tuple[int, bytes]], bytes]:
    """What a request says to a challenge, and the key that seals it (RFC 8489 section 9.2.5).

    The key is MD5's, whatever PASSWORD-ALGORITHMS offers: a client that does not echo the offer is one of
    RFC 5389 and served as such, and the others must be sealed by MESSAGE-INTEGRITY-SHA256.
    """
    attributes = [
        (int(AttributeType.USERNAME), credentials.username.encode()),
        (int(AttributeType.REALM), challenge.realm),
        (int(AttributeType.NONCE), challenge.nonce),
    ]
    return attributes, long_term_key(credentials, challenge.realm.decode())
