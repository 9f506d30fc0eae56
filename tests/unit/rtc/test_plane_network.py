"""Connections over the real data plane, on this machine."""

import base64
import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.unit.rtc.pairs import GUARD_S, negotiate, trickle
from visavis.rtc import RTCCertificate, RTCPeerConnection


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


async def test_each_shows_its_certificate_to_the_other() -> None:
    mine, theirs = await generate(), await generate()
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


async def generate() -> RTCCertificate:
    return await RTCPeerConnection.generateCertificate({"name": "ECDSA", "namedCurve": "P-256"})


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
