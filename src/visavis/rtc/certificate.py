"""RTCCertificate and its making (webrtc-pc section 4.9)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from visavis.dataplane import Certificate
from visavis.dataplane.commands import Fingerprint
from visavis.errors import DOMException
from visavis.rtc import idl
from visavis.rtc.idl import Range

_DEFAULT_LIFE_MS = 30 * 24 * 60 * 60 * 1000
_LONGEST_LIFE_MS = 365 * 24 * 60 * 60 * 1000
_CURVES = ("P-256", "P-384")
_HIGHEST_SAFE_INTEGER = 2**53 - 1

UnsignedLongLong = Annotated[int, Range(0, _HIGHEST_SAFE_INTEGER)]


@dataclass(slots=True)
class RTCDtlsFingerprint:
    """A digest (RFC 8122 section 5): `algorithm` as in SDP, `value` lower case with colons."""

    algorithm: str | None = None
    value: str | None = None


@dataclass(slots=True)
class RTCCertificateExpiration:
    """How long a certificate is to be valid, in milliseconds."""

    expires: UnsignedLongLong | None = None


class RTCCertificate:
    """A key with its self-signed certificate. The key is the data plane's and never reaches Python."""

    def __init__(self, certificate: Certificate, expires_ms: int) -> None:
        """`RTCPeerConnection.generateCertificate` makes them."""
        self._certificate = certificate
        self._expires_ms = expires_ms

    @property
    def expires(self) -> int:
        """Milliseconds since 1970 after which no connection can be constructed with it."""
        return self._expires_ms

    def getFingerprints(self) -> list[RTCDtlsFingerprint]:
        """The digest that descriptions carry."""
        return [RTCDtlsFingerprint("sha-256", self._certificate.fingerprint.hex(":"))]

    @property
    def native(self) -> Certificate:
        """What the data plane shows to peers."""
        return self._certificate

    @property
    def der(self) -> bytes:
        """The certificate as peers see it."""
        return self._certificate.der

    @property
    def fingerprint(self) -> Fingerprint:
        """The digest in bytes."""
        return Fingerprint("sha-256", self._certificate.fingerprint)


def generate(algorithm: Mapping[str, object] | str) -> RTCCertificate:
    """Makes a certificate by a Web Cryptography algorithm identifier, whose names are in any case.

    Raises:
        DOMException: `NotSupportedError`, the algorithm is not ECDSA over P-256 or P-384.
        TypeError: The identifier lacks what its algorithm needs.
    """
    members = {"name": algorithm} if isinstance(algorithm, str) else algorithm
    expiration = idl.dictionary(RTCCertificateExpiration, members)
    name = members.get("name")
    if not isinstance(name, str):
        raise TypeError("an algorithm has a name")
    if name.upper() != "ECDSA":
        raise DOMException(f"certificates are ECDSA, not {name}", "NotSupportedError")
    curve = members.get("namedCurve")
    if not isinstance(curve, str):
        raise TypeError("ECDSA needs a namedCurve")
    if curve not in _CURVES:
        raise DOMException(f"certificates are over {' or '.join(_CURVES)}, not {curve}", "NotSupportedError")
    life_ms = min(_DEFAULT_LIFE_MS if expiration.expires is None else expiration.expires, _LONGEST_LIFE_MS)
    made = Certificate.generate(curve, valid_s=life_ms / 1000)
    return RTCCertificate(made, int(now_ms()) + life_ms)


def default() -> RTCCertificate:
    """The certificate of a connection that is not told one."""
    return generate({"name": "ECDSA", "namedCurve": "P-256"})


def now_ms() -> float:
    """Wall clock time as the W3C has it, milliseconds since 1970."""
    return time.time() * 1000
