"""The values of STUN attributes, to and from bytes (RFC 8489 section 14, RFC 8656 section 18).

Readers take what a server sent, hence `_untrusted`: they return None for what is malformed.
"""

import ipaddress
from collections.abc import Iterable
from typing import Final

from visavis.dataplane.commands import Address
from visavis.stun.registry import AttributeType

MAGIC_COOKIE: Final = bytes.fromhex("2112A442")
"""RFC 8489 section 5: it opens every message, and the key of XORed addresses."""

Attributes = Iterable[tuple[int, bytes]]
"""Attributes in their order, as `SendStun` takes and `StunResult` has them."""

_FAMILY_V4 = 0x01
_FAMILY_V6 = 0x02
_MAX_REASON_BYTES = 763


def find(attributes: Attributes, wanted: AttributeType) -> bytes | None:
    """The value of the first attribute of a type: only that one counts (RFC 8489 section 14)."""
    return next((value for type_, value in attributes if type_ == wanted), None)


def write_address(address: Address) -> bytes:
    """MAPPED-ADDRESS and ALTERNATE-SERVER (RFC 8489 sections 14.1 and 14.15).

    Raises:
        ValueError: The address is no IP address, or the port no port.
    """
    host, port = address
    packed = ipaddress.ip_address(host).packed
    family = _FAMILY_V4 if len(packed) == 4 else _FAMILY_V6
    try:
        return bytes((0, family)) + port.to_bytes(2) + packed
    except OverflowError:
        raise ValueError(f"port {port} is no number from 0 to 65535") from None


def read_address_untrusted(value: bytes) -> Address | None:
    """RFC 8489 section 14.1."""
    family = value[1] if len(value) > 1 else 0
    if (family, len(value)) not in ((_FAMILY_V4, 8), (_FAMILY_V6, 20)):
        return None
    return str(ipaddress.ip_address(value[4:])), int.from_bytes(value[2:4])


def write_xor_address(address: Address, transaction: bytes = bytes(12)) -> bytes:
    """XOR-MAPPED-ADDRESS, XOR-PEER-ADDRESS, XOR-RELAYED-ADDRESS (RFC 8489 section 14.2).

    A `SendStun` leaves the transaction out: the data plane chooses it, and completes IPv6 addresses by it.
    """
    return _xor(write_address(address), transaction)


def read_xor_address_untrusted(value: bytes, transaction: bytes) -> Address | None:
    """RFC 8489 section 14.2; `transaction` are its 12 bytes."""
    return read_address_untrusted(_xor(value, transaction)) if 4 <= len(value) <= 20 else None


def _xor(value: bytes, transaction: bytes) -> bytes:
    key = MAGIC_COOKIE + transaction
    port = bytes(a ^ b for a, b in zip(value[2:4], key, strict=False))
    return value[:2] + port + bytes(a ^ b for a, b in zip(value[4:], key, strict=False))


def read_error_untrusted(value: bytes) -> tuple[int, str] | None:
    """ERROR-CODE (RFC 8489 section 14.8): the code and its reason phrase."""
    if len(value) < 4:
        return None
    hundreds, number = value[2] & 0x07, value[3]
    if not 3 <= hundreds <= 6 or number > 99:
        return None
    return hundreds * 100 + number, read_text_untrusted(value[4:]) or ""


def write_error(code: int, reason: str) -> bytes:
    """ERROR-CODE (RFC 8489 section 14.8)."""
    return bytes((0, 0, code // 100, code % 100)) + reason.encode()


def read_text_untrusted(value: bytes) -> str | None:
    """REALM, SOFTWARE, reason phrases (RFC 8489 section 14): UTF-8 of at most 763 bytes that prints."""
    if len(value) > _MAX_REASON_BYTES:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def write_lifetime(seconds: int) -> bytes:
    """LIFETIME (RFC 8656 section 18.2)."""
    return seconds.to_bytes(4)


def read_lifetime_untrusted(value: bytes) -> int | None:
    """LIFETIME in seconds (RFC 8656 section 18.2)."""
    return int.from_bytes(value) if len(value) == 4 else None


def write_channel(number: int) -> bytes:
    """CHANNEL-NUMBER (RFC 8656 section 18.1)."""
    return number.to_bytes(2) + bytes(2)


def read_channel_untrusted(value: bytes) -> int | None:
    """CHANNEL-NUMBER (RFC 8656 section 18.1)."""
    return int.from_bytes(value[:2]) if len(value) == 4 else None


def write_requested_transport(protocol: int) -> bytes:
    """REQUESTED-TRANSPORT (RFC 8656 section 18.7): an IP protocol number."""
    return bytes((protocol, 0, 0, 0))


def write_requested_family(version: int) -> bytes:
    """REQUESTED-ADDRESS-FAMILY (RFC 8656 section 18.6) for IP `version` 4 or 6."""
    return bytes((_FAMILY_V4 if version == 4 else _FAMILY_V6, 0, 0, 0))
