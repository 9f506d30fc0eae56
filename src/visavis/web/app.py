"""The HTTP application: pages, files, health. Signaling's handler is given to it."""

import html
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from visavis.room.names import is_room_name
from visavis.web.headers import add_security_headers
from visavis.web.hosts import KnownHosts

STATIC = Path(__file__).parent / "static"

SignalHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class SiteContent:
    """What the application is given: the WebSocket handler, the health figures, the authority's certificate
    if any, the names by which it may be called.
    """

    signal: SignalHandler
    health: Callable[[], dict[str, object]]
    authority_pem: bytes | None = None
    static: Path = STATIC
    hosts: KnownHosts = field(default_factory=KnownHosts)


def create_app(content: SiteContent) -> web.Application:
    """Makes the application. A link to a room is `/<room>`; every other path is a file, a service or not
    found.
    """
    pages = _Pages(content)
    app = web.Application(client_max_size=64 * 1024, middlewares=[content.hosts.middleware])
    app.on_response_prepare.append(add_security_headers)
    app.router.add_get("/", pages.index)
    app.router.add_get("/signal", content.signal, allow_head=False)
    app.router.add_get("/healthz", pages.health)
    app.router.add_get("/ca.pem", pages.authority)
    app.router.add_get("/favicon.ico", pages.favicon)
    app.router.add_static("/static", content.static)
    app.router.add_get("/{room}", pages.room)
    return app


class _Pages:
    def __init__(self, content: SiteContent) -> None:
        self._content = content

    async def index(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(self._content.static / "index.html")

    async def room(self, request: web.Request) -> web.StreamResponse:
        if is_room_name(request.match_info["room"]):
            return await self.index(request)
        return _not_found(request.match_info["room"])

    async def health(self, _request: web.Request) -> web.StreamResponse:
        health = self._content.health()
        well = health["status"] == "ok"
        return web.json_response(health, status=200 if well else 503, headers={"Cache-Control": "no-store"})

    async def authority(self, _request: web.Request) -> web.StreamResponse:
        if self._content.authority_pem is None:
            raise web.HTTPNotFound(text="This server uses no certificate authority of its own.\n")
        headers = {"Content-Disposition": 'attachment; filename="visavis-ca.pem"'}
        return web.Response(
            body=self._content.authority_pem, content_type="application/x-x509-ca-cert", headers=headers
        )

    async def favicon(self, _request: web.Request) -> web.StreamResponse:
        icon = self._content.static / "favicon.ico"
        return web.FileResponse(icon) if icon.is_file() else web.Response(status=204)


def _not_found(name: str) -> web.Response:
    shown = html.escape(name[:64])
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>No such room</title>'
        f"<h1>No room can be called “{shown}”</h1>"
        "<p>A room's name is 1 to 64 letters, digits, underscores and hyphens.</p>"
        '<p><a href="/">Choose another one</a></p></html>'
    )
    return web.Response(status=404, text=text, content_type="text/html")
