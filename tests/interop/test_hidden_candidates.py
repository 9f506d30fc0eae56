"""A browser that hides its addresses: its host candidates are random names that only multicast DNS knows."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright

from tests.interop.conftest import launched_chromium
from tests.interop.loops import LoopThread
from visavis import RTCPeerConnection

_HIDES_ADDRESSES = "--disable-features="
"""The last of a switch counts: this one ends what the other tests disable."""

_WAIT_S = 30

_OFFER = """async () => {
    globalThis.pc = new RTCPeerConnection();
    pc.addTransceiver('audio');
    await pc.setLocalDescription();
    if (pc.iceGatheringState !== 'complete') {
        await new Promise(resolve => {
            pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve();
        });
    }
    return pc.localDescription.toJSON();
}"""


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    """An event loop for what is in this process."""
    with LoopThread() as running:
        yield running


def test_chromium_is_reached_by_the_name_that_it_tells(playwright: Playwright, loop: LoopThread) -> None:
    with launched_chromium(playwright, _HIDES_ADDRESSES) as browser:
        page = browser.new_page()
        offer = page.evaluate(_OFFER)
        assert ".local " in offer["sdp"]

        async def answer() -> tuple[RTCPeerConnection, dict[str, object]]:
            pc = RTCPeerConnection()
            await pc.setRemoteDescription(offer)
            await pc.setLocalDescription()
            assert pc.localDescription is not None
            lines = pc.localDescription.sdp.splitlines(keepends=True)
            bare = "".join(line for line in lines if not line.startswith("a=candidate"))
            return pc, {"type": "answer", "sdp": bare}

        pc, description = loop.run(answer())

        async def remote_type() -> str | None:
            async with pc:
                await pc.wait_for("connected", timeout=_WAIT_S)
                transport = pc.getTransceivers()[0].receiver.transport
                assert transport is not None
                pair = transport.iceTransport.getSelectedCandidatePair()
                return None if pair is None else pair.remote.type

        # It is told none of our candidates, and so cannot begin: our check of its name has to reach it.
        page.evaluate("description => pc.setRemoteDescription(description)", description)
        assert loop.run(remote_type()) == "host"
