"""RFC 7064 section 3.1, RFC 7065 section 3.1, and webrtc-pc's "validate an ICE server URL"."""

import pytest

from visavis.errors import IceServerError
from visavis.stun import Scheme, StunUri, parse_uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("stun:example.org", StunUri(Scheme.STUN, "example.org", 3478, "udp")),
        ("stuns:example.org", StunUri(Scheme.STUNS, "example.org", 5349, "tcp")),
        ("stun:example.org:8000", StunUri(Scheme.STUN, "example.org", 8000, "udp")),
        ("turn:example.org", StunUri(Scheme.TURN, "example.org", 3478, "udp")),
        ("turns:example.org", StunUri(Scheme.TURNS, "example.org", 5349, "tcp")),
        ("turn:example.org:8000?transport=udp", StunUri(Scheme.TURN, "example.org", 8000, "udp")),
        ("turn:example.org?transport=tcp", StunUri(Scheme.TURN, "example.org", 3478, "tcp")),
        ("turns:example.org?transport=tcp", StunUri(Scheme.TURNS, "example.org", 5349, "tcp")),
        ("STUN:EXAMPLE.org", StunUri(Scheme.STUN, "example.org", 3478, "udp")),
        (" stun:example.org\n", StunUri(Scheme.STUN, "example.org", 3478, "udp")),
        ("stun:192.0.2.1:1", StunUri(Scheme.STUN, "192.0.2.1", 1, "udp")),
        ("stun:[2001:DB8::1]:1", StunUri(Scheme.STUN, "2001:db8::1", 1, "udp")),
        ("stun:localhost", StunUri(Scheme.STUN, "localhost", 3478, "udp")),
        ("turn:bücher.example", StunUri(Scheme.TURN, "xn--bcher-kva.example", 3478, "udp")),
        ("stun:example.org:", StunUri(Scheme.STUN, "example.org", 3478, "udp")),
    ],
)
def test_a_uri_is_read(text: str, uri: StunUri) -> None:
    assert parse_uri(text) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stun",
        "stun:",
        "relative-url",
        "http://example.org",
        "stun://example.org",
        "stun:example.org/path",
        "stun:user@example.org",
        "stun:example.org#fragment",
        "stun:example.org?transport=udp",
        "stuns:example.org?",
        "turn:example.org?",
        "turn:example.org?transport=sctp",
        "turn:example.org?transport=UDP",
        "turn:example.org?transport=udp&x=1",
        "stun:example.org:65536",
        "stun:example.org:-1",
        "stun:example.org:8x",
        "stun:example.org:1:2",
        "stun:2001:db8::1",
        "stun:[2001:db8::1",
        "stun:[example.org]",
        "stun:999.1.1.1",
        "stun:1.2.3.4.5",
        "stun:example.1",
        "stun:4294967296",
        "stun:exam ple.org",
        "stun:-example.org",
        "stun:" + "a" * 64 + ".org",
        "stun:" + "a." * 2000 + "org",
        "stun:.",
    ],
)
def test_a_malformed_uri_is_a_syntax_error(text: str) -> None:
    with pytest.raises(IceServerError) as caught:
        parse_uri(text)
    assert caught.value.name == "SyntaxError"


@pytest.mark.parametrize(
    ("text", "host"), [("turn:123", "0.0.0.123"), ("stun:1.2.3:9", "1.2.0.3"), ("turn:0x7f.1", "127.0.0.1")]
)
def test_a_numeric_host_is_the_address_that_urls_mean_by_it(text: str, host: str) -> None:
    assert parse_uri(text).host == host


def test_what_a_uri_tells_of_its_server() -> None:
    kinds = {scheme: parse_uri(f"{scheme}:example.org") for scheme in Scheme}
    assert [scheme for scheme, uri in kinds.items() if uri.is_turn] == [Scheme.TURN, Scheme.TURNS]
    assert [scheme for scheme, uri in kinds.items() if uri.is_secure] == [Scheme.STUNS, Scheme.TURNS]
