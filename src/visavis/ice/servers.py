"""The STUN and TURN servers of an RTCConfiguration (webrtc-pc section 4.4.1.6)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from visavis.errors import IceServerError
from visavis.stun import LongTermCredentials, StunUri, parse_uri

_MAX_USERNAME_BYTES: Final = 508
_MAX_PASSWORD_BYTES: Final = 763

RelayProtocol = Literal["udp", "tcp", "tls"]


@dataclass(frozen=True, slots=True)
class IceServer:
    """One URL of an RTCIceServer; `credentials` are there for TURN."""

    url: str
    uri: StunUri
    credentials: LongTermCredentials | None = None

    @property
    def relay_protocol(self) -> RelayProtocol:
        """How TURN is spoken with it: webrtc-pc's RTCIceServerTransportProtocol."""
        if self.uri.transport == "udp":
            return "udp"
        return "tls" if self.uri.is_secure else "tcp"


def ice_servers(
    urls: Iterable[str], username: str | None = None, credential: str | None = None
) -> tuple[IceServer, ...]:
    """Reads an RTCIceServer.

    Raises:
        IceServerError: `SyntaxError` for no URL or one that is malformed, `InvalidAccessError` for TURN
        without
            credentials, or with such as RFC 8489 section 14.3 or RFC 8265 section 4.1 forbids.
    """
    servers: list[IceServer] = []
    for url in urls:
        uri = parse_uri(url)
        credentials = _credentials(url, username, credential) if uri.is_turn else None
        servers.append(IceServer(url, uri, credentials))
    if not servers:
        raise IceServerError("SyntaxError", "ICE server has no URL")
    return tuple(servers)


def _credentials(url: str, username: str | None, credential: str | None) -> LongTermCredentials:
    if username is None or credential is None:
        missing = "username" if username is None else "credential"
        raise IceServerError("InvalidAccessError", f"ICE server {url!r} lacks a {missing}")
    for what, text, limit in (
        ("username", username, _MAX_USERNAME_BYTES),
        ("credential", credential, _MAX_PASSWORD_BYTES),
    ):
        if not _fits(text, limit):
            raise IceServerError(
                "InvalidAccessError",
                f"ICE server {url!r} has a {what} that is not printable or longer than {limit} bytes",
            )
    return LongTermCredentials(username, credential)


def _fits(text: str, limit: int) -> bool:
    try:
        return len(text) <= limit and len(text.encode()) <= limit and (not text or text.isprintable())
    except UnicodeEncodeError:
        return False
