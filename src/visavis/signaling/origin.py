"""Which web pages may open a WebSocket to this server (RFC 6455 section 10.2)."""

from collections.abc import Collection
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_allowed_origin(origin: str | None, host: str, allowed: Collection[str]) -> bool:
    """Whether a page of `origin` may connect to a server that the request calls `host`.

    Without an Origin it is no browser, and nobody's cookies or network position can be abused. The scheme is
    not compared, since a proxy may have ended TLS before us.
    """
    if origin is None or "*" in allowed or origin in allowed:
        return True
    try:
        parts = urlsplit(origin)
        own = urlsplit(f"{parts.scheme}://{host}")
        default_port = _DEFAULT_PORTS.get(parts.scheme)
        if default_port is None or parts.hostname is None:
            return False
        return (parts.hostname, parts.port or default_port) == (own.hostname, own.port or default_port)
    except ValueError:
        return False
