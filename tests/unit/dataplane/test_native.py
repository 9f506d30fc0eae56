"""The compiled module, with real sockets on ports that the system picks."""

import errno
import os
import select
import socket
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from visavis.dataplane import Plane
from visavis.dataplane._native import Certificate, DataPlane
from visavis.dataplane.commands import (
    FIRST_OWN_SOCKET,
    AddRelay,
    Address,
    AddSocket,
    BindChannel,
    CloseTransport,
    Codec,
    Command,
    ConnectTransport,
    DtlsRole,
    Extension,
    Fingerprint,
    Kind,
    Nominate,
    OpenStream,
    OpenTransport,
    Pair,
    PairId,
    Payload,
    PayloadMap,
    Receive,
    ReceiveSection,
    RemoveSocket,
    RequestKeyFrame,
    RequestStats,
    RestartIce,
    Route,
    Rung,
    Send,
    SendSlot,
    SendStun,
    SetLadder,
    SetPairs,
    SlotId,
    SocketId,
    TrackId,
    TransportId,
)
from visavis.dataplane.identifiers import ICE_CHARS
from visavis.dataplane.reports import TransportState, TransportStats

GUARD_S = 20.0
T = TransportId(1)
TRACK = TrackId(2)
OPEN = OpenTransport(T, "Aabcdefg", "p" * 22)
CONNECT = ConnectTransport(T, "wxyz", "w" * 22, DtlsRole.SERVER, (Fingerprint("sha-256", bytes(32)),))
PAYLOAD = Payload(96, Codec.VP8, 90_000, rtx_payload_type=97, nack=True, pli=True, fir=True)
SECTION = ReceiveSection(TRACK, "0", Kind.VIDEO, (PAYLOAD,), ssrcs=((1, 2), (3, None)), rids=("l", "h"))
RECEIVE = Receive(T, {1: Extension.MID, 255: Extension.TRANSPORT_CC}, (SECTION,))
SLOT = SendSlot(SlotId(0), "0", Kind.VIDEO, 1, 2, "cname")
SEND = Send(T, {4: Extension.MID}, (SLOT, SendSlot(SlotId(1), "1", Kind.AUDIO, 3, None, "cname")))
ROUTE = Route(T, SlotId(0), TRACK, (PayloadMap(96, 98, 99),))
FULL = OpenTransport(TransportId(3), "Afull", "p" * 22, lite=False, controlling=True, tie_breaker=2**64 - 1)
OWN, RELAY = SocketId(FIRST_OWN_SOCKET), SocketId(FIRST_OWN_SOCKET + 1)
SERVER: Address = ("192.0.2.1", 3478)
PAIRS = SetPairs(FULL.transport, (Pair(PairId(1), OWN, SERVER, 2**32 - 1), Pair(PairId(2), RELAY, SERVER, 0)))
STUN = SendStun(FULL.transport, 1, OWN, SERVER, 3, ((0x19, b"\x11\0\0\0"),), b"key")
CHANNEL = BindChannel(FULL.transport, RELAY, ("2001:db8::1", 5000), 0x4000)
LADDER = SetLadder(T, (Rung(SlotId(0), 2), Rung(SlotId(1))))
ALL: list[Command] = [
    OPEN,
    CONNECT,
    RestartIce(T, "Azzz", "q" * 256, "wxyz", "w" * 22),
    RECEIVE,
    SEND,
    ROUTE,
    Route(T, SlotId(0), None),
    LADDER,
    RequestKeyFrame(TRACK),
    RequestStats(T),
    CloseTransport(T),
    FULL,
    replace(FULL, transport=TransportId(4), ufrag="Aown", certificate=Certificate.generate()),
    AddRelay(FULL.transport, RELAY, SocketId(0), SERVER),
    CHANNEL,
    BindChannel(FULL.transport, RELAY, SERVER),
    PAIRS,
    Nominate(FULL.transport, PairId(1)),
    STUN,
    RemoveSocket(FULL.transport, RELAY),
]


def foreign(value: object) -> Any:
    """A value of a type that the type checker would refuse."""
    return value


@pytest.fixture
def native() -> Iterator[DataPlane]:
    native = DataPlane([("127.0.0.1", 0)], threads=2, certificate=Certificate.generate())
    yield native
    native.close()


def is_readable(native: DataPlane) -> bool:
    return bool(select.select([native], [], [], 0)[0])


def test_a_certificate_has_a_fingerprint_of_its_own() -> None:
    one, other = Certificate.generate(), Certificate.generate()
    assert len(one.fingerprint) == 32
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("curve", "valid_s", "message"),
    [("P-521", 1.0, "P-256 or P-384"), ("P-384", -1.0, "valid_s"), ("P-256", float("nan"), "valid_s")],
)
def test_a_certificate_that_cannot_be_made_is_refused(curve: str, valid_s: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Certificate.generate(curve, valid_s=valid_s)


def test_an_idle_plane_reports_nothing_and_has_counters(native: DataPlane) -> None:
    native.submit([OPEN])
    assert not is_readable(native)
    assert native.drain() == []
    counters = native.counters()
    assert counters["datagrams_received"] == 0
    assert all(value == 0 for value in counters.values())


def test_every_command_is_taken(native: DataPlane) -> None:
    native.submit(ALL)
    native.submit(())


def test_port_zero_becomes_a_real_one_which_is_then_in_use(native: DataPlane) -> None:
    [(ip, port)] = native.local_addresses
    assert ip == "127.0.0.1"
    assert port > 0
    with pytest.raises(OSError, match="in use") as caught:
        DataPlane([(ip, port)], threads=2, certificate=Certificate.generate())
    assert caught.value.errno == errno.EADDRINUSE
    assert caught.value.filename == f"{ip}:{port}"


@pytest.mark.parametrize(
    ("addresses", "threads"),
    [
        ([("127.0.0.1", 0)] * 65, 1),
        ([("127.0.0.1", 0)], 0),
        ([("127.0.0.1", 0)], 65),
        ([("localhost", 0)], 1),
        ([("127.0.0.1", 65_536)], 1),
        ([("127.0.0.1", -1)], 1),
    ],
)
def test_a_plane_that_cannot_be_is_a_value_error(addresses: list[tuple[str, int]], threads: int) -> None:
    with pytest.raises(ValueError, match=r"addresses|threads"):
        DataPlane(addresses, threads=threads, certificate=Certificate.generate())


def test_a_plane_needs_no_address() -> None:
    native = DataPlane([], threads=2, certificate=Certificate.generate())
    assert native.local_addresses == []
    native.submit([FULL])
    native.close()


def test_closing_twice_is_closing_and_ends_submitting(native: DataPlane) -> None:
    native.close()
    native.close()
    with pytest.raises(RuntimeError, match="closed"):
        native.submit([OPEN])
    native.drain()


def test_every_thread_has_its_letter() -> None:
    native = DataPlane([("127.0.0.1", 0)], threads=64, certificate=Certificate.generate())
    for thread, letter in enumerate(ICE_CHARS):
        native.submit([OpenTransport(TransportId(thread << 24 | 1), f"{letter}abc", "p" * 22)])
    native.close()


def section(**changes: Any) -> Receive:
    return replace(RECEIVE, sections=(replace(SECTION, **changes),))


def payload(**changes: Any) -> Receive:
    return section(payloads=(replace(PAYLOAD, **changes),))


def slot(**changes: Any) -> Send:
    return replace(SEND, slots=(replace(SLOT, **changes),))


MALFORMED: list[tuple[Command, str]] = [
    (
        replace(OPEN, transport=TransportId(2 << 24)),
        r"OpenTransport\.transport: 33554432 belongs to thread 2",
    ),
    (replace(OPEN, transport=TransportId(1 << 32)), r"OpenTransport\.transport: 4294967296 is out of range"),
    (replace(OPEN, transport=TransportId(-1)), r"OpenTransport\.transport: -1 is out of range"),
    (replace(OPEN, ufrag="Babcdefg"), r"OpenTransport\.ufrag: .* does not begin with 'A'"),
    (replace(OPEN, ufrag="Aab"), r"OpenTransport\.ufrag: .* has 3 characters"),
    (replace(OPEN, ufrag="A" * 257), r"OpenTransport\.ufrag: .* has 257 characters"),
    (replace(OPEN, ufrag="Aab-cdef"), r"OpenTransport\.ufrag: .* other than"),
    (replace(OPEN, password="p" * 21), r"OpenTransport\.password: has 21 characters"),
    (replace(OPEN, password="p" * 21 + "ü"), r"OpenTransport\.password: has characters other than"),
    (replace(CONNECT, remote_ufrag="abc"), r"ConnectTransport\.remote_ufrag"),
    (
        replace(CONNECT, role=foreign("active")),
        r"ConnectTransport\.role: .*active.* is none of client, server",
    ),
    (replace(CONNECT, remote_password="w"), r"ConnectTransport\.remote_password"),
    (replace(OPEN, controlling=True), r"OpenTransport\.controlling: .*lite"),
    (replace(FULL, tie_breaker=2**64), r"OpenTransport\.tie_breaker: .* out of range"),
    (replace(FULL, certificate=foreign("pem")), r"OpenTransport\.certificate"),
    (RestartIce(T, "Azzz", "q" * 22, "wxyz"), r"RestartIce\.remote_password: it is missing"),
    (RestartIce(T, "Azzz", "q" * 22, None, "w" * 22), r"RestartIce\.remote_ufrag: it is missing"),
    (AddSocket(T, SocketId(0), 1), r"AddSocket\.socket: 0 is a shared address's"),
    (AddSocket(T, OWN, -1), r"AddSocket\.descriptor: -1"),
    (OpenStream(T, OWN, -1, SERVER), r"OpenStream\.descriptor: -1"),
    (OpenStream(T, SocketId(0), 1, SERVER), r"OpenStream\.socket: 0 is a shared address's"),
    (OpenStream(T, OWN, 1, ("nowhere", 1)), r"OpenStream\.server: .*nowhere"),
    (replace(PAIRS, pairs=(*PAIRS.pairs, PAIRS.pairs[0])), r"SetPairs\.pairs: pair 1 is there twice"),
    (replace(PAIRS, pairs=(Pair(PairId(1), OWN, ("host.local", 1), 1),)), r"Pair\.remote: .*host\.local"),
    (replace(PAIRS, pairs=(Pair(PairId(1), OWN, ("192.0.2.1", 0), 1),)), r"Pair\.remote: 0 is no port"),
    (replace(STUN, method=4_096), r"SendStun\.method: 4096"),
    (replace(STUN, attributes=((0x19, bytes(1_024)),)), r"SendStun\.attributes: 1028 bytes"),
    (replace(CHANNEL, channel=0x5000), r"BindChannel\.channel: 0x5000"),
    (replace(CONNECT, fingerprints=()), r"ConnectTransport\.fingerprints"),
    (
        replace(CONNECT, fingerprints=(Fingerprint("sha-256", bytes(20)),)),
        r"Fingerprint\.digest: .* 32 bytes",
    ),
    (replace(CONNECT, fingerprints=(Fingerprint("md5", bytes(16)),)), r"Fingerprint\.digest: .*md5"),
    (replace(RECEIVE, extensions={0: Extension.MID}), r"Receive\.extensions: 0"),
    (replace(RECEIVE, extensions={256: Extension.MID}), r"Receive\.extensions: 256"),
    (replace(RECEIVE, extensions={1: foreign("midi")}), r"Receive\.extensions: .*midi"),
    (replace(RECEIVE, sections=(SECTION,) * 257), r"Receive\.sections: more than 256"),
    (replace(RECEIVE, reduced_size_rtcp=foreign("yes")), r"Receive\.reduced_size_rtcp: "),
    (section(track=TrackId(5 << 24)), r"ReceiveSection\.track"),
    (section(mid="m" * 17), r"ReceiveSection\.mid"),
    (section(mid=""), r"ReceiveSection\.mid"),
    (section(kind="text"), r"ReceiveSection\.kind: .*text"),
    (section(rids=("a", "a")), r"ReceiveSection\.rids: a is there twice"),
    (section(ssrcs=((1 << 32, None),)), r"ReceiveSection\.ssrcs"),
    (section(payloads=(PAYLOAD, PAYLOAD)), r"ReceiveSection\.payloads: 96 is there twice"),
    (payload(payload_type=128), r"Payload\.payload_type: 128"),
    (payload(rtx_payload_type=200), r"Payload\.rtx_payload_type: 200"),
    (payload(codec="h265"), r"Payload\.codec: .*h265"),
    (payload(clock_hz=0), r"Payload\.clock_hz"),
    (slot(slot=SlotId(65_536)), r"SendSlot\.slot: 65536 is out of range"),
    (slot(mid="ä"), r"SendSlot\.mid"),
    (slot(cname=""), r"SendSlot\.cname"),
    (slot(rtx_ssrc=1), r"Send\.slots: SSRC 1 is there twice"),
    (replace(SEND, slots=(SLOT, replace(SLOT, mid="1", ssrc=8, rtx_ssrc=9))), r"Send\.slots: slot 0"),
    (replace(SEND, slots=(SLOT,) * 257), r"Send\.slots: more than 256"),
    (replace(ROUTE, track=TrackId(5 << 24)), r"Route\.track"),
    (replace(ROUTE, payloads=(PayloadMap(96, 128),)), r"PayloadMap\.to_payload_type: 128"),
    (replace(LADDER, rungs=(Rung(SlotId(0), 256),)), r"Rung\.layer: 256 is out of range"),
    (RequestKeyFrame(TrackId(5 << 24)), r"RequestKeyFrame\.track"),
]


@pytest.mark.parametrize(("command", "message"), MALFORMED)
def test_a_malformed_command_names_its_field(native: DataPlane, command: Command, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        native.submit([command])


@pytest.mark.parametrize(
    "command", ["OpenTransport", None, 5, replace(OPEN, ufrag=foreign(b"Aabc")), (OPEN,)]
)
def test_what_is_no_command_is_a_type_error(native: DataPlane, command: Any) -> None:
    with pytest.raises(TypeError):
        native.submit([command])
    with pytest.raises(TypeError):
        native.submit(foreign("OpenTransport"))


def test_nothing_of_a_batch_is_carried_out_if_one_command_is_malformed(native: DataPlane) -> None:
    other = OpenTransport(TransportId(9), "Aother", "p" * 22)
    with pytest.raises(ValueError, match=r"SetLadder\.transport"):
        native.submit([OPEN, replace(LADDER, transport=TransportId(5 << 24))])
    native.submit([other])
    native.close()
    assert [report.transport for report in native.drain() if isinstance(report, TransportState)] == [9]


def test_closing_closes_every_transport_and_says_so(native: DataPlane) -> None:
    native.submit([OPEN, OpenTransport(TransportId(1 << 24), "Babcdefg", "p" * 22)])
    native.close()
    assert is_readable(native)
    states = {r.transport: r.state for r in native.drain() if isinstance(r, TransportState)}
    assert states == {1: "closed", 1 << 24: "closed"}
    assert not is_readable(native)


def test_statistics_are_reported_when_asked_for(native: DataPlane) -> None:
    native.submit([OPEN, RequestStats(T)])
    assert select.select([native], [], [], GUARD_S)[0]
    [stats] = native.drain()
    assert isinstance(stats, TransportStats)
    assert stats.transport == T


def test_the_port_is_a_stun_server(native: DataPlane) -> None:
    transaction = bytes(range(12))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(GUARD_S)
        client.connect(native.local_addresses[0])
        client.send(bytes.fromhex("000100002112a442") + transaction)
        answer = client.recv(2_048)
    assert answer[:2] == bytes.fromhex("0101")
    assert answer[4:20] == bytes.fromhex("2112a442") + transaction
    native.close()
    counters = native.counters()
    assert (counters["datagrams_received"], counters["datagrams_sent"]) == (1, 1)
    assert counters["stun_answered"] == 1


def test_a_forked_process_is_refused(native: DataPlane) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        refused = 0
        for use in (lambda: native.submit([OPEN]), native.drain, native.close):
            try:
                use()
            except RuntimeError:
                refused += 1
        os._exit(refused)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 3
    native.submit([OPEN])


def test_a_report_shows_its_fields_matches_and_stays_as_it_is() -> None:
    report = TransportState(7, "connected", remote="192.0.2.1:5000", srtp_profile="AEAD_AES_128_GCM")
    match report:
        case TransportState(transport, state):
            assert (transport, state) == (7, "connected")
    assert repr(report) == (
        "TransportState(transport=7, state='connected', reason='', remote='192.0.2.1:5000', "
        "dtls_version='', dtls_cipher='', srtp_profile='AEAD_AES_128_GCM', certificate=b'')"
    )
    with pytest.raises(AttributeError):
        report.state = "closed"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    stats = TransportStats(7, {"bytesSent": 1}, [{"ssrc": 5}], [])
    assert stats.received[0]["ssrc"] == 5


def test_a_plane_starts_with_a_certificate_and_closes() -> None:
    plane = Plane.start([("127.0.0.1", 0)], threads=2)
    transport = plane.new_transport()
    plane.submit(OpenTransport(transport, plane.new_ufrag(transport), plane.new_password()))
    assert plane.fingerprint.algorithm == "sha-256"
    assert len(plane.fingerprint.digest) == 32
    assert plane.local_addresses[0][1] > 0
    assert "ring_full" in plane.counters()
    plane.close()
