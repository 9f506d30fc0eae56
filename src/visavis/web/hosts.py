"""By which names this server may be called, so that nobody leads to it by one of theirs (DNS rebinding).

A stranger's page whose name is made to resolve to this server is of the same origin as the server's own
pages, by that name. Its `Host` header (RFC 9110 section 7.2) gives it away, which no page can change.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import HttpVersion11, hdrs, web

ANY = "*"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,254})(:[0-9]{0,5})?")


class KnownHosts:
    """The names of one server, and how often it was called by another.

    Addresses are always known, and so is `localhost` with what is under it (RFC 6761 section 6.3): no
    stranger decides where they lead to.

    Args:
        names: further ones, in any case; `*.example.org` is all of one more label (RFC 9525 section 6.3),
            `*` is every name.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.refused = 0
        self._names = frozenset(name.lower().removesuffix(".") for name in names)

    def knows(self, name: str) -> bool:
        """Whether the server may be called so; IPv6 without brackets."""
        name = name.lower().removesuffix(".")
        _, _, parent = name.partition(".")
        if ANY in self._names or name in self._names or (parent and f"*.{parent}" in self._names):
            return True
        return name == "localhost" or name.endswith(".localhost") or _is_address(name)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answers 421 (RFC 9110 section 15.5.20) to a request for another server.

        Whoever names no host speaks HTTP/1.0, and is no browser.
        """
        hosts = request.headers.getall(hdrs.HOST, [])
        if len(hosts) > 1 or (not hosts and request.version >= HttpVersion11):
            raise web.HTTPBadRequest(text="A request has one Host (RFC 9112 section 3.2).\n")
        name = _name_untrusted(hosts[0]) if hosts else "localhost"
        if name is None or not self.knows(name):
            self.refused += 1
            raise web.HTTPMisdirectedRequest(text=_explained(name))
        return await handler(request)


def _explained(name: str | None) -> str:
    if name is None:
        return "The Host of this request is no host.\n"
    return (
        f"This server does not know that it is called {name}. If it is, start it with "
        f"--allow-origin https://{name}; else somebody leads you to a server that is not theirs.\n"
    )


def _name_untrusted(host: str) -> str | None:
    """The name in a `Host` header, without the port and the brackets of IPv6; None where there is none."""
    match = _HOST.fullmatch(host)
    return None if match is None else match[1].strip("[]")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
