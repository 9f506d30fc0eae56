import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.transfer.names import LONGEST_BYTES, alternatives, safe_name_untrusted


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("big.iso", "big.iso"),
        ("Grüße aus Zürich.txt", "Grüße aus Zürich.txt"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("C:\\Windows\\system.ini", "system.ini"),
        ("..", "file"),
        ("", "file"),
        ("/", "file"),
        (".bashrc", "_bashrc"),
        ("a\x00b\n\x1b[31m.txt", "ab[31m.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("lpt1 .txt", "_lpt1 .txt"),
        ("console.txt", "console.txt"),
        ("what? a: b|c*.txt", "what_ a_ b_c_.txt"),
        ("ends in dots... ", "ends in dots"),
        ("\ud800.txt", "_txt"),
    ],
)
def test_a_name_becomes_harmless(given_name: str, safe: str) -> None:
    assert safe_name_untrusted(given_name) == safe


def test_a_long_name_keeps_its_extension() -> None:
    safe = safe_name_untrusted("ü" * 500 + ".tar.gz")
    assert len(safe.encode()) <= LONGEST_BYTES
    assert safe.startswith("üüü")
    assert safe.endswith("ü.tar.gz")


@given(st.text(max_size=400))
def test_any_name_is_one_component_that_is_visible(name: str) -> None:
    safe = safe_name_untrusted(name)
    assert safe
    assert not set(safe) & set('/\\<>:"|?*')
    assert safe.isprintable() or " " in safe or "\u3000" in safe or any(c.isspace() for c in safe)
    assert not safe.startswith(".")
    assert len(safe.encode()) <= LONGEST_BYTES
    assert safe_name_untrusted(safe) == safe


def test_the_next_names_have_a_number_before_the_extension() -> None:
    assert list(itertools.islice(alternatives("a.tar.gz"), 3)) == ["a.tar.gz", "a (1).tar.gz", "a (2).tar.gz"]
    assert list(itertools.islice(alternatives("README"), 2)) == ["README", "README (1)"]
