"""One transport, checked from many addresses: the kernel gives them to different threads."""

import select
import socket
from collections.abc import Iterator

import pytest

from tests.unit.dataplane.checks import connectivity_check
from visavis.dataplane._native import Certificate, DataPlane
from visavis.dataplane.commands import OpenTransport, RequestStats, TransportId

GUARD_S = 20.0
ADDRESSES = 64
PASSWORD = "p" * 22


@pytest.fixture
def native() -> Iterator[DataPlane]:
    native = DataPlane([("127.0.0.1", 0)], threads=2, certificate=Certificate.generate())
    yield native
    native.close()


def test_checks_of_one_transport_are_answered_whichever_thread_gets_them(native: DataPlane) -> None:
    transport = TransportId(1 << 24)
    native.submit([OpenTransport(transport, "Babcdefg", PASSWORD), RequestStats(transport)])
    assert select.select([native], [], [], GUARD_S)[0], "the transport is open when its statistics come"
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(ADDRESSES)]
    try:
        for number, client in enumerate(clients):
            client.settimeout(GUARD_S)
            client.connect(native.local_addresses[0])
            client.send(connectivity_check("Babcdefg", PASSWORD, number))
        for number, client in enumerate(clients):
            answer = client.recv(2_048)
            assert answer[:2] == bytes.fromhex("0101")
            assert answer[8:20] == number.to_bytes(12, "big")
    finally:
        for client in clients:
            client.close()
    native.close()
    counters = native.counters()
    assert counters["stun_answered"] == ADDRESSES
    # That all 64 addresses fall to the one thread of two has the chance of 2 to the power of -64.
    assert counters["handed_over"] > 0
