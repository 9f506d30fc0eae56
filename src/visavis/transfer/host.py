"""The end that waits at the link: a page, a WebSocket by which visitors' browsers and programs connect."""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from socket import socket
from types import TracebackType
from typing import Self

from aiohttp import hdrs, web

from visavis.errors import RemoteProtocolError
from visavis.signaling.origin import is_allowed_origin
from visavis.signaling.visitors import network_of
from visavis.transfer.access import WrongCodeError, admit
from visavis.transfer.channel import ConnectionLostError, Messages, unless_lost
from visavis.transfer.messages import Direction
from visavis.transfer.peer import Peer
from visavis.transfer.signals import MAX_SIGNAL_BYTES, description_untrusted, until_closed
from visavis.web import KnownHosts, MalformedRequests
from visavis.web.app import STATIC
from visavis.web.headers import add_security_headers

_log = logging.getLogger(__name__)

MAX_VISITORS = 16
"""So many may be connected, or connecting, at once."""
MAX_WRONG = 3
"""Whoever had a wrong code so often is not asked again."""
MAX_WRONG_NETWORKS = 1000
"""So many networks are remembered for that; when there are more, nobody new is asked."""
CONNECT_S = 20.0
HEARTBEAT_S = 15.0
_HTTP_CLOSE_S = 0.5

Serve = Callable[[Peer, Messages, str], Awaitable[None]]
"""One session with a visitor who knows the secret, and the name by which it is known when it comes again."""


class Host:
    """Serves the page and lets in whoever knows the secret, each by a session of its own.

    Lifetimes: `close` ends all sessions, then the server.
    """

    def __init__(self, secret: str, direction: Direction, serve: Serve) -> None:
        self.refused: Counter[str] = Counter()
        """Visitors that were not let in, by reason."""
        self._secret = secret
        self._direction = direction
        self._serve = serve
        self._visits: set[asyncio.Task[None]] = set()
        self._handlers: set[asyncio.Future[None]] = set()
        self._known: dict[str, asyncio.Task[None]] = {}
        self._wrong: Counter[str] = Counter()
        self._runner: web.AppRunner | None = None

    async def start(
        self,
        sockets: Sequence[socket],
        names: Iterable[str],
        context: ssl.SSLContext | None = None,
        authority_pem: bytes | None = None,
    ) -> None:
        """Serves on listening sockets.

        Args:
            sockets: bound already.
            names: by which requests may call this machine, addresses aside.
            context: for HTTPS.
            authority_pem: what browsers have to trust for it, if anything.
        """
        app = web.Application(middlewares=[KnownHosts(names).middleware])
        app.on_response_prepare.append(add_security_headers)
        app.router.add_get("/", _page)
        app.router.add_get("/signal", self._signal, allow_head=False)
        app.router.add_static("/static", STATIC)
        if authority_pem is not None:
            app.router.add_get("/ca.pem", lambda _: _authority(authority_pem))
        self._runner = web.AppRunner(
            app, access_log=None, logger=MalformedRequests().logger(), shutdown_timeout=_HTTP_CLOSE_S
        )
        await self._runner.setup()
        for each in sockets:
            await web.SockSite(self._runner, each, ssl_context=context).start()

    async def close(self) -> None:
        """Nobody is served any more."""
        for visit in tuple(self._visits):
            visit.cancel()
        await asyncio.gather(*self._visits, *self._handlers, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _signal(self, request: web.Request) -> web.StreamResponse:
        origin, own = request.headers.get(hdrs.ORIGIN), request.headers.get(hdrs.HOST, "")
        if not is_allowed_origin(origin, own, ()):
            raise web.HTTPForbidden(text="Pages of other sites may not use this server.\n")
        wire = web.WebSocketResponse(
            max_msg_size=MAX_SIGNAL_BYTES, compress=False, heartbeat=HEARTBEAT_S, timeout=_HTTP_CLOSE_S
        )
        if not wire.can_prepare(request):
            raise web.HTTPUpgradeRequired(text="This address speaks WebSocket only.\n")
        await wire.prepare(request)
        reason = self._why_not(request.remote)
        if reason is not None:
            self.refused[reason] += 1
            await wire.send_json({"type": "refused", "reason": reason})
            await wire.close()
            return wire
        visit = asyncio.create_task(self._visit(wire, request.remote))
        self._visits.add(visit)
        closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._handlers.add(closed)
        try:
            await asyncio.wait((visit,))
        finally:
            visit.cancel()
            self._visits.discard(visit)
            await wire.close()
            self._handlers.discard(closed)
            closed.set_result(None)
        if not visit.cancelled() and (error := visit.exception()) is not None:
            _log.error("a session failed", exc_info=error, extra={"event": "internal-error"})
        return wire

    def _why_not(self, address: str | None) -> str | None:
        network = _network(address)
        if self._wrong[network] >= MAX_WRONG:
            return "too-many-wrong-codes"
        if len(self._wrong) > MAX_WRONG_NETWORKS and network not in self._wrong:
            return "too-many-wrong-codes"
        return "busy" if len(self._visits) >= MAX_VISITORS else None

    async def _visit(self, wire: web.WebSocketResponse, address: str | None) -> None:
        name = None
        try:
            async with Peer() as peer:
                async with asyncio.timeout(CONNECT_S):
                    offer = description_untrusted(await wire.receive(), "offer")
                    answer = await peer.answer_untrusted(offer)
                    await wire.send_json({"type": "answer", "sdp": answer})
                await peer.opened(CONNECT_S)
                messages = aiter(peer.channel)
                sdps = (offer, answer)
                name = await admit(peer.channel, messages, self._secret, self._direction, sdps)
                await self._replace(name)
                await unless_lost(
                    self._serve(peer, messages, name), peer.close, until_closed(wire), peer.lost()
                )
        except WrongCodeError:
            self._wrong[_network(address)] += 1
            self.refused["wrong-code"] += 1
        except (ConnectionLostError, TimeoutError, ConnectionError):
            self.refused["lost"] += name is None
        except RemoteProtocolError as error:
            self.refused["protocol"] += 1
            _log.warning("a visitor broke the protocol: %s", error, extra={"event": "protocol-error"})
        finally:
            task = asyncio.current_task()
            if name is not None and self._known.get(name) is task:
                del self._known[name]

    async def _replace(self, name: str) -> None:
        """A visitor that comes again ends its last session, which may not have noticed."""
        task = asyncio.current_task()
        assert task is not None
        last, self._known[name] = self._known.get(name), task
        if last is not None:
            last.cancel()
            await asyncio.wait((last,))


async def _page(_request: web.Request) -> web.StreamResponse:
    return web.FileResponse(STATIC / "transfer.html")


async def _authority(pem: bytes) -> web.StreamResponse:
    headers = {"Content-Disposition": 'attachment; filename="visavis-ca.pem"'}
    return web.Response(body=pem, content_type="application/x-x509-ca-cert", headers=headers)


def _network(address: str | None) -> str:
    """Whom a wrong code is counted against."""
    return network_of(address) or "this machine"
