"""Connections over the real data plane, on this machine."""

import asyncio
import base64
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.unit.rtc.pairs import GUARD_S, negotiate, trickle
from visavis.events import Event
from visavis.rtc import RTCCertificate, RTCPeerConnection, RTCSessionDescription


def _threads() -> set[str]:
    """The threads of this process, those of the data plane too."""
    tasks = Path("/proc/self/task")
    if not tasks.exists():
        return {thread.name for thread in threading.enumerate()}
    return {task.name for task in tasks.iterdir()}


async def test_two_connections_in_one_process_reach_connected_and_leave_no_thread() -> None:
    before = _threads()
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    one.addTransceiver("audio")
    await negotiate(one, other)
    await one.wait_for("connected", timeout=GUARD_S)
    await other.wait_for("connected", timeout=GUARD_S)
    assert {one.iceConnectionState, other.iceConnectionState} <= {"connected", "completed"}
    for pc in (one, other):
        transport = pc.getTransceivers()[0].receiver.transport
        assert transport is not None
        pair = transport.iceTransport.getSelectedCandidatePair()
        assert pair is not None
        assert transport.state == "connected"
        assert pair.local.type in ("host", "prflx")
    assert len(_threads()) > len(before)
    one.close()
    other.close()
    assert _threads() == before


@pytest.mark.parametrize("curve", ["P-256", "P-384"])
async def test_each_shows_its_certificate_to_the_other(curve: str) -> None:
    mine, theirs = await generate(curve), await generate("P-256")
    one, other = RTCPeerConnection({"certificates": [mine]}), RTCPeerConnection({"certificates": [theirs]})
    trickle(one, other)
    transport = one.addTransceiver("audio").sender
    await negotiate(one, other)
    await one.wait_for("connected", timeout=GUARD_S)
    assert transport.transport is not None
    assert transport.transport.getRemoteCertificates() == [theirs.der]
    stats = await one.getStats()
    carrier = next(entry for entry in stats.values() if entry["type"] == "transport")
    for name, certificate in (("localCertificateId", mine), ("remoteCertificateId", theirs)):
        shown = stats[str(carrier[name])]
        assert shown["base64Certificate"] == base64.b64encode(certificate.der).decode()
        assert str(shown["fingerprint"]).lower() == certificate.getFingerprints()[0].value
    one.close()
    other.close()


async def generate(curve: str) -> RTCCertificate:
    return await RTCPeerConnection.generateCertificate({"name": "ECDSA", "namedCurve": curve})


@pytest.mark.parametrize("deceived", ["offerer", "answerer"])
async def test_a_wrong_fingerprint_fails_both_ends_at_once(deceived: str) -> None:
    """The one that was told it, and the other, whose own peer is the right one, by an alert."""
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    sender = one.addTransceiver("audio").sender

    def told(description: RTCSessionDescription | None, lie: bool) -> dict[str, str]:
        assert description is not None
        sdp = re.sub(r"(?<=a=fingerprint:sha-256 )[^\r]*", ":".join(["00"] * 32), description.sdp)
        return {"type": description.type, "sdp": sdp if lie else description.sdp}

    await one.setLocalDescription()
    await other.setRemoteDescription(told(one.localDescription, deceived == "answerer"))
    await other.setLocalDescription()
    transport, peers = sender.transport, other.getTransceivers()[0].receiver.transport
    assert transport is not None
    assert peers is not None
    states = {transport: asyncio.Event(), peers: asyncio.Event()}

    def ended(_: Event) -> None:
        for each, over in states.items():
            if each.state in ("failed", "closed"):
                over.set()

    for each in states:
        each.addEventListener("statechange", ended)
    await one.setRemoteDescription(told(other.localDescription, deceived == "offerer"))
    async with asyncio.timeout(GUARD_S):
        for over in states.values():
            await over.wait()
    loser, winner = (transport, peers) if deceived == "offerer" else (peers, transport)
    assert (loser.state, winner.state) == ("failed", "failed")
    assert loser.getRemoteCertificates() == []
    one.close()
    other.close()


async def test_an_ice_restart_keeps_the_connection() -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    one.addTransceiver("audio")
    await negotiate(one, other)
    await one.wait_for("connected", timeout=GUARD_S)
    await other.wait_for("connected", timeout=GUARD_S)
    states: list[str] = []
    one.onconnectionstatechange = lambda _: states.append(one.connectionState)
    transport = one.getTransceivers()[0].sender.transport
    assert transport is not None
    before = transport.iceTransport.getLocalParameters()
    one.restartIce()
    await negotiate(one, other)
    await transport.iceTransport.next_event("selectedcandidatepairchange", timeout=GUARD_S)
    after = transport.iceTransport.getLocalParameters()
    assert before is not None
    assert after is not None
    assert before.usernameFragment != after.usernameFragment
    assert states == []
    one.close()
    other.close()


_OPEN_CONNECTION = """
import asyncio
from visavis import RTCPeerConnection

async def main():
    pc = RTCPeerConnection()
    pc.addTransceiver("audio")
    await pc.setLocalDescription()
    print("open")

asyncio.run(main())
"""


def test_a_process_with_an_open_connection_exits() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _OPEN_CONNECTION],
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout.strip()) == (0, "open"), done.stderr


async def test_m_lines_that_the_peer_does_not_bundle_have_transports_of_their_own() -> None:
    one, other = RTCPeerConnection(), RTCPeerConnection()
    trickle(one, other)
    one.addTransceiver("audio")
    one.addTransceiver("video")
    await one.setLocalDescription()
    offer = one.localDescription
    assert offer is not None
    await other.setRemoteDescription(
        {"type": "offer", "sdp": offer.sdp.replace("a=group:BUNDLE", "a=group:X")}
    )
    await other.setLocalDescription()
    answer = other.localDescription
    assert answer is not None
    await one.setRemoteDescription(answer.toJSON())
    await one.wait_for("connected", timeout=GUARD_S)
    await other.wait_for("connected", timeout=GUARD_S)
    transports = {transceiver.sender.transport for transceiver in one.getTransceivers()}
    assert [transport and transport.state for transport in transports] == ["connected"] * 2
    one.close()
    other.close()
