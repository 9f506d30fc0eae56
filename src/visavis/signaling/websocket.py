"""The WebSocket under a session (RFC 6455, by aiohttp): paced reading, bounded writing."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection

from aiohttp import WSMessage, WSMsgType, hdrs, web

from visavis.clock import Clock
from visavis.room import Rooms
from visavis.signaling.encode import Json
from visavis.signaling.heartbeat import Heartbeat
from visavis.signaling.limits import ReadingPace
from visavis.signaling.origin import is_allowed_origin
from visavis.signaling.parse import MAX_MESSAGE_BYTES
from visavis.signaling.session import CloseCode, Session, State
from visavis.signaling.visitors import Visitors

_log = logging.getLogger(__name__)

MAX_QUEUED_MESSAGES = 1024
MAX_QUEUED_BYTES = 8 << 20
CLOSE_TIMEOUT_S = 2.0
MAX_NOT_JOINED = 500
"""So many sockets may wait to join a room; one more, and the oldest of them is closed."""

_FIRST_SIZE_REFUSED = MAX_MESSAGE_BYTES + 1
"""aiohttp refuses a message of exactly its `max_msg_size`."""


class Outbox:
    """What is to be sent, bounded: a reader too slow for `MAX_QUEUED_MESSAGES` or `MAX_QUEUED_BYTES` is
    closed with 4008.

    Implements `visavis.signaling.session.Wire`.
    """

    def __init__(self) -> None:
        self._texts: deque[str] = deque()
        self._queued_bytes = 0
        self._ping_due = False
        self._closing: tuple[int, str] | None = None
        self._wake = asyncio.Event()
        self._closed = asyncio.Event()

    def send(self, text: str) -> None:
        """Queues a text frame."""
        if self._closing is not None:
            return
        size_bytes = len(text.encode())
        if len(self._texts) >= MAX_QUEUED_MESSAGES or self._queued_bytes + size_bytes > MAX_QUEUED_BYTES:
            self._texts.clear()
            self.close(CloseCode.FLOODING, "too slow")
            return
        self._texts.append(text)
        self._queued_bytes += size_bytes
        self._wake.set()

    def ping(self) -> None:
        """Sends a ping of the protocol as soon as may be; two of them are one."""
        self._ping_due = True
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        """Closes after what is queued; the first call counts."""
        if self._closing is None:
            self._closing = (code, reason)
        self._closed.set()
        self._wake.set()

    async def closed(self) -> None:
        """Returns once `close` was called."""
        await self._closed.wait()

    async def drain_into(self, socket: web.WebSocketResponse) -> None:
        """Sends all there is until the close, which it sends as well."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._texts:
                text = self._texts.popleft()
                self._queued_bytes -= len(text.encode())
                await socket.send_str(text)
            if self._ping_due:
                self._ping_due = False
                await socket.ping()
            if self._closing is not None:
                code, reason = self._closing
                await socket.close(code=code, message=reason.encode())
                return


class SignalingEndpoint:
    """`GET /signal`: one `Session` per WebSocket, all of them known for the shutdown."""

    def __init__(
        self,
        rooms: Rooms,
        clock: Clock,
        visitors: Visitors,
        *,
        allowed_origins: Collection[str] = (),
        ice_servers: Callable[[], tuple[Json, ...]] = tuple,
    ) -> None:
        self._rooms = rooms
        self._clock = clock
        self._visitors = visitors
        self._allowed_origins = frozenset(allowed_origins)
        self._ice_servers = ice_servers
        self._sessions: dict[Session, asyncio.Future[None]] = {}
        self._waiting: deque[Session] = deque()
        self._retry_after_s: float | None = None

    @property
    def socket_count(self) -> int:
        """How many WebSockets are open."""
        return len(self._sessions)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serves one WebSocket until it closes."""
        origin = request.headers.get(hdrs.ORIGIN)
        if not is_allowed_origin(origin, request.headers.get(hdrs.HOST, ""), self._allowed_origins):
            _log.warning("refused a WebSocket of %.200r", origin, extra={"event": "cross-origin-refused"})
            raise web.HTTPForbidden(
                text="Pages of other sites may not use this server (see --allow-origin).\n"
            )
        if self._retry_after_s is not None:
            raise web.HTTPServiceUnavailable(text="The server is going down.\n")
        socket = web.WebSocketResponse(
            max_msg_size=_FIRST_SIZE_REFUSED,
            compress=False,
            autoping=False,
            timeout=CLOSE_TIMEOUT_S,
        )
        if not socket.can_prepare(request):
            raise web.HTTPUpgradeRequired(text="This address speaks WebSocket only.\n")
        await socket.prepare(request)
        await self._serve(socket, request)
        return socket

    async def shutdown(self, retry_after_s: float) -> None:
        """Tells every client that the server is going down, and closes; new ones are refused from now on."""
        self._retry_after_s = retry_after_s
        for session in tuple(self._sessions):
            session.handle_shutdown(retry_after_s)
        await asyncio.gather(*self._sessions.values())

    async def _serve(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        outbox, transport = Outbox(), request.transport
        visit = self._visitors.enter(request.remote)
        session = Session(
            self._rooms,
            self._clock,
            outbox,
            self._ice_servers,
            may_join=lambda: visit is not None and visit.may_join(),
        )
        if visit is None:
            session.handle_too_many()
        else:
            self._make_place()
            self._waiting.append(session)
        writer = asyncio.create_task(_write(outbox, socket))
        heartbeat = Heartbeat(self._clock, outbox.ping, session.handle_disconnect)
        reader = asyncio.create_task(self._read(socket, session, heartbeat))
        closed = asyncio.create_task(outbox.closed())
        self._sessions[session] = closed_for_good = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((reader, writer, closed), return_when=asyncio.FIRST_COMPLETED)
            session.handle_disconnect()
            await asyncio.wait((writer,), timeout=CLOSE_TIMEOUT_S)
        finally:
            heartbeat.stop()
            session.handle_disconnect()
            if not writer.done() and transport is not None:
                transport.abort()
            for task in (reader, writer, closed):
                task.cancel()
            for outcome in await asyncio.gather(reader, writer, closed, return_exceptions=True):
                if isinstance(outcome, Exception):
                    _log.error("a socket failed", exc_info=outcome, extra={"event": "internal-error"})
            if visit is not None:
                visit.leave()
            del self._sessions[session]
            closed_for_good.set_result(None)

    def _make_place(self) -> None:
        """Closes the one that has waited for longest without a join, when too many do: who means to join does
        so at once.
        """
        waiting = self._waiting
        while waiting and waiting[0].state is not State.AWAITING_JOIN:
            waiting.popleft()
        if len(waiting) >= MAX_NOT_JOINED:
            self._waiting = waiting = deque(each for each in waiting if each.state is State.AWAITING_JOIN)
            if len(waiting) >= MAX_NOT_JOINED:
                waiting.popleft().handle_crowding()

    async def _read(self, socket: web.WebSocketResponse, session: Session, heartbeat: Heartbeat) -> None:
        try:
            await self._read_frames(socket, session, heartbeat)
        except ConnectionError:
            return
        except Exception:
            session.handle_internal_error()

    async def _read_frames(
        self, socket: web.WebSocketResponse, session: Session, heartbeat: Heartbeat
    ) -> None:
        pace = ReadingPace(self._clock.monotonic())
        while True:
            frame = await socket.receive()
            heartbeat.heard()
            if _is_going_away(frame):
                session.handle_going_away()
            if frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return
            verdict = pace.after(_size_bytes(frame), self._clock.monotonic())
            if verdict.flooding:
                session.handle_flooding()
                return
            if frame.type is WSMsgType.PING:
                await socket.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                session.handle_text_untrusted(frame.data)
            elif frame.type is WSMsgType.BINARY:
                session.handle_not_text()
            if verdict.wait_s > 0:
                await _pass(self._clock, verdict.wait_s)


def _is_going_away(frame: WSMessage) -> bool:
    """The page is being left (RFC 6455 section 7.4.1)."""
    return frame.type is WSMsgType.CLOSE and frame.data == CloseCode.GOING_DOWN


async def _write(outbox: Outbox, socket: web.WebSocketResponse) -> None:
    try:
        await outbox.drain_into(socket)
    except ConnectionError:
        return


async def _pass(clock: Clock, duration_s: float) -> None:
    """Returns `duration_s` later by the given clock."""
    over = asyncio.Event()
    timer = clock.call_later(duration_s, over.set)
    try:
        await over.wait()
    finally:
        timer.cancel()


def _size_bytes(frame: WSMessage) -> int:
    if isinstance(frame.data, str):
        return len(frame.data.encode())
    return len(frame.data) if isinstance(frame.data, bytes) else 0
