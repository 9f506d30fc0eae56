"""The URIs of STUN and TURN servers (RFC 7064, RFC 7065), refused as W3C says."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from visavis.errors import IceServerError

DEFAULT_PORT: Final = 3478
DEFAULT_TLS_PORT: Final = 5349

_MAX_URI_CHARACTERS = 1024
_URI = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?"
)
_HOST_AND_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(?::(?P<port>[0-9]*))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_MAX_HOST_CHARACTERS = 253


class Scheme(StrEnum):
    """What a server speaks, over TLS with the `s`."""

    STUN = "stun"
    STUNS = "stuns"
    TURN = "turn"
    TURNS = "turns"


@dataclass(frozen=True, slots=True)
class StunUri:
    """A server: `host` is a name or an IP address (IPv6 without brackets); `transport` is `udp` or `tcp`."""

    scheme: Scheme
    host: str
    port: int
    transport: str

    @property
    def is_turn(self) -> bool:
        """Whether it relays."""
        return self.scheme in (Scheme.TURN, Scheme.TURNS)

    @property
    def is_secure(self) -> bool:
        """Whether it is reached over TLS or DTLS."""
        return self.scheme in (Scheme.STUNS, Scheme.TURNS)


def parse_uri(text: str) -> StunUri:
    """Reads a URI by W3C's "validate an ICE server URL" (webrtc-pc section 4.4.1.6).

    Raises:
        IceServerError: `SyntaxError` by W3C's name; the message names the part.
    """
    text = text.strip("\0\t\n\r \x0b\x0c")
    match = _URI.fullmatch(text) if len(text) <= _MAX_URI_CHARACTERS else None
    if match is None:
        raise _refused(text, "is not 'scheme:host'")
    try:
        scheme = Scheme(match["scheme"].lower())
    except ValueError:
        raise _refused(text, f"has none of the schemes {', '.join(Scheme)}") from None
    if "/" in match["path"] or "@" in match["path"]:
        raise _refused(text, "has '/' or '@' in its host")
    if match["fragment"] is not None:
        raise _refused(text, "has a fragment")
    host, port = _host_and_port(text, match["path"])
    secure = scheme in (Scheme.STUNS, Scheme.TURNS)
    return StunUri(
        scheme=scheme,
        host=host,
        port=port if port is not None else DEFAULT_TLS_PORT if secure else DEFAULT_PORT,
        transport=_transport(text, scheme, match["query"]),
    )


def _transport(text: str, scheme: Scheme, query: str | None) -> str:
    """RFC 7065 section 3.1; UDP unless TLS or the query says otherwise."""
    if query is None:
        return "tcp" if scheme in (Scheme.STUNS, Scheme.TURNS) else "udp"
    if scheme in (Scheme.STUN, Scheme.STUNS):
        raise _refused(text, "has a query, which only turn and turns may")
    name, _, value = query.removeprefix("?").partition("=")
    if name != "transport" or value not in ("udp", "tcp"):
        raise _refused(text, "has a query other than transport=udp or transport=tcp")
    return value


def _host_and_port(text: str, path: str) -> tuple[str, int | None]:
    match = _HOST_AND_PORT.fullmatch(path)
    if match is None:
        raise _refused(text, "has no host, or more than a host and a port")
    port = int(match["port"]) if match["port"] and len(match["port"]) <= 5 else None
    if match["port"] and (port is None or port > 65535):
        raise _refused(text, "has a port beyond 65535")
    return _host(text, match["host"]), port


def _host(text: str, host: str) -> str:
    """A host as URLs have it (RFC 3986 section 3.2.2), in lower case."""
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise _refused(text, "has a malformed IPv6 address") from None
    try:
        ascii_host = host.encode("ascii").decode().lower() if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise _refused(text, "has a host that is no domain name") from None
    labels = ascii_host.removesuffix(".").split(".")
    if len(ascii_host) > _MAX_HOST_CHARACTERS or not all(map(_LABEL.fullmatch, labels)):
        raise _refused(text, "has a host that is no domain name")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        try:
            return socket.inet_ntoa(socket.inet_aton(ascii_host.removesuffix(".")))
        except OSError:
            raise _refused(text, "has a malformed IPv4 address") from None
    return ascii_host


def _refused(text: str, why: str) -> IceServerError:
    shown = text if len(text) <= 100 else text[:100] + "…"
    return IceServerError("SyntaxError", f"ICE server URL {shown!r} {why}")
