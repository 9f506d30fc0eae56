"""Pairs of visavis' peer connections (`pairs.py`)."""

import asyncio
from dataclasses import dataclass

from benchmarks import pairs
from visavis import RTCPeerConnection, RTCPeerConnectionIceEvent

TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class VisavisPair:
    """An offerer and an answerer."""

    offerer: RTCPeerConnection
    answerer: RTCPeerConnection

    async def close(self) -> None:
        """Ends both."""
        self.offerer.close()
        self.answerer.close()


async def open_pair() -> VisavisPair:
    """One m-line of audio, candidates trickled as in a program with signaling."""
    offerer, answerer = RTCPeerConnection(), RTCPeerConnection()
    _trickle(offerer, answerer)
    _trickle(answerer, offerer)
    offerer.addTransceiver("audio", {"direction": "sendonly"})
    await offerer.setLocalDescription()
    assert offerer.localDescription is not None
    await answerer.setRemoteDescription(offerer.localDescription.toJSON())
    await answerer.setLocalDescription()
    assert answerer.localDescription is not None
    await offerer.setRemoteDescription(answerer.localDescription.toJSON())
    await asyncio.gather(
        offerer.wait_for("connected", timeout=TIMEOUT_S),
        answerer.wait_for("connected", timeout=TIMEOUT_S),
    )
    return VisavisPair(offerer, answerer)


def _trickle(found_by: RTCPeerConnection, told: RTCPeerConnection) -> None:
    @found_by.on("icecandidate")
    async def signal(event: RTCPeerConnectionIceEvent) -> None:
        if event.candidate is not None:
            await told.addIceCandidate(event.candidate.toJSON())


if __name__ == "__main__":
    pairs.main(open_pair)
