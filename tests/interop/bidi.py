"""WebDriver BiDi as a client: commands and events over one WebSocket.

https://www.w3.org/TR/webdriver-bidi/
"""

import asyncio
import itertools
import socket
from collections.abc import Callable
from typing import Any

import aiohttp

MakeSocket = Callable[[], socket.socket]
Event = Callable[[dict[str, Any]], None]


class BidiError(Exception):
    """A command failed, or what it ran in the page threw."""


class BidiConnection:
    """One session with a browser; `command` needs its event loop."""

    def __init__(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._http = http
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[str, Event] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, make_socket: MakeSocket = lambda: socket.socket()) -> "BidiConnection":
        """Connects to the address that the browser printed and begins a session."""

        def made(_: object) -> socket.socket:
            return make_socket()

        http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=made))
        connection = cls(http, await http.ws_connect(f"{url}/session", max_msg_size=0))
        await connection.command("session.new", capabilities={})
        return connection

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a command; returns its result.

        Raises:
            BidiError: the browser refused it, or is gone.
        """
        number = next(self._ids)
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = reply
        await self._socket.send_json({"id": number, "method": method, "params": params})
        return await reply

    async def on(self, event: str, call: Event) -> None:
        """Subscribes to an event."""
        self._events[event] = call
        await self.command("session.subscribe", events=[event])

    async def close(self) -> None:
        """Ends the connection and with it the session."""
        await self._socket.close()
        await self._reader
        await self._http.close()

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            if said["type"] == "event":
                self._events[said["method"]](said["params"])
                continue
            reply = self._waiting.pop(said["id"])
            if said["type"] == "success":
                reply.set_result(said["result"])
            else:
                reply.set_exception(BidiError(f"{said['error']}: {said['message']}"))
        for reply in self._waiting.values():
            reply.set_exception(BidiError("the browser closed the connection"))
