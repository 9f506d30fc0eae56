"""One peer connection with the one channel of a transfer."""

import asyncio
from types import TracebackType
from typing import Self

from visavis.errors import DOMException, RemoteProtocolError
from visavis.rtc import RTCConfiguration, RTCDataChannelInit, RTCPeerConnection
from visavis.transfer.channel import ConnectionLostError

LABEL = "visavis-transfer"
PROTOCOL = "visavis-transfer-1"
MAX_MESSAGE_BYTES = 256 * 1024


class Peer:
    """Offers or answers with all candidates in the description; no server is asked for any.

    Lifetimes: `close`, or the end of an `async with`, closes the connection and with it the channel.
    """

    def __init__(self, configuration: RTCConfiguration | None = None) -> None:
        self._pc = RTCPeerConnection(configuration)
        init = RTCDataChannelInit(negotiated=True, id=0, protocol=PROTOCOL)
        self.channel = self._pc.createDataChannel(LABEL, init)
        self._opened = asyncio.Event()
        self.channel.addEventListener("open", lambda _: self._opened.set())

    @property
    def local_sdp(self) -> str:
        """Our description."""
        assert self._pc.localDescription is not None
        return self._pc.localDescription.sdp

    @property
    def remote_sdp(self) -> str:
        """The peer's."""
        assert self._pc.remoteDescription is not None
        return self._pc.remoteDescription.sdp

    @property
    def message_bytes(self) -> int:
        """No message may be longer."""
        sctp = self._pc.sctp
        longest = sctp.maxMessageSize if sctp is not None else None
        return int(min(MAX_MESSAGE_BYTES, longest or MAX_MESSAGE_BYTES))

    async def offer(self) -> str:
        """Our description, to be accepted by the peer."""
        await self._pc.setLocalDescription()
        await self._gathered()
        return self.local_sdp

    async def answer_untrusted(self, sdp: str) -> str:
        """Our description for the peer's.

        Raises:
            RemoteProtocolError: It cannot be used.
        """
        await self._set_remote_untrusted("offer", sdp)
        await self._pc.setLocalDescription()
        await self._gathered()
        return self.local_sdp

    async def accept_untrusted(self, sdp: str) -> None:
        """The peer's description for ours.

        Raises:
            RemoteProtocolError: It cannot be used.
        """
        await self._set_remote_untrusted("answer", sdp)

    async def opened(self, within_s: float) -> None:
        """Returns when the channel is open.

        Raises:
            ConnectionLostError: It was not in time, or cannot be.
        """
        waiting = (asyncio.ensure_future(self._opened.wait()), asyncio.ensure_future(self.lost()))
        try:
            await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        if not self._opened.is_set():
            raise ConnectionLostError(
                "the two machines do not reach each other by UDP; is there a firewall between?"
            )

    async def lost(self) -> None:
        """Returns when the connection has failed or is closed."""
        while self._pc.connectionState not in ("failed", "closed"):
            await self._pc.next_event("connectionstatechange")

    def close(self) -> None:
        """Ends it at once."""
        self._pc.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def _gathered(self) -> None:
        while self._pc.iceGatheringState != "complete":
            await self._pc.next_event("icegatheringstatechange")

    async def _set_remote_untrusted(self, type: str, sdp: str) -> None:
        try:
            await self._pc.setRemoteDescription({"type": type, "sdp": sdp})
        except (DOMException, TypeError) as error:
            raise RemoteProtocolError(f"the peer's description cannot be used: {error}") from None
