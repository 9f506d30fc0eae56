import pytest

from visavis.errors import IceServerError
from visavis.ice import ice_servers
from visavis.stun import LongTermCredentials


def test_each_url_is_a_server_and_only_turn_gets_the_credentials() -> None:
    stun, turn = ice_servers(["stun:example.org", "turn:example.org"], "ada", "secret")
    assert (stun.credentials, turn.credentials) == (None, LongTermCredentials("ada", "secret"))
    assert (stun.url, turn.uri.host) == ("stun:example.org", "example.org")


def test_no_url_is_a_syntax_error() -> None:
    with pytest.raises(IceServerError) as caught:
        ice_servers([])
    assert caught.value.name == "SyntaxError"


@pytest.mark.parametrize(
    ("username", "credential"),
    [
        (None, None),
        ("ada", None),
        (None, "secret"),
        ("a" * 509, "secret"),
        ("ada", "s" * 764),
        ("a\nb", "secret"),
        ("ada", "\ud800"),
    ],
)
def test_turn_without_usable_credentials_is_an_invalid_access(
    username: str | None, credential: str | None
) -> None:
    with pytest.raises(IceServerError) as caught:
        ice_servers(["turn:example.org"], username, credential)
    assert caught.value.name == "InvalidAccessError"


def test_empty_credentials_are_credentials() -> None:
    (server,) = ice_servers(["turn:example.org"], "", "")
    assert server.credentials == LongTermCredentials("", "")
