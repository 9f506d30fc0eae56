"""Two data planes, each with a full ICE agent on sockets of its own, driven by hand over loopback."""

import os
import select
import socket
from collections.abc import Callable, Iterator

import pytest

from visavis.dataplane._native import Certificate, DataPlane
from visavis.dataplane.commands import (
    FIRST_LEARNT_PAIR,
    FIRST_OWN_SOCKET,
    AddRelay,
    Address,
    AddSocket,
    BindChannel,
    CloseTransport,
    Command,
    ConnectTransport,
    DtlsRole,
    Fingerprint,
    Nominate,
    OpenStream,
    OpenTransport,
    Pair,
    PairId,
    RemoveSocket,
    SendStun,
    SetPairs,
    SocketId,
    TransportId,
)
from visavis.dataplane.reports import (
    PairLearnt,
    PairSelected,
    PairState,
    Report,
    SocketLost,
    StunResult,
    TransportState,
)
from visavis.ice.machine import open_tcp_stream

GUARD_S = 20.0
T = TransportId(1)
OWN, RELAY = SocketId(FIRST_OWN_SOCKET), SocketId(FIRST_OWN_SOCKET + 1)
PRIORITY = 0x6EFF_FFFF
BINDING = 1
SEND_INDICATION = bytes.fromhex("0016")
CHANNEL = 0x4001


class End:
    """One end: a plane without addresses, and one transport on it."""

    def __init__(self, letter: str) -> None:
        self.certificate = Certificate.generate()
        self.native = DataPlane([], threads=1, certificate=Certificate.generate())
        self.ufrag, self.password = f"A{letter * 7}", letter * 24
        self.reports: list[Report] = []

    def submit(self, *commands: Command) -> None:
        self.native.submit(commands)

    def open(self, *, controlling: bool) -> None:
        self.submit(
            OpenTransport(
                T,
                self.ufrag,
                self.password,
                lite=False,
                controlling=controlling,
                tie_breaker=7,
                certificate=self.certificate,
            )
        )

    def add_socket(self) -> Address:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        ip, port = sock.getsockname()
        self.submit(AddSocket(T, OWN, sock.detach()))
        return ip, port

    def connect(self, other: "End", role: DtlsRole) -> None:
        fingerprint = Fingerprint("sha-256", other.certificate.fingerprint)
        self.submit(ConnectTransport(T, other.ufrag, other.password, role, (fingerprint,)))

    def connect_to_nobody(self) -> None:
        fingerprints = (Fingerprint("sha-256", bytes(32)),)
        self.submit(ConnectTransport(T, "nobody", "n" * 24, DtlsRole.SERVER, fingerprints))

    def wait_for(self, wanted: Callable[[Report], bool]) -> Report:
        """The first report that is wanted, of those since the start."""
        seen = 0
        while True:
            for report in self.reports[seen:]:
                seen += 1
                if wanted(report):
                    return report
            assert select.select([self.native], [], [], GUARD_S)[0], f"only {self.reports}"
            self.reports += self.native.drain()

    def wait_until_connected(self) -> TransportState:
        report = self.wait_for(lambda one: isinstance(one, TransportState) and one.state == "connected")
        assert isinstance(report, TransportState)
        return report

    def wait_for_result(self, request: int) -> StunResult:
        report = self.wait_for(lambda one: isinstance(one, StunResult) and one.request == request)
        assert isinstance(report, StunResult)
        return report


@pytest.fixture
def ends() -> Iterator[tuple[End, End]]:
    ends = End("x"), End("y")
    yield ends
    for end in ends:
        end.native.close()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A socket where a STUN or TURN server would be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(GUARD_S)
        yield server


def is_free(address: Address) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(address)
        except OSError:
            return False
        return True


def pair(number: int, remote: Address, sock: SocketId = OWN) -> Pair:
    return Pair(PairId(number), sock, remote, PRIORITY)


def test_two_full_agents_connect_over_sockets_of_their_own(ends: tuple[End, End]) -> None:
    one, other = ends
    one.open(controlling=True)
    other.open(controlling=False)
    addresses = one.add_socket(), other.add_socket()
    one.connect(other, DtlsRole.SERVER)
    other.connect(one, DtlsRole.CLIENT)
    one.submit(SetPairs(T, (pair(1, addresses[1]),)))
    other.submit(SetPairs(T, (pair(5, addresses[0]),)))
    checked = one.wait_for(lambda report: isinstance(report, PairState))
    assert isinstance(checked, PairState)
    assert (checked.pair, checked.state) == (1, "succeeded")
    assert checked.mapped == f"127.0.0.1:{addresses[0][1]}"
    assert checked.rtt_s > 0
    one.submit(Nominate(T, PairId(1)))
    for end, number in ((one, 1), (other, 5)):
        connected = end.wait_until_connected()
        assert connected.remote == f"127.0.0.1:{addresses[1 - ends.index(end)][1]}"
        assert connected.srtp_profile.startswith("SRTP_AEAD_AES_")
        selected = end.wait_for(lambda report: isinstance(report, PairSelected))
        assert isinstance(selected, PairSelected)
        assert (selected.pair, selected.reason) == (number, "nominated")


def test_who_is_only_checked_learns_the_pair_by_that(ends: tuple[End, End]) -> None:
    one, other = ends
    one.open(controlling=True)
    other.open(controlling=False)
    address, remote = one.add_socket(), other.add_socket()
    one.connect(other, DtlsRole.SERVER)
    other.connect(one, DtlsRole.CLIENT)
    one.submit(SetPairs(T, (pair(1, remote),)), Nominate(T, PairId(1)))
    learnt = other.wait_for(lambda report: isinstance(report, PairLearnt))
    assert isinstance(learnt, PairLearnt)
    assert (learnt.pair, learnt.socket, learnt.remote) == (FIRST_LEARNT_PAIR, OWN, address)
    assert learnt.priority == PRIORITY
    one.wait_until_connected()
    other.wait_until_connected()


def test_a_certificate_that_was_not_announced_fails_the_transport(ends: tuple[End, End]) -> None:
    one, other = ends
    one.open(controlling=True)
    other.open(controlling=False)
    one.add_socket()
    remote = other.add_socket()
    announced = (Fingerprint("sha-256", bytes(32)),)
    one.submit(ConnectTransport(T, other.ufrag, other.password, DtlsRole.SERVER, announced))
    other.connect(one, DtlsRole.CLIENT)
    one.submit(SetPairs(T, (pair(1, remote),)))
    failed = one.wait_for(lambda report: isinstance(report, TransportState) and report.state == "failed")
    assert isinstance(failed, TransportState)
    assert failed.reason == "fingerprint-mismatch"


def test_a_socket_is_closed_with_its_transport(ends: tuple[End, End]) -> None:
    end = ends[0]
    end.open(controlling=True)
    address = end.add_socket()
    assert not is_free(address)
    end.submit(CloseTransport(T))
    end.wait_for(lambda report: isinstance(report, TransportState) and report.state == "closed")
    assert is_free(address)


def test_a_socket_is_closed_by_command_and_fails_its_pairs(ends: tuple[End, End]) -> None:
    end = ends[0]
    end.open(controlling=True)
    address = end.add_socket()
    end.submit(SetPairs(T, (pair(1, ("127.0.0.1", 9)),)), RemoveSocket(T, OWN))
    failed = end.wait_for(lambda report: isinstance(report, PairState))
    assert isinstance(failed, PairState)
    assert (failed.pair, failed.state, failed.reason) == (1, "failed", "its socket is gone")
    assert is_free(address)


def test_a_socket_for_a_transport_that_is_not_there_is_closed(ends: tuple[End, End]) -> None:
    end = ends[0]
    address = end.add_socket()
    end.open(controlling=True)
    end.submit(SendStun(T, 1, OWN, ("127.0.0.1", 9), BINDING))
    assert end.wait_for_result(1).code == -2
    assert is_free(address)


def test_a_descriptor_that_is_no_socket_fails_its_pairs_and_is_left_alone(ends: tuple[End, End]) -> None:
    end = ends[0]
    end.open(controlling=True)
    read, write = os.pipe()
    end.submit(AddSocket(T, OWN, read), SetPairs(T, (pair(1, ("127.0.0.1", 9)),)))
    failed = end.wait_for(lambda report: isinstance(report, PairState))
    assert isinstance(failed, PairState)
    assert (failed.pair, failed.state) == (1, "failed")
    assert end.native.counters()["socket_refused"] == 1
    os.close(read)
    os.close(write)


def test_a_request_brings_back_what_the_server_says(ends: tuple[End, End], server: socket.socket) -> None:
    end = ends[0]
    end.open(controlling=True)
    address = end.add_socket()
    end.submit(SendStun(T, 7, OWN, server.getsockname(), BINDING, ((0x8022, b"visavis"),)))
    request, source = server.recvfrom(2_048)
    assert source == address
    assert request[:2] == bytes.fromhex("0001")
    assert bytes.fromhex("80220007") + b"visavis" in request
    answer = bytes.fromhex("0101 0008 2112a442") + request[8:20] + bytes.fromhex("00200004deadbeef")
    server.sendto(answer, source)
    result = end.wait_for_result(7)
    assert (result.code, result.attributes) == (0, [(0x20, bytes.fromhex("deadbeef"))])
    assert result.transaction == request[8:20]
    assert 0 < result.rtt_s < GUARD_S


def connected(end: End, server_name: str | None = None) -> socket.socket:
    """A TCP server's end of a stream that the transport has as `OWN`; a transport is opened first."""
    end.open(controlling=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(GUARD_S)
        address = listener.getsockname()
        end.submit(OpenStream(T, OWN, open_tcp_stream("127.0.0.1", address), address, server_name))
        accepted, _ = listener.accept()
    accepted.settimeout(GUARD_S)
    return accepted


def test_over_a_stream_messages_are_framed_whatever_their_length(ends: tuple[End, End]) -> None:
    end = ends[0]
    with connected(end) as stream:
        address = stream.getsockname()
        end.submit(SendStun(T, 7, OWN, address, BINDING, ((0x8022, b"visavis"),)))
        request = stream.recv(2_048)
        assert int.from_bytes(request[2:4]) == len(request) - 20
        padded_data = bytes.fromhex("4000 0001 07 000000")
        answer = bytes.fromhex("0101 0008 2112a442") + request[8:20] + bytes.fromhex("00200004deadbeef")
        stream.sendall(padded_data + answer[:9])
        stream.sendall(answer[9:])
        assert end.wait_for_result(7).attributes == [(0x20, bytes.fromhex("deadbeef"))]
        end.connect_to_nobody()
        peer = ("192.0.2.1", 5000)
        end.submit(
            AddRelay(T, RELAY, OWN, address),
            BindChannel(T, RELAY, peer, CHANNEL),
            SetPairs(T, (pair(1, peer, RELAY),)),
        )
        check = stream.recv(2_048)
        assert check[:2] == CHANNEL.to_bytes(2)
        assert len(check) % 4 == 0


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-nonsense\r\n"])
def test_a_stream_that_ends_or_is_none_of_turn_is_lost_with_its_requests(
    said: bytes, ends: tuple[End, End]
) -> None:
    end = ends[0]
    with connected(end) as stream:
        end.submit(SendStun(T, 1, OWN, stream.getsockname(), BINDING))
        stream.recv(2_048)
        stream.sendall(said)
        if not said:
            stream.shutdown(socket.SHUT_WR)
        assert end.wait_for_result(1).code == -2
        lost = end.wait_for(lambda report: isinstance(report, SocketLost))
        assert isinstance(lost, SocketLost)
        assert lost.socket == OWN
    assert end.native.counters()["stream_lost"] == 1


def test_a_server_that_refuses_the_connection_is_lost(ends: tuple[End, End]) -> None:
    end = ends[0]
    end.open(controlling=True)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    end.submit(
        OpenStream(T, OWN, open_tcp_stream("127.0.0.1", address), address),
        SendStun(T, 1, OWN, address, BINDING),
    )
    assert end.wait_for_result(1).code == -2


def test_over_tls_nothing_is_said_before_the_server_has_proved_its_name(ends: tuple[End, End]) -> None:
    end = ends[0]
    with connected(end, "turn.example.org") as stream:
        end.submit(SendStun(T, 1, OWN, stream.getsockname(), BINDING))
        hello = stream.recv(4_096)
        assert hello[0] == 22, "a handshake record"
        assert b"turn.example.org" in hello
        stream.sendall(b"no TLS here, but twenty bytes")
        assert end.wait_for_result(1).code == -2


def test_an_address_that_the_system_refuses_is_reported_at_once(ends: tuple[End, End]) -> None:
    end = ends[0]
    end.open(controlling=True)
    end.add_socket()
    end.submit(SendStun(T, 1, OWN, ("::1", 9), BINDING))
    assert end.wait_for_result(1).code == -2


def test_checks_over_a_relay_go_to_the_server(ends: tuple[End, End], server: socket.socket) -> None:
    end = ends[0]
    end.open(controlling=True)
    end.add_socket()
    end.connect_to_nobody()
    channel, permitted = ("192.0.2.1", 5000), ("192.0.2.2", 5000)
    end.submit(
        AddRelay(T, RELAY, OWN, server.getsockname()),
        BindChannel(T, RELAY, channel, CHANNEL),
        BindChannel(T, RELAY, permitted),
        SetPairs(T, (pair(1, channel, RELAY), pair(2, permitted, RELAY))),
    )
    first, _ = server.recvfrom(2_048)
    assert first[:4] == CHANNEL.to_bytes(2, "big") + (len(first) - 4).to_bytes(2, "big")
    assert first[4:6] == bytes.fromhex("0001"), "a Binding request"
    second, _ = server.recvfrom(2_048)
    assert second[:2] == SEND_INDICATION
    assert bytes.fromhex("0012 0008") in second, "XOR-PEER-ADDRESS"
