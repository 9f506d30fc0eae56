"""Two data planes that are each other's peer, over a bridge on loopback that can lose and hold what it
carries."""

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.unit.dataplane.checks import answer_to, connectivity_check
from visavis.dataplane._native import Certificate, DataPlane
from visavis.dataplane.commands import (
    Codec,
    ConnectTransport,
    DtlsRole,
    Extension,
    Fingerprint,
    Kind,
    OpenSource,
    OpenTransport,
    Payload,
    PayloadMap,
    Receive,
    ReceiveSection,
    Route,
    Rung,
    Send,
    SendSlot,
    SetLadder,
    SlotId,
    SourcePayload,
    TrackId,
    TransportId,
)
from visavis.dataplane.reports import Report, TransportState

GUARD_S = 20.0
TRANSPORT = TransportId(1)
PASSWORD = "p" * 24
UFRAG = "Aabcdefg"
SOURCE_PAYLOAD_TYPE = 10
EXTENSIONS = {
    1: Extension.AUDIO_LEVEL,
    2: Extension.ABS_SEND_TIME,
    3: Extension.TRANSPORT_CC,
    4: Extension.MID,
}


@dataclass
class Media:
    """One m-line in one direction, and its payload types on the wire."""

    kind: Kind
    codec: Codec
    clock_hz: int
    payload_type: int
    rtx_payload_type: int | None

    @property
    def mid(self) -> str:
        return self.kind.value

    @property
    def slot(self) -> SlotId:
        return SlotId(0 if self.kind is Kind.AUDIO else 1)

    @property
    def sent(self) -> TrackId:
        return TrackId(10 + self.slot)

    @property
    def received(self) -> TrackId:
        return TrackId(20 + self.slot)


AUDIO = Media(Kind.AUDIO, Codec.OPUS, 48_000, 111, None)
VIDEO = Media(Kind.VIDEO, Codec.VP8, 90_000, 96, 97)


class Bridge:
    """Stands between two lite agents: checks both, answers them, and carries what each sends to the other."""

    def __init__(self, ends: Iterable[tuple[str, int]]) -> None:
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self._stop = socket.socketpair()
        self.is_lost: Callable[[bytes], bool] = lambda datagram: False
        """Whether a datagram that is no STUN is lost; runs on the bridge's thread."""
        for number, (carrier, end) in enumerate(zip(self._sockets, ends, strict=True)):
            carrier.bind(("127.0.0.1", 0))
            carrier.connect(end)
            carrier.send(connectivity_check(UFRAG, PASSWORD, number))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            readable, _, _ = select.select([*self._sockets, self._stop[0]], [], [])
            if self._stop[0] in readable:
                return
            for carrier in readable:
                # An end that is closed already refuses what comes last.
                with contextlib.suppress(ConnectionRefusedError):
                    self._carry(carrier)

    def _carry(self, carrier: socket.socket) -> None:
        datagram = carrier.recv(2_048)
        other = self._sockets[1 - self._sockets.index(carrier)]
        if (answer := answer_to(datagram, PASSWORD)) is not None:
            carrier.send(answer)
        elif datagram[0] > 3 and not self.is_lost(datagram):
            other.send(datagram)

    def close(self) -> None:
        self._stop[1].send(b"!")
        self._thread.join(GUARD_S)
        for each in (*self._sockets, *self._stop):
            each.close()


@dataclass
class End:
    """One of the two: a plane with one transport."""

    native: DataPlane
    fingerprint: Fingerprint
    reports: list[Report] = field(default_factory=list[Report])

    def until(self, is_there: Callable[[Report], bool]) -> Report:
        """The first report of a kind, those before it are kept."""
        while True:
            for index, report in enumerate(self.reports):
                if is_there(report):
                    return self.reports.pop(index)
            assert select.select([self.native], [], [], GUARD_S)[0], "the report did not come"
            self.reports.extend(self.native.drain())

    def takes(self, kind: type[Report]) -> bool:
        """Whether such a report came; all of them are then forgotten."""
        reports = [*self.reports, *self.native.drain()]
        self.reports = [report for report in reports if not isinstance(report, kind)]
        return len(self.reports) < len(reports)


class Pair:
    """Two connected ends, which send each other what `AUDIO` and `VIDEO` say."""

    def __init__(self) -> None:
        certificates = [Certificate.generate(), Certificate.generate()]
        self.ends = [
            End(
                DataPlane([("127.0.0.1", 0)], threads=1, certificate=certificate),
                Fingerprint("sha-256", certificate.fingerprint),
            )
            for certificate in certificates
        ]
        roles = (DtlsRole.CLIENT, DtlsRole.SERVER)
        for number, (end, role) in enumerate(zip(self.ends, roles, strict=True)):
            fingerprint = self.ends[1 - number].fingerprint
            end.native.submit([
                OpenTransport(TRANSPORT, UFRAG, PASSWORD),
                ConnectTransport(TRANSPORT, "peer", PASSWORD, role, (fingerprint,)),
            ])  # fmt: skip
            self._negotiate(end.native, number)
        self.bridge = Bridge(end.native.local_addresses[0] for end in self.ends)
        for end in self.ends:
            end.until(lambda report: isinstance(report, TransportState) and report.state == "connected")

    def _negotiate(self, native: DataPlane, number: int) -> None:
        lines = (AUDIO, VIDEO)
        sections = tuple(
            ReceiveSection(
                line.received,
                line.mid,
                line.kind,
                (
                    Payload(
                        line.payload_type,
                        line.codec,
                        line.clock_hz,
                        line.rtx_payload_type,
                        nack=line.rtx_payload_type is not None,
                        pli=line.kind is Kind.VIDEO,
                    ),
                ),
            )
            for line in lines
        )
        slots = tuple(
            SendSlot(
                line.slot,
                line.mid,
                line.kind,
                1_000 * (number + 1) + line.slot,
                None if line.rtx_payload_type is None else 9_000 * (number + 1) + line.slot,
                "cname",
            )
            for line in lines
        )
        native.submit([Receive(TRANSPORT, EXTENSIONS, sections), Send(TRANSPORT, EXTENSIONS, slots)])
        for line in lines:
            own = SourcePayload(SOURCE_PAYLOAD_TYPE, line.codec, line.clock_hz)
            payload_map = PayloadMap(SOURCE_PAYLOAD_TYPE, line.payload_type, line.rtx_payload_type)
            native.submit([
                OpenSource(line.sent, line.kind, (own,), wanted_bps=2_000_000),
                Route(TRANSPORT, line.slot, line.sent, (payload_map,)),
            ])  # fmt: skip
        native.submit([SetLadder(TRANSPORT, tuple(Rung(line.slot) for line in lines))])

    def close(self) -> None:
        self.bridge.close()
        for end in self.ends:
            end.native.close()
