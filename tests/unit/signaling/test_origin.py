import pytest

from visavis.signaling.origin import is_allowed_origin


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "call.example"),
        ("https://call.example", "call.example"),
        ("https://call.example", "call.example:443"),
        ("http://call.example:80", "call.example"),
        ("https://Call.Example", "call.example"),
        ("http://localhost:8080", "localhost:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
    ],
)
def test_the_server_s_own_pages_and_programs_without_an_origin_are_let_in(
    origin: str | None, host: str
) -> None:
    assert is_allowed_origin(origin, host, ())


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "call.example"),
        ("https://call.example.evil.example", "call.example"),
        ("https://call.example:8443", "call.example"),
        ("http://localhost:8081", "localhost:8080"),
        ("null", "call.example"),
        ("", "call.example"),
        ("file://", "call.example"),
        ("https://[", "call.example"),
        ("https://call.example:x", "call.example"),
        ("https://call.example", "[call.example"),
    ],
)
def test_all_others_are_refused(origin: str, host: str) -> None:
    assert not is_allowed_origin(origin, host, ())


def test_an_origin_that_is_named_is_let_in_and_a_star_lets_in_all() -> None:
    assert is_allowed_origin("https://friend.example", "call.example", {"https://friend.example"})
    assert is_allowed_origin("https://evil.example", "call.example", {"*"})
