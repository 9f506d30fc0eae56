"""Connectivity checks as a controlling agent sends and answers them (RFC 8445 section 7)."""

import hashlib
import hmac
import struct
import zlib

COOKIE = 0x2112A442
_REQUEST, _SUCCESS = 0x0001, 0x0101


def connectivity_check(ufrag: str, password: str, number: int) -> bytes:
    """A check of the agent with these credentials, nominating, with integrity and fingerprint."""
    body = _attribute(0x0006, f"{ufrag}:peer".encode()) + _attribute(0x802A, bytes(8))
    body += _attribute(0x0024, bytes(4)) + _attribute(0x0025, b"")
    return _message(_REQUEST, number.to_bytes(12, "big"), body, password)


def answer_to(datagram: bytes, password: str) -> bytes | None:
    """The answer of an agent with this password to a check; None if it is none. It tells an address of no
    meaning."""
    if not datagram.startswith(_REQUEST.to_bytes(2, "big")):
        return None
    return _message(_SUCCESS, datagram[8:20], _attribute(0x0020, b"\0\1" + bytes(6)), password)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def _message(kind: int, transaction: bytes, body: bytes, password: str) -> bytes:
    def header(length: int) -> bytes:
        return struct.pack("!HHI", kind, length, COOKIE) + transaction

    mac = hmac.new(password.encode(), header(len(body) + 24) + body, hashlib.sha1).digest()
    body += _attribute(0x0008, mac)
    crc = zlib.crc32(header(len(body) + 8) + body) ^ 0x5354554E
    return header(len(body) + 8) + body + _attribute(0x8028, struct.pack("!I", crc))
