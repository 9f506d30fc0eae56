"""Connectivity checks as a controlling agent sends them (RFC 8445 section 7.2)."""

import hashlib
import hmac
import struct
import zlib

COOKIE = 0x2112A442


def connectivity_check(ufrag: str, password: str, number: int) -> bytes:
    """A check of the agent with these credentials, nominating, with integrity and fingerprint."""

    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)

    def header(length: int) -> bytes:
        return struct.pack("!HHI", 0x0001, length, COOKIE) + number.to_bytes(12, "big")

    body = attribute(0x0006, f"{ufrag}:peer".encode()) + attribute(0x802A, bytes(8))
    body += attribute(0x0024, bytes(4)) + attribute(0x0025, b"")
    mac = hmac.new(password.encode(), header(len(body) + 24) + body, hashlib.sha1).digest()
    body += attribute(0x0008, mac)
    crc = zlib.crc32(header(len(body) + 8) + body) ^ 0x5354554E
    return header(len(body) + 8) + body + attribute(0x8028, struct.pack("!I", crc))
