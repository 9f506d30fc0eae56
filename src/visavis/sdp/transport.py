"""The attributes of ICE (RFC 8839), DTLS (RFC 8842, RFC 8122) and SCTP (RFC 8841), and their readers."""

import re
from dataclasses import dataclass
from enum import StrEnum

from visavis.dataplane.commands import Fingerprint
from visavis.sdp.syntax import (
    InvalidValueError,
    fields_untrusted,
    list_untrusted,
    number_untrusted,
    shown,
    token_untrusted,
    word_untrusted,
)

_ICE_CHARACTERS = re.compile(r"[A-Za-z0-9+/]+")
_DIGEST = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*")
_DIGEST_BYTES = {
    "md2": 16,
    "md5": 16,
    "sha-1": 20,
    "sha-224": 28,
    "sha-256": 32,
    "sha-384": 48,
    "sha-512": 64,
}
_MAX_DIGEST_CHARACTERS = 3 * 64 - 1
_MAX_CANDIDATE_FIELDS = 64


class Setup(StrEnum):
    """`a=setup` (RFC 4145 section 4, RFC 8842 section 5.1): who may open the DTLS association."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ACTPASS = "actpass"
    HOLDCONN = "holdconn"


@dataclass(frozen=True, slots=True)
class Candidate:
    """`a=candidate` (RFC 8839 section 5.1); `address` may be an mDNS name; `extensions` keep their order."""

    foundation: str
    component: int
    transport: str
    priority: int
    address: str
    port: int
    type: str
    related_address: str | None = None
    related_port: int | None = None
    extensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The attribute's value, as RTCIceCandidate has it after `candidate:`."""
        text = (
            f"{self.foundation} {self.component} {self.transport} {self.priority}"
            f" {self.address} {self.port} typ {self.type}"
        )
        if self.related_address is not None and self.related_port is not None:
            text += f" raddr {self.related_address} rport {self.related_port}"
        return text + "".join(f" {name} {value}" for name, value in self.extensions)


@dataclass(frozen=True, slots=True)
class IceUfrag:
    """`a=ice-ufrag` (RFC 8839 section 5.4)."""

    value: str

    def __str__(self) -> str:
        """The attribute's value."""
        return self.value


@dataclass(frozen=True, slots=True)
class IcePwd:
    """`a=ice-pwd` (RFC 8839 section 5.4); it stays out of `repr`, which logs show."""

    value: str

    def __str__(self) -> str:
        """The attribute's value."""
        return self.value

    def __repr__(self) -> str:
        """Without the secret."""
        return "IcePwd(...)"


@dataclass(frozen=True, slots=True)
class IceOptions:
    """`a=ice-options` (RFC 8839 section 5.6): `trickle` (RFC 8840), `ice2`, and others."""

    options: tuple[str, ...]

    def __str__(self) -> str:
        """The attribute's value."""
        return " ".join(self.options)


@dataclass(frozen=True, slots=True)
class TlsId:
    """`a=tls-id` (RFC 8842 section 4)."""

    value: str

    def __str__(self) -> str:
        """The attribute's value."""
        return self.value


@dataclass(frozen=True, slots=True)
class SctpPort:
    """`a=sctp-port` (RFC 8841 section 5)."""

    port: int

    def __str__(self) -> str:
        """The attribute's value."""
        return str(self.port)


@dataclass(frozen=True, slots=True)
class MaxMessageSize:
    """`a=max-message-size` (RFC 8841 section 6); 0 is any size."""

    size_bytes: int

    def __str__(self) -> str:
        """The attribute's value."""
        return str(self.size_bytes)


def write_fingerprint(fingerprint: Fingerprint) -> str:
    """A digest as `a=fingerprint` has it: upper case, colons between bytes (RFC 8122 section 5)."""
    return f"{fingerprint.algorithm} {fingerprint.digest.hex(':').upper()}"


def read_fingerprint_untrusted(value: str) -> Fingerprint:
    """RFC 8122 section 5; a digest of the wrong length for its hash function is refused."""
    algorithm, digest = fields_untrusted(value, "fingerprint", "hash function", "digest")
    algorithm = token_untrusted(algorithm, "hash function").lower()
    if len(digest) > _MAX_DIGEST_CHARACTERS or not _DIGEST.fullmatch(digest):
        raise ValueError(f"fingerprint {shown(digest)} is not bytes in hexadecimal with colons between")
    raw = bytes.fromhex(digest.replace(":", ""))
    if len(raw) != _DIGEST_BYTES.get(algorithm, len(raw)):
        raise ValueError(f"fingerprint has {len(raw)} bytes, {algorithm} makes {_DIGEST_BYTES[algorithm]}")
    return Fingerprint(algorithm, raw)


def read_candidate_untrusted(value: str) -> Candidate:
    """RFC 8839 section 5.1, the text after `candidate:`."""
    fields = value.split(" ")
    if len(fields) < 8 or len(fields) > _MAX_CANDIDATE_FIELDS or fields[6] != "typ":
        raise ValueError(
            f"candidate {shown(value)} is not 'foundation component transport priority address port typ type'"
        )
    foundation, component, transport, priority, address, port, _, type_, *rest = fields
    if len(foundation) > 32 or not _ICE_CHARACTERS.fullmatch(foundation):
        raise ValueError(f"candidate foundation {shown(foundation)} is not 1 to 32 of A-Z a-z 0-9 + /")
    if len(rest) % 2:
        raise ValueError(f"candidate extension {shown(rest[-1])} has no value")
    pairs = [
        (token_untrusted(name, "candidate extension"), word_untrusted(text, f"candidate {name}"))
        for name, text in zip(rest[::2], rest[1::2], strict=True)
    ]
    related_address: str | None = None
    related_port: int | None = None
    if len(pairs) >= 2 and pairs[0][0] == "raddr" and pairs[1][0] == "rport":
        related_address = pairs[0][1]
        related_port = number_untrusted(pairs[1][1], "candidate rport", high=65535)
        del pairs[:2]
    return Candidate(
        foundation=foundation,
        component=number_untrusted(component, "candidate component", low=1, high=256),
        transport=token_untrusted(transport, "candidate transport"),
        priority=number_untrusted(priority, "candidate priority", high=2**32 - 1),
        address=word_untrusted(address, "candidate address"),
        port=number_untrusted(port, "candidate port", high=65535),
        type=token_untrusted(type_, "candidate type"),
        related_address=related_address,
        related_port=related_port,
        extensions=tuple(pairs),
    )


def _credential_untrusted(value: str, what: str, low: int) -> str:
    if not low <= len(value) <= 256 or not _ICE_CHARACTERS.fullmatch(value):
        raise InvalidValueError(f"{what} is not {low} to 256 of A-Z a-z 0-9 + /")
    return value


def read_ice_ufrag_untrusted(value: str) -> IceUfrag:
    """RFC 8839 section 5.4: 4 to 256 ice-chars."""
    return IceUfrag(_credential_untrusted(value, "ice-ufrag", 4))


def read_ice_pwd_untrusted(value: str) -> IcePwd:
    """RFC 8839 section 5.4: 22 to 256 ice-chars; the message does not show it."""
    return IcePwd(_credential_untrusted(value, "ice-pwd", 22))


def read_ice_options_untrusted(value: str) -> IceOptions:
    """RFC 8839 section 5.6. libdatachannel puts commas where the grammar has spaces."""
    options = list_untrusted(value.replace(",", " "), "ice-options")
    return IceOptions(tuple(token_untrusted(option, "ice option") for option in options))


def read_setup_untrusted(value: str) -> Setup:
    """RFC 4145 section 4."""
    try:
        return Setup(value)
    except ValueError:
        raise ValueError(f"setup {shown(value)} is none of {', '.join(Setup)}") from None


def read_tls_id_untrusted(value: str) -> TlsId:
    """RFC 8842 section 4: 20 to 255 of a reduced alphabet."""
    if not 20 <= len(value) <= 255 or not re.fullmatch(r"[A-Za-z0-9+/\-_]+", value):
        raise ValueError(f"tls-id {shown(value)} is not 20 to 255 of A-Z a-z 0-9 + / - _")
    return TlsId(value)


def read_sctp_port_untrusted(value: str) -> SctpPort:
    """RFC 8841 section 5.2."""
    return SctpPort(number_untrusted(value, "sctp-port", high=65535))


def read_max_message_size_untrusted(value: str) -> MaxMessageSize:
    """RFC 8841 section 6.1."""
    return MaxMessageSize(number_untrusted(value, "max-message-size", high=2**63 - 1))
