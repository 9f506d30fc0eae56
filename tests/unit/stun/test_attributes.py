"""Values of STUN attributes; the bytes are RFC 5769's."""

import pytest

from visavis.stun import AttributeType
from visavis.stun.attributes import (
    find,
    read_address_untrusted,
    read_channel_untrusted,
    read_error_untrusted,
    read_lifetime_untrusted,
    read_text_untrusted,
    read_xor_address_untrusted,
    write_address,
    write_channel,
    write_error,
    write_lifetime,
    write_requested_family,
    write_requested_transport,
    write_xor_address,
)

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
V4 = ("192.0.2.1", 32853)
V6 = ("2001:db8:1234:5678:11:2233:4455:6677", 32853)


def test_xored_addresses_are_those_of_the_test_vectors() -> None:
    """RFC 5769 sections 2.2 and 2.3."""
    v4 = bytes.fromhex("0001a147e112a643")
    v6 = bytes.fromhex("0002a1470113a9faa5d3f179bc25f4b5bed2b9d9")
    assert read_xor_address_untrusted(v4, TRANSACTION) == V4
    assert read_xor_address_untrusted(v6, TRANSACTION) == V6
    assert write_xor_address(V4, TRANSACTION) == v4
    assert write_xor_address(V6, TRANSACTION) == v6


def test_plain_addresses_are_what_was_written() -> None:
    for address in (V4, V6):
        assert read_address_untrusted(write_address(address)) == address


@pytest.mark.parametrize(
    "value",
    [b"", b"\0", b"\0\1\0", bytes(8), b"\0\1" + bytes(5), b"\0\2" + bytes(6), b"\0\1" + bytes(18), bytes(64)],
)
def test_a_malformed_address_is_none(value: bytes) -> None:
    assert read_address_untrusted(value) is None
    assert read_xor_address_untrusted(value, TRANSACTION) is None


def test_an_address_that_is_none_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        write_address(("example.org", 1))
    with pytest.raises(ValueError, match="port 65536"):
        write_address(("192.0.2.1", 65536))


def test_an_error_has_a_code_and_a_reason() -> None:
    assert read_error_untrusted(write_error(438, "Stale Nonce")) == (438, "Stale Nonce")
    assert read_error_untrusted(b"\0\0\4\1\xff") == (401, "")


@pytest.mark.parametrize("value", [b"", b"\0\0\4", b"\0\0\2\0", b"\0\0\7\0", b"\0\0\4\x64"])
def test_an_impossible_error_is_none(value: bytes) -> None:
    assert read_error_untrusted(value) is None


def test_text_is_printable_utf_8_of_bounded_length() -> None:
    assert read_text_untrusted("Grüße".encode()) == "Grüße"
    assert read_text_untrusted(b"\xff") is None
    assert read_text_untrusted(b"a\nb") is None
    assert read_text_untrusted(b"a" * 763) == "a" * 763
    assert read_text_untrusted(b"a" * 764) is None


def test_numbers_of_turn_are_what_was_written() -> None:
    assert read_lifetime_untrusted(write_lifetime(600)) == 600
    assert read_lifetime_untrusted(b"\0") is None
    assert read_channel_untrusted(write_channel(0x4001)) == 0x4001
    assert read_channel_untrusted(b"\x40\x01") is None
    assert write_requested_transport(17) == b"\x11\0\0\0"
    assert (write_requested_family(4), write_requested_family(6)) == (b"\1\0\0\0", b"\2\0\0\0")


def test_the_first_attribute_of_a_type_counts() -> None:
    attributes = [(0x0014, b"one"), (0x0014, b"two")]
    assert find(attributes, AttributeType.REALM) == b"one"
    assert find(attributes, AttributeType.NONCE) is None
