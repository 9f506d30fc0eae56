"""Pairs of aiortc's peer connections (`pairs.py`); runs in the environment that `processes.py` makes."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiortc  # type: ignore[import-not-found, unused-ignore]

from benchmarks import pairs

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class AiortcPair:
    """An offerer and an answerer."""

    offerer: Any
    answerer: Any

    async def close(self) -> None:
        """Ends both."""
        await asyncio.gather(self.offerer.close(), self.answerer.close())


async def open_pair() -> AiortcPair:
    """One m-line of audio; aiortc has no trickle, its descriptions hold the candidates."""
    # Without a list of its own it asks a public STUN server.
    configuration = aiortc.RTCConfiguration(iceServers=[])
    offerer = aiortc.RTCPeerConnection(configuration)
    answerer = aiortc.RTCPeerConnection(configuration)
    connected = [_connected(offerer), _connected(answerer)]
    offerer.addTransceiver("audio", "sendonly")
    await offerer.setLocalDescription(await offerer.createOffer())
    await answerer.setRemoteDescription(offerer.localDescription)
    await answerer.setLocalDescription(await answerer.createAnswer())
    await offerer.setRemoteDescription(answerer.localDescription)
    await asyncio.wait_for(asyncio.gather(*connected), TIMEOUT_S)
    return AiortcPair(offerer, answerer)


def _connected(connection: Any) -> "asyncio.Future[None]":
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def changed() -> None:
        if connection.connectionState == "connected" and not future.done():
            future.set_result(None)

    connection.on("connectionstatechange", changed)
    return future


if __name__ == "__main__":
    pairs.main(open_pair)
