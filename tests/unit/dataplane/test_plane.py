import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pytest

from visavis.dataplane import Plane
from visavis.dataplane.commands import (
    Address,
    CloseTransport,
    Command,
    Kind,
    PairId,
    RequestStats,
    SocketId,
    TransportId,
)
from visavis.dataplane.frames import Frame, FrameReceiver
from visavis.dataplane.reports import (
    AssociationState,
    AudioLevels,
    Fatal,
    Forwarding,
    FramesReady,
    KeyFrameWanted,
    MessagesReady,
    PairLearnt,
    PairSelected,
    PairState,
    Report,
    RoleChanged,
    SocketLost,
    StunResult,
    TargetBitrate,
    TrackState,
    TransportState,
    TransportStats,
)
from visavis.errors import LocalProtocolError

if TYPE_CHECKING:
    from typing_extensions import Buffer

GUARD_S = 20.0


class ScriptedReceiver:
    """A receiver of no frames."""

    dropped = 0
    is_ended = False

    def wait(self, timeout_s: float) -> Frame | None:
        return None

    def try_get(self) -> Frame | None:
        return None

    def close(self) -> None:
        self.is_ended = True


class ScriptedNative:
    """The native side: keeps commands, and has what `say` puts there to report."""

    def __init__(self) -> None:
        self.local_addresses = [("192.0.2.1", 3478)]
        self.commands: list[Command] = []
        self.frames: list[tuple[int, int, int, bytes, dict[str, object]]] = []
        self.messages: list[tuple[object, ...]] = []
        self.receivers: list[ScriptedReceiver] = []
        self.reports: list[Report] = []
        self.last_words: list[Report] = []
        self.closings = 0
        self._read, self._write = os.pipe()

    def say(self, *reports: Report) -> None:
        if not self.reports:
            os.write(self._write, b"!")
        self.reports.extend(reports)

    def fileno(self) -> int:
        return self._read

    def submit(self, commands: Sequence[Command]) -> None:
        self.commands.extend(commands)

    def drain(self) -> list[Report]:
        reports, self.reports = self.reports, []
        if reports:
            os.read(self._read, 1)
        return reports

    def send_frame(
        self, track: int, payload_type: int, timestamp: int, data: "Buffer", **more: object
    ) -> bool:
        self.frames.append((track, payload_type, timestamp, bytes(data), more))
        return True

    def receive_frames(self, track: int, kind: str, **more: object) -> FrameReceiver:
        self.receivers.append(ScriptedReceiver())
        return self.receivers[-1]

    def send_message(self, transport: int, stream: int, ppid: int, data: "Buffer", **more: object) -> bool:
        self.messages.append((transport, stream, ppid, bytes(data), more))
        return True

    def read_messages(
        self, transport: int
    ) -> tuple[list[tuple[int, int, bytes]], list[tuple[int, int]], bool]:
        return [(transport, 51, b"read")], [(transport, 4)], False

    def release_messages(self, transport: int, count_bytes: int) -> None:
        self.messages.append((transport, count_bytes))

    def counters(self) -> dict[str, int]:
        return {"datagrams_received": 7}

    def close(self) -> None:
        self.closings += 1
        if self.last_words:
            self.say(*self.last_words)

    def free(self) -> None:
        os.close(self._read)
        os.close(self._write)


class Heard:
    """An owner of a transport that writes down what it hears."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.on_event: Callable[[], None] = lambda: None

    def _note(self, event: object) -> None:
        self.events.append(event)
        self.on_event()

    def transport_state(self, state: str, reason: str) -> None:
        self._note((state, reason))

    def forwarding(self, slot: int, reason: str) -> None:
        self._note((slot, reason))

    def audio_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        self._note(list(levels))


class HeardOfIce:
    """Who decides for an ICE agent, and writes down what it hears."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def pair_state(self, pair: PairId, state: str, mapped: str, rtt_s: float, reason: str) -> None:
        self.events.append(("state", pair, state, mapped, rtt_s, reason))

    def pair_learnt(self, pair: PairId, socket: SocketId, remote: Address, priority: int) -> None:
        self.events.append(("learnt", pair, socket, remote, priority))

    def pair_selected(self, pair: PairId, reason: str) -> None:
        self.events.append(("selected", pair, reason))

    def socket_lost(self, socket: SocketId) -> None:
        self.events.append(("lost", socket))

    def role_changed(self, controlling: bool) -> None:
        self.events.append(("role", controlling))

    def stun_result(
        self, request: int, code: int, attributes: list[tuple[int, bytes]], rtt_s: float, transaction: bytes
    ) -> None:
        self.events.append(("stun", request, code, attributes, rtt_s, transaction))


@pytest.fixture
def native() -> Iterator[ScriptedNative]:
    native = ScriptedNative()
    yield native
    native.free()


@pytest.fixture
def plane(native: ScriptedNative) -> Plane:
    return Plane(native, threads=2, fingerprint=bytes(32), draw=bytes)


def say_last(native: ScriptedNative, plane: Plane, *reports: Report) -> None:
    """Reports, handed on by closing the plane: no loop is needed."""
    native.last_words.extend(reports)
    plane.close()


def test_commands_go_down_in_their_order(native: ScriptedNative, plane: Plane) -> None:
    first, second = plane.new_transport(), plane.new_transport()
    plane.submit(CloseTransport(second), CloseTransport(first))
    assert native.commands == [CloseTransport(second), CloseTransport(first)]


def test_credentials_lead_to_the_thread_of_the_transport(plane: Plane) -> None:
    transports = [plane.new_transport(), plane.new_transport()]
    assert [plane.new_ufrag(transport)[0] for transport in transports] == ["A", "B"]
    assert plane.new_password() == "A" * 24


def test_a_report_reaches_the_owner_of_its_transport_only(native: ScriptedNative, plane: Plane) -> None:
    owners = [Heard(), Heard()]
    transports = [plane.new_transport() for _ in owners]
    for transport, owner in zip(transports, owners, strict=True):
        plane.on_transport(transport, owner)
    say_last(
        native,
        plane,
        TransportState(transports[0], "connected", "dtls"),
        Forwarding(transports[1], 3, -1, "bandwidth"),
        TransportState(0xFFFFFF, "connected"),
    )
    assert owners[0].events == [("connected", "dtls")]
    assert owners[1].events == [(3, "bandwidth")]


def test_what_checks_found_reaches_who_decides_for_the_agent(native: ScriptedNative, plane: Plane) -> None:
    decider, transport, other = HeardOfIce(), plane.new_transport(), plane.new_transport()
    plane.on_ice(transport, decider)
    say_last(
        native,
        plane,
        PairState(transport, 1, "succeeded", "192.0.2.1:5000", 0.02),
        PairLearnt(transport, 1 << 24, 1_000, ("192.0.2.2", 6000), 7),
        PairSelected(transport, 1, "nominated"),
        RoleChanged(transport, True),
        SocketLost(transport, 1_000),
        StunResult(transport, 9, 401, [(0x15, b"nonce")], 0.01, bytes(12)),
        RoleChanged(other, False),
    )
    assert decider.events == [
        ("state", 1, "succeeded", "192.0.2.1:5000", 0.02, ""),
        ("learnt", 1 << 24, 1_000, ("192.0.2.2", 6000), 7),
        ("selected", 1, "nominated"),
        ("role", True),
        ("lost", 1_000),
        ("stun", 9, 401, [(0x15, b"nonce")], 0.01, bytes(12)),
    ]


def test_the_log_says_how_a_transport_is_encrypted(
    native: ScriptedNative, plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "visavis.dataplane")
    connected = TransportState(
        plane.new_transport(), "connected", "keys agreed on", "192.0.2.1:5000", "1.3", "", "AEAD_AES_128_GCM"
    )
    say_last(native, plane, connected)
    record = next(
        record for record in caplog.records if record.__dict__.get("event") == "transport-connected"
    )
    fields = record.__dict__
    assert (fields["remote"], fields["dtls"], fields["srtp"]) == ("192.0.2.1:5000", "1.3", "AEAD_AES_128_GCM")


def test_levels_reach_the_owners_of_their_tracks_in_order(native: ScriptedNative, plane: Plane) -> None:
    owners = [Heard(), Heard()]
    transports = [plane.new_transport() for _ in owners]
    for transport, owner in zip(transports, owners, strict=True):
        plane.on_transport(transport, owner)
    a, b = plane.new_track(transports[0]), plane.new_track(transports[0])
    c = plane.new_track(transports[1])
    say_last(native, plane, AudioLevels([(b, -10), (c, -20), (a, -30), (0xFFFFFF, -40)]))
    assert owners[0].events == [[(b, -10), (a, -30)]]
    assert owners[1].events == [[(c, -20)]]


def test_a_tracks_handler_hears_its_layers(native: ScriptedNative, plane: Plane) -> None:
    transport = plane.new_transport()
    track, other = plane.new_track(transport), plane.new_track(transport)
    heard: list[TrackState] = []
    plane.on_track(track, heard.append)
    say_last(native, plane, TrackState(track, 1, True, 96), TrackState(other, 0, True, 96))
    assert [(state.layer, state.active) for state in heard] == [(1, True)]


def test_an_encoder_hears_what_is_wanted_of_it(native: ScriptedNative, plane: Plane) -> None:
    transport = plane.new_transport()
    track, other = plane.new_track(transport), plane.new_track(transport)
    layers, rates = list[int](), list[int]()
    plane.on_key_frame_wanted(track, layers.append)
    plane.on_target_bitrate(transport, rates.append)
    wanted = [KeyFrameWanted(track, 1), KeyFrameWanted(other, 0)]
    say_last(native, plane, *wanted, TargetBitrate(transport, 300_000), TargetBitrate(9, 1))
    assert (layers, rates) == ([1], [300_000])


class HeardOfAssociation:
    """An owner of an association that writes down what it hears."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def association_state(self, state: str, reason: str, inbound: int, outbound: int) -> None:
        self.events.append((state, reason, inbound, outbound))

    def messages_ready(self) -> None:
        self.events.append("ready")


def test_the_owner_of_an_association_hears_of_it_until_the_transport_is_forgotten(
    native: ScriptedNative, plane: Plane
) -> None:
    transport, forgotten = plane.new_transport(), plane.new_transport()
    heard, gone = HeardOfAssociation(), HeardOfAssociation()
    plane.on_association(transport, heard)
    plane.on_association(forgotten, gone)
    plane.forget(forgotten)
    connected = AssociationState(transport, "connected", "", 10, 20)
    say_last(native, plane, connected, MessagesReady(transport), MessagesReady(forgotten))
    assert heard.events == [("connected", "", 10, 20), "ready"]
    assert gone.events == []
    with pytest.raises(LocalProtocolError):
        plane.on_association(forgotten, gone)


def test_an_association_fails_with_its_thread(native: ScriptedNative, plane: Plane) -> None:
    transport, heard = plane.new_transport(), HeardOfAssociation()
    plane.on_association(transport, heard)
    say_last(native, plane, Fatal(0, "a defect"))
    assert heard.events == [("failed", "thread-lost", 0, 0)]


def test_a_port_sends_and_reads_the_messages_of_its_transport(native: ScriptedNative, plane: Plane) -> None:
    transport = plane.new_transport()
    port = plane.message_port(transport)
    assert port.send(3, 53, b"x", ordered=False, lifetime_ms=5)
    port.release(7)
    more = {"ordered": False, "max_retransmits": None, "lifetime_ms": 5, "priority": 256}
    assert native.messages == [(transport, 3, 53, b"x", more), (transport, 7)]
    read = port.read()
    assert (read.arrived, read.left) == ([(transport, 51, b"read")], [(transport, 4)])


def test_the_encoder_of_a_source_that_was_forgotten_hears_nothing(
    native: ScriptedNative, plane: Plane
) -> None:
    transport = plane.new_transport()
    track, other = plane.new_track(transport), plane.new_track(transport)
    layers = list[int]()
    plane.on_key_frame_wanted(track, layers.append)
    plane.on_key_frame_wanted(other, layers.append)
    plane.forget_source(track)
    say_last(native, plane, KeyFrameWanted(track, 1), KeyFrameWanted(other, 2))
    assert layers == [2]


def test_a_frame_goes_down_with_the_low_bits_of_its_timestamp(native: ScriptedNative, plane: Plane) -> None:
    track = plane.new_track(plane.new_transport())
    assert plane.frame_sender(track, layer=2).send_frame(96, (1 << 32) + 5, b"x", True, 1.5, -20, voice=True)
    rest = {"key": True, "layer": 2, "capture_time_s": 1.5, "audio_level": -20, "voice": True}
    assert native.frames == [(track, 96, 5, b"x", rest)]


def test_who_receives_frames_hears_of_them_until_the_receiver_is_closed(
    native: ScriptedNative, plane: Plane
) -> None:
    first, second = plane.new_transport(), plane.new_transport()
    track, forgotten = plane.new_track(first), plane.new_track(second)
    heard: list[str] = []
    plane.receive_frames(track, Kind.AUDIO, on_ready=lambda: heard.append("closed"))
    plane.receive_frames(track, Kind.AUDIO, on_ready=lambda: heard.append("open"))
    plane.receive_frames(forgotten, Kind.AUDIO, on_ready=lambda: heard.append("forgotten"))
    native.receivers[0].close()
    plane.forget(second)
    with pytest.raises(LocalProtocolError):
        plane.receive_frames(forgotten, Kind.AUDIO, on_ready=lambda: None)
    say_last(native, plane, FramesReady(track), FramesReady(track), FramesReady(forgotten))
    assert heard == ["closed", "open", "open"], "of its end the closed one hears once"


def test_nothing_is_heard_about_what_was_forgotten(native: ScriptedNative, plane: Plane) -> None:
    owner, decider, states = Heard(), HeardOfIce(), list[TrackState]()
    transport = plane.new_transport()
    track = plane.new_track(transport)
    plane.on_transport(transport, owner)
    plane.on_ice(transport, decider)
    plane.on_track(track, states.append)
    plane.forget(transport)
    plane.forget(transport)
    say_last(
        native,
        plane,
        TransportState(transport, "closed"),
        TrackState(track, 0, False, 96),
        AudioLevels([(track, -10)]),
        RoleChanged(transport, True),
    )
    assert owner.events == []
    assert decider.events == []
    assert states == []
    with pytest.raises(LocalProtocolError):
        plane.new_track(transport)
    with pytest.raises(LocalProtocolError):
        plane.on_transport(transport, owner)
    with pytest.raises(LocalProtocolError):
        plane.on_ice(transport, decider)
    with pytest.raises(LocalProtocolError):
        plane.on_track(track, states.append)


def test_a_handler_that_raises_is_logged_and_the_next_has_its_turn(
    native: ScriptedNative, plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    def defect(state: TrackState) -> None:
        raise ZeroDivisionError

    owner = Heard()
    transport = plane.new_transport()
    plane.on_transport(transport, owner)
    track = plane.new_track(transport)
    plane.on_track(track, defect)
    say_last(
        native,
        plane,
        TrackState(track, 0, True, 96),
        TransportState(transport, "failed", "consent"),
    )
    assert owner.events == [("failed", "consent")]
    assert "a handler of data plane reports failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_lost_thread_fails_its_transports_and_no_others(
    native: ScriptedNative, plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    owners = [Heard(), Heard()]
    for owner in owners:
        plane.on_transport(plane.new_transport(), owner)
    assert plane.is_whole
    say_last(native, plane, Fatal(1, "index out of bounds"))
    assert not plane.is_whole
    assert owners[0].events == []
    assert owners[1].events == [("failed", "thread-lost")]
    assert "index out of bounds" in caplog.text


def test_closing_twice_closes_once(native: ScriptedNative, plane: Plane) -> None:
    plane.close()
    plane.close()
    assert native.closings == 1


def test_the_loop_hands_on_what_the_descriptor_announces(native: ScriptedNative, plane: Plane) -> None:
    async def run() -> None:
        plane.attach(asyncio.get_running_loop())
        with pytest.raises(LocalProtocolError):
            plane.attach(asyncio.get_running_loop())
        owner, heard = Heard(), asyncio.Event()
        owner.on_event = heard.set
        transport = plane.new_transport()
        plane.on_transport(transport, owner)
        for state in ("connecting", "connected"):
            native.say(TransportState(transport, state, "r"))
            await asyncio.wait_for(heard.wait(), GUARD_S)
            heard.clear()
        assert owner.events == [("connecting", "r"), ("connected", "r")]
        plane.close()

    asyncio.run(run())


def test_everyone_who_asks_for_statistics_gets_the_next_ones(native: ScriptedNative, plane: Plane) -> None:
    async def run() -> None:
        plane.attach(asyncio.get_running_loop())
        transport = plane.new_transport()
        tasks = [asyncio.ensure_future(plane.stats(transport)) for _ in range(2)]
        await asyncio.sleep(0)
        assert native.commands == [RequestStats(transport)] * 2
        native.say(TransportStats(transport, {"currentRoundTripTime": 0.025}, [], []))
        for stats in await asyncio.wait_for(asyncio.gather(*tasks), GUARD_S):
            assert stats.values == {"currentRoundTripTime": 0.025}
        native.say(TransportStats(transport, {}, [], []))
        plane.close()

    asyncio.run(run())


@pytest.mark.parametrize("ending", ["forget", "report", "close"])
def test_who_waits_for_statistics_of_a_transport_that_ends_is_told(
    native: ScriptedNative, plane: Plane, ending: str
) -> None:
    async def run() -> None:
        transport = plane.new_transport()
        task = asyncio.ensure_future(plane.stats(transport))
        await asyncio.sleep(0)
        match ending:
            case "forget":
                plane.forget(transport)
            case "report":
                say_last(native, plane, TransportState(transport, "closed"))
            case _:
                plane.close()
        with pytest.raises(LocalProtocolError):
            await asyncio.wait_for(task, GUARD_S)

    asyncio.run(run())


def test_statistics_of_an_unknown_transport_are_an_error(plane: Plane) -> None:
    with pytest.raises(LocalProtocolError):
        asyncio.run(plane.stats(TransportId(5)))
