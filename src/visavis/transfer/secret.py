"""The code that two ends share: whom to ask for, and the secret by which they know each other.

`k7wd-2mqp-9xhr-t4nb` is Crockford's base 32, in which no two digits look alike. The first group is the
*locator*, which strangers may learn: the host's port, whether it speaks HTTPS, and three bits of chance. The
other three are the *secret*, 60 bits. A link has the secret in its fragment, which browsers send to nobody.

Sixty bits are enough, since they cannot be tried out at leisure: the proof made of them
(`visavis.transfer.proof`) is of use for the seconds in which a connection waits for it.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from visavis.errors import ConfigError

SECRET_BITS = 60
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_GROUP = 4
_CHANCE_BITS = 3
_ALIKE = str.maketrans("oil", "011")
_SECRET = re.compile(f"[{_DIGITS}]{{{3 * _GROUP}}}")
_CODE = re.compile(f"[{_DIGITS}]{{{4 * _GROUP}}}")

Draw = Callable[[int], int]
"""So many random bits."""


def new_secret(draw: Draw = secrets.randbits) -> str:
    """Twelve digits, in three groups."""
    return _grouped(_encode(draw(SECRET_BITS), 3 * _GROUP))


def new_locator(port: int, *, https: bool = False, draw: Draw = secrets.randbits) -> str:
    """Four digits that hold a TCP port and what is spoken there."""
    return _encode((port << 1 | https) << _CHANCE_BITS | draw(_CHANCE_BITS), _GROUP)


def canonical(secret: str) -> str:
    """The twelve digits of a secret however it was typed: capitals, spaces, o for 0, i and l for 1.

    Raises:
        ValueError: It is none.
    """
    digits = _digits(secret)
    if _SECRET.fullmatch(digits) is None:
        raise ValueError("no secret")
    return digits


@dataclass(frozen=True, slots=True)
class Code:
    """What is read out to somebody."""

    locator: str
    secret: str

    @property
    def port(self) -> int:
        """Where the host listens."""
        return _decode(self.locator) >> (_CHANCE_BITS + 1)

    def link(self, address: str) -> "Link":
        """The link, once it is known where the host is; an IPv6 address in brackets."""
        is_https = _decode(self.locator) >> _CHANCE_BITS & 1
        return Link(f"{'https' if is_https else 'http'}://{address}:{self.port}", self.secret)

    def __str__(self) -> str:
        """As it is shown."""
        return f"{self.locator}-{_grouped(canonical(self.secret))}"


@dataclass(frozen=True, slots=True)
class Link:
    """Where the host's page is, and the secret. `url` has no path and no slash at its end."""

    url: str
    secret: str

    def __str__(self) -> str:
        """What a browser is given."""
        return f"{self.url}/#{self.secret}"


def read(text: str) -> Link | Code:
    """A link or a code, as somebody typed or pasted it.

    Raises:
        ConfigError: It is neither.
    """
    text = text.strip()
    if "://" not in text:
        digits = _digits(text)
        if _CODE.fullmatch(digits) is None:
            advice = (
                "expected a link such as http://192.168.1.20:41234/#2mqp-9xhr-t4nb, or a code of 16 digits"
            )
            raise ConfigError(f"{text[:100]!r} is no link and no code; {advice}, as the other side shows it")
        return Code(digits[:_GROUP], _grouped(digits[_GROUP:]))
    try:
        parts = urlsplit(text)
        sound = parts.scheme in ("http", "https") and parts.hostname is not None and (parts.port or 0) >= 0
    except ValueError:
        sound = False
    if not sound:
        raise ConfigError(f"{text[:100]!r} is no link; expected one that begins with http:// or https://")
    try:
        secret = canonical(parts.fragment)
    except ValueError:
        advice = "paste the whole link, in quotes: a shell may take # for a comment"
        raise ConfigError(f"the link {text[:100]} has no secret behind #; {advice}") from None
    return Link(f"{parts.scheme}://{parts.netloc}", _grouped(secret))


def _digits(text: str) -> str:
    return re.sub(r"[\s-]", "", text.lower()).translate(_ALIKE)


def _grouped(digits: str) -> str:
    return "-".join(digits[at : at + _GROUP] for at in range(0, len(digits), _GROUP))


def _encode(value: int, length: int) -> str:
    return "".join(_DIGITS[value >> 5 * place & 31] for place in reversed(range(length)))


def _decode(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value << 5 | _DIGITS.index(digit)
    return value
