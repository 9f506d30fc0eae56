"""Each end shows the other that it knows the secret, bound to the keys of this very connection.

DTLS has proved that the peer holds the certificate whose fingerprint was signaled, and not that nobody
changed the signaling. So both ends send HMAC-SHA-256 (RFC 2104), keyed with the secret, over their own role
and the fingerprints (RFC 8122) that they saw on either side. Somebody between has fingerprints of his own
towards each end, and can make neither proof.
"""

import hashlib
import hmac
import re
from enum import StrEnum

from visavis.errors import RemoteProtocolError
from visavis.transfer.secret import canonical

_LABEL = "visavis-transfer-1"
_FINGERPRINT = re.compile(r"^a=fingerprint:(\S+) (\S+)[ \r]*$", re.MULTILINE)


class Role(StrEnum):
    """Who makes a proof: the end that waits at the link, or the one that came by it."""

    HOST = "host"
    VISITOR = "visitor"


def fingerprints_untrusted(description: str) -> str:
    """All fingerprints of a description, in one order: a line too many makes the proofs differ.

    Raises:
        RemoteProtocolError: It has none.
    """
    found = {f"{algorithm} {digest}".lower() for algorithm, digest in _FINGERPRINT.findall(description)}
    if not found:
        raise RemoteProtocolError("the description has no fingerprint")
    return ",".join(sorted(found))


def proof(secret: str, role: Role, visitor: str, host: str) -> str:
    """What `role` sends.

    Args:
        secret: as typed or shown.
        role: whose proof it is.
        visitor: the visitor's fingerprints.
        host: the host's.
    """
    said = "\n".join((_LABEL, role, visitor, host)).encode()
    return hmac.new(canonical(secret).encode(), said, hashlib.sha256).hexdigest()


def is_proof(sent: str, expected: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(sent.encode(), expected.encode())
