import asyncio
import gc
import weakref

from tests.unit.rtc.pairs import run
from visavis import RTCPeerConnection


def test_a_loop_that_is_closed_before_its_connections_is_forgotten() -> None:
    """Its data plane, with a thread and five descriptors, stayed for each."""

    async def main() -> "weakref.ref[asyncio.AbstractEventLoop]":
        connection = RTCPeerConnection()
        connection.createDataChannel("talk")
        await connection.setLocalDescription()
        return weakref.ref(asyncio.get_running_loop())

    loop = run(main())
    gc.collect()
    assert loop() is None
