"""A network between browser and server that can be taken away: a UDP relay on loopback."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from playwright.sync_api import BrowserContext

from tests.interop.loops import LoopThread

Address = tuple[str, int]

THROUGH = """(() => {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  const candidate = /(a=candidate:\\S+ \\d+ \\S+ \\d+) \\S+ \\d+ typ/g;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    return set.call(this, { type, sdp: sdp.replace(candidate, '$1 127.0.0.1 PORT typ') });
  };
})()"""


class Relay:
    """Passes datagrams on to `server` while `passes`; each client address has a socket of its own there.

    Used as a context manager; `port` is where clients send to.
    """

    def __init__(self, server: Address, *, passes: bool = True) -> None:
        self.passes = passes
        self.port = 0
        self._server = server
        self._loop = LoopThread()
        self._front: asyncio.DatagramTransport | None = None
        self._backs: dict[Address, asyncio.Future[asyncio.DatagramTransport]] = {}

    def carries(self, context: BrowserContext) -> None:
        """From now on the context's pages reach the server's media through this relay only."""
        context.add_init_script(THROUGH.replace("PORT", str(self.port)))

    def __enter__(self) -> Self:
        self._loop.__enter__()
        self._loop.run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._loop.run(self._close())
        self._loop.__exit__(kind, error, traceback)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        self._front, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(self._to_server), local_addr=("127.0.0.1", 0)
        )
        self.port = self._front.get_extra_info("sockname")[1]

    async def _close(self) -> None:
        assert self._front is not None
        for transport in (self._front, *[await back for back in self._backs.values()]):
            transport.close()

    def _to_server(self, data: bytes, client: Address) -> None:
        if not self.passes:
            return
        back = self._backs.get(client)
        if back is None:
            back = self._backs[client] = asyncio.ensure_future(self._connect(client))
        # Before there is a socket, what comes is lost, as on any network.
        if back.done():
            back.result().sendto(data)

    async def _connect(self, client: Address) -> asyncio.DatagramTransport:
        def to_client(data: bytes, _server: Address) -> None:
            if self.passes and self._front is not None:
                self._front.sendto(data, client)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Receiver(to_client), remote_addr=self._server
        )
        return transport


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr)
