import pytest

from visavis.errors import ConfigError
from visavis.transfer import secret
from visavis.transfer.secret import Code, Link


def test_a_code_is_read_however_it_was_typed() -> None:
    locator = secret.new_locator(41234, draw=lambda bits: 0)
    code = Code(locator, secret.new_secret(lambda bits: (1 << bits) - 1))
    assert str(code) == f"{locator}-zzzz-zzzz-zzzz"
    for typed in (
        str(code),
        str(code).upper(),
        str(code).replace("-", ""),
        f" {str(code).replace('-', ' ')}\n",
    ):
        assert secret.read(typed) == code
    assert code.port == 41234


def test_digits_that_look_alike_are_one() -> None:
    assert secret.read("OOOO-iiii-LLLL-0000") == secret.read("0000-1111-1111-0000")


@pytest.mark.parametrize("port", [1, 80, 65535])
def test_a_locator_holds_any_port(port: int) -> None:
    assert Code(secret.new_locator(port), "0000-0000-0000").port == port
    secure = Code(secret.new_locator(port, https=True), "0000-0000-0000")
    assert str(secure.link("192.0.2.1")) == f"https://192.0.2.1:{port}/#0000-0000-0000"


def test_a_link_comes_back_as_it_was_shown() -> None:
    link = Link("https://[2001:db8::1]:41234", "2mqp-9xhr-t4nb")
    assert secret.read(str(link)) == link
    assert str(link) == "https://[2001:db8::1]:41234/#2mqp-9xhr-t4nb"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "no link and no code"),
        ("2mqp-9xhr-t4nb", "no link and no code"),
        ("ftp://192.0.2.1/#2mqp-9xhr-t4nb", "begins with http"),
        ("http://192.0.2.1:99999/#2mqp-9xhr-t4nb", "no link"),
        ("http://192.0.2.1:41234/", "no secret behind #"),
        ("http://192.0.2.1:41234/#2mqp-9xhr", "no secret behind #"),
    ],
)
def test_what_is_neither_is_said(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        secret.read(text)
