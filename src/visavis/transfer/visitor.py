"""The end that comes by a link; it comes again when the connection breaks."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import ClientError, ClientSession, ClientTimeout, ClientWebSocketResponse, WSServerHandshakeError

from visavis.errors import StartError
from visavis.transfer.access import introduce
from visavis.transfer.channel import ConnectionLostError, Messages, unless_lost
from visavis.transfer.messages import Direction
from visavis.transfer.peer import Peer
from visavis.transfer.secret import Link
from visavis.transfer.signals import MAX_SIGNAL_BYTES, description_untrusted, until_closed
from visavis.transfer.watch import Watch

ANSWER_S = 10.0
"""A host that has not answered by then is not there."""
CONNECT_S = 20.0
HEARTBEAT_S = 15.0
PATIENCE_S = 300.0
"""So long it is tried to reach a host that was there once."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0

Visit = Callable[[Peer, Messages], Awaitable[None]]
"""One session with the host."""
Pause = Callable[[float], Awaitable[None]]


_OTHER_WAY = {
    Direction.SENDS: "that link has files for you; take them with visavis receive LINK",
    Direction.RECEIVES: "that link waits for files; give it some with visavis send FILE --to LINK",
}


class Visitor:
    """Meets the host of a link, as often as it takes to get through with what it came for."""

    def __init__(
        self, link: Link, wanted: Direction, visit: Visit, watch: Watch, pause: Pause = asyncio.sleep
    ) -> None:
        """Prepares it.

        Args:
            link: where the host is, and the secret.
            wanted: what the host must be here for.
            visit: one session with it.
            watch: is told when it is met, and lost.
            pause: waits for so many seconds.
        """
        self._link = link
        self._wanted = wanted
        self._visit = visit
        self._watch = watch
        self._pause = pause
        self._name = secrets.token_hex(16)
        self._is_met = False

    async def run(self) -> None:
        """Returns when a session has come to its end.

        Raises:
            StartError: The host is there for something else.
            WrongCodeError: The link's secret is wrong.
            RefusedError: The host refuses.
            ConnectionLostError: The host does not answer, or was lost and did not come back for five minutes.
            RemoteProtocolError: It does not keep to the protocol.
        """
        loop = asyncio.get_running_loop()
        pause_s, give_up_s = _FIRST_PAUSE_S, 0.0
        # A host's certificate is its own, and the proof of the secret says who it is.
        async with ClientSession(timeout=ClientTimeout(total=None, connect=ANSWER_S)) as http:
            while True:
                try:
                    await self._meet(http)
                    return
                except ConnectionLostError:
                    if self._is_met:
                        self._is_met = False
                        self._watch.lost()
                        pause_s, give_up_s = _FIRST_PAUSE_S, loop.time() + PATIENCE_S
                    elif loop.time() > give_up_s:
                        raise
                await self._pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _meet(self, http: ClientSession) -> None:
        async with await self._connect(http) as wire, Peer() as peer:
            async with asyncio.timeout(CONNECT_S):
                offer = await peer.offer()
                await wire.send_json({"type": "offer", "sdp": offer})
                answer = description_untrusted(await wire.receive(), "answer")
                await peer.accept_untrusted(answer)
            await peer.opened(CONNECT_S)
            messages = aiter(peer.channel)
            found = await introduce(peer.channel, messages, self._link.secret, self._name, (offer, answer))
            if found is not self._wanted:
                raise StartError(_OTHER_WAY[found])
            self._is_met = True
            self._watch.met()
            await unless_lost(self._visit(peer, messages), peer.close, until_closed(wire), peer.lost())

    async def _connect(self, http: ClientSession) -> ClientWebSocketResponse:
        try:
            return await http.ws_connect(
                f"{self._link.url}/signal", ssl=False, heartbeat=HEARTBEAT_S, max_msg_size=MAX_SIGNAL_BYTES
            )
        except WSServerHandshakeError as error:
            raise ConnectionLostError(
                f"{self._link.url} is there, and is no transfer ({error.status})"
            ) from None
        except (ClientError, OSError, TimeoutError) as error:
            reason = str(error) or "no answer"
            raise ConnectionLostError(
                f"{self._link.url} does not answer ({reason}); is the other side still running, are both in "
                "one network, and does no firewall stand between?"
            ) from None
