"""Real sockets on loopback, virtual time."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest
from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from visavis.room import Rooms
from visavis.signaling import SignalingEndpoint, Visitors
from visavis.signaling.heartbeat import ANSWER_S, SILENCE_S
from visavis.signaling.limits import BURST_MESSAGES, ReadingPace, Verdict
from visavis.signaling.parse import MAX_MESSAGE_BYTES
from visavis.signaling.session import JOIN_TIMEOUT_S
from visavis.signaling.visitors import JOINS_WINDOW_S
from visavis.signaling.websocket import MAX_QUEUED_BYTES, MAX_QUEUED_MESSAGES, Outbox
from visavis.testing.clock import ManualClock
from visavis.testing.rooms import RecordingRouter

Client = TestClient[web.Request, web.Application]


class Place:
    def __init__(self, client: Client, endpoint: SignalingEndpoint, clock: ManualClock, rooms: Rooms) -> None:
        self.client = client
        self.endpoint = endpoint
        self.clock = clock
        self.rooms = rooms

    def pauses(self) -> bool:
        """Whether the server does not read on yet: each socket has one timer otherwise, its heartbeat."""
        return self.clock.pending() > self.endpoint.socket_count

    async def join(self, name: str, mode: str = "direct") -> ClientWebSocketResponse:
        socket = await self.client.ws_connect("/signal", max_msg_size=0)
        await socket.send_json({"type": "join", "room": "den", "name": name, "mode": mode})
        return socket


@asynccontextmanager
async def place(allowed_origins: tuple[str, ...] = (), max_per_address: int = 0) -> AsyncGenerator[Place]:
    clock = ManualClock()
    rooms = Rooms(clock, RecordingRouter)
    visitors = Visitors(max_per_address, clock, lambda address: address)
    endpoint = SignalingEndpoint(rooms, clock, visitors, allowed_origins=allowed_origins)
    app = web.Application()
    app.router.add_get("/signal", endpoint.handle)
    async with TestClient(TestServer(app)) as client:
        yield Place(client, endpoint, clock, rooms)


async def receive(socket: ClientWebSocketResponse) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(await socket.receive_str()))


async def receive_of_type(socket: ClientWebSocketResponse, kind: str) -> dict[str, object]:
    while True:
        message = await receive(socket)
        if message["type"] == kind:
            return message


async def close_code(socket: ClientWebSocketResponse) -> int | None:
    while (await socket.receive()).type is WSMsgType.TEXT:
        pass
    return socket.close_code


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came true")


async def test_two_browsers_meet_in_a_direct_room_and_hear_each_other() -> None:
    async with place() as at:
        ada = await at.join("Ada")
        assert (await receive(ada))["polite"] is False
        ben = await at.join("Ben")
        assert (await receive(ben))["polite"] is True
        assert (await receive(ada))["type"] == "participant"
        await ada.send_json({"type": "offer", "pc": "direct", "sdp": "v=0"})
        assert (await receive(ben))["sdp"] == "v=0"
        await ben.send_json({"type": "leave"})
        assert await close_code(ben) == 1000
        assert (await receive(ada))["reason"] == "left"


async def test_a_message_of_256_kib_is_relayed_and_one_byte_more_closes() -> None:
    async with place() as at:
        ada = await at.join("Ada")
        ben = await at.join("Ben")
        await receive_of_type(ben, "joined")
        empty = json.dumps({"type": "offer", "pc": "direct", "sdp": ""})
        sdp = "x" * (MAX_MESSAGE_BYTES - len(empty))
        await ada.send_str(json.dumps({"type": "offer", "pc": "direct", "sdp": sdp}))
        assert (await receive(ben))["sdp"] == sdp
        await until(at.pauses)
        at.clock.advance(1)
        await ada.send_str(" " * (MAX_MESSAGE_BYTES + 1))
        assert await close_code(ada) == 1009


async def test_a_page_of_another_site_is_refused_with_403() -> None:
    async with place() as at:
        with pytest.raises(WSServerHandshakeError) as caught:
            await at.client.ws_connect("/signal", origin="https://evil.example")
        assert caught.value.status == 403


async def test_the_server_s_own_page_and_one_that_is_named_are_let_in() -> None:
    async with place(("https://friend.example",)) as at:
        own = str(at.client.make_url("/")).rstrip("/")
        for origin in (own, "https://friend.example"):
            socket = await at.client.ws_connect("/signal", origin=origin)
            await socket.send_json({"type": "ping", "t": 1})
            assert await receive(socket) == {"type": "pong", "t": 1}
            await socket.close()


async def test_a_request_that_is_no_websocket_is_told_so() -> None:
    async with place() as at:
        assert (await at.client.get("/signal")).status == 426


async def test_binary_frames_are_malformed_and_the_third_closes_with_4000() -> None:
    async with place() as at:
        ada = await at.join("Ada")
        await receive(ada)
        for _ in range(3):
            await ada.send_bytes(b"\0")
            assert (await receive(ada))["code"] == "bad-message"
        assert await close_code(ada) == 4000


async def test_one_who_never_joins_is_closed_with_4001() -> None:
    async with place() as at:
        socket = await at.client.ws_connect("/signal")
        await socket.send_json({"type": "ping", "t": 1})
        await receive(socket)
        at.clock.advance(JOIN_TIMEOUT_S)
        assert (await receive(socket))["code"] == "not-joined"
        assert await close_code(socket) == 4001


async def test_of_too_many_that_do_not_join_the_oldest_is_closed_and_who_joined_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("visavis.signaling.websocket.MAX_NOT_JOINED", 3)
    async with place() as at:
        ada = await at.join("Ada")
        await receive(ada)
        waiting = [await at.client.ws_connect("/signal") for _ in range(4)]
        assert (await receive(waiting[0]))["code"] == "not-joined"
        assert await close_code(waiting[0]) == 4001
        for socket in (ada, *waiting[1:]):
            await socket.send_json({"type": "ping", "t": 1})
            assert await receive(socket) == {"type": "pong", "t": 1}


async def test_who_joined_is_not_counted_among_those_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest socket was closed for the sake of newer ones that had long joined."""
    monkeypatch.setattr("visavis.signaling.websocket.MAX_NOT_JOINED", 3)
    async with place() as at:
        slow = await at.client.ws_connect("/signal")
        for number in range(5):
            await receive(await at.join(f"Ada {number}", "sfu"))
        await slow.send_json({"type": "ping", "t": 1})
        assert await receive(slow) == {"type": "pong", "t": 1}


async def test_one_socket_more_than_an_address_may_have_is_closed_with_4011_until_another_goes() -> None:
    async with place(max_per_address=2) as at:
        open_ones = [await at.client.ws_connect("/signal") for _ in range(2)]
        refused = await at.client.ws_connect("/signal")
        error = await receive(refused)
        assert (error["code"], error["fatal"]) == ("too-many-connections", True)
        assert await close_code(refused) == 4011
        await open_ones[0].close()
        await until(lambda: at.endpoint.socket_count == 1)
        again = await at.join("Ada")
        assert (await receive(again))["type"] == "joined"


async def test_one_join_more_than_an_address_may_have_in_a_minute_is_closed_with_4011() -> None:
    async with place(max_per_address=2) as at:
        for _ in range(2):
            ada = await at.join("Ada")
            await receive_of_type(ada, "joined")
            await ada.send_json({"type": "leave"})
            assert await close_code(ada) == 1000
        refused = await at.join("Ada")
        error = await receive(refused)
        assert (error["code"], error["about"]) == ("too-many-connections", "join")
        assert await close_code(refused) == 4011
        at.clock.advance(JOINS_WINDOW_S / 2)
        assert (await receive(await at.join("Ada")))["type"] == "joined"


async def test_a_defect_while_reading_is_logged_with_its_traceback_and_closed_with_1011(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The reader's exceptions were collected and looked at by nobody."""

    def broken(_pace: ReadingPace, _size_bytes: int, _now_s: float) -> Verdict:
        raise ZeroDivisionError("a defect")

    async with place() as at:
        ada = await at.join("Ada")
        await receive(ada)
        monkeypatch.setattr(ReadingPace, "after", broken)
        await ada.send_json({"type": "ping", "t": 1})
        error = await receive(ada)
        assert (error["code"], error["fatal"]) == ("internal", True)
        assert await close_code(ada) == 1011
    (record,) = (record for record in caplog.records if record.levelname == "ERROR")
    assert record.__dict__["event"] == "internal-error"
    assert "Traceback" in caplog.text
    assert "ZeroDivisionError: a defect" in caplog.text


async def test_a_defect_while_writing_is_logged_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_outbox: Outbox, _socket: web.WebSocketResponse) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(Outbox, "drain_into", broken)
    async with place() as at:
        ada = await at.join("Ada")
        assert await close_code(ada) is not None
    assert "ZeroDivisionError: a defect" in caplog.text


async def test_a_flood_is_read_more_slowly_and_closed_with_4008_after_ten_seconds() -> None:
    async with place() as at:
        ada = await at.join("Ada")
        await receive(ada)
        for number in range(1000):
            await ada.send_json({"type": "ping", "t": number})
        for _ in range(BURST_MESSAGES):
            await receive(ada)
        started_s = at.clock.monotonic()
        answered = BURST_MESSAGES
        while True:
            await until(at.pauses)
            while at.pauses():
                at.clock.advance(0.01)
            message = await receive(ada)
            if message["type"] == "error":
                break
            answered += 1
        assert message["code"] == "rate-limited"
        assert await close_code(ada) == 4008
        assert 10 <= at.clock.monotonic() - started_s < 10.5
        assert answered < 250


async def test_a_socket_that_breaks_leaves_its_participant_for_a_resume() -> None:
    async with place() as at:
        ada = await at.join("Ada")
        joined = await receive(ada)
        await ada.close()
        await until(lambda: at.clock.pending() == 1)
        again = await at.client.ws_connect("/signal")
        await again.send_json({
            "type": "join", "room": "den", "name": "Ada", "mode": "direct", "resume": joined["resume"],
        })  # fmt: skip
        answer = await receive(again)
        assert (answer["you"], answer["resumed"]) == (joined["you"], True)


async def test_a_browser_that_leaves_the_page_has_left_at_once() -> None:
    async with place() as at:
        ada, ben = await at.join("Ada"), await at.join("Ben")
        await receive_of_type(ada, "participant")
        await ben.close(code=1001)
        assert (await receive_of_type(ada, "left"))["reason"] == "left"


async def test_a_silent_peer_is_pinged_and_given_up_when_it_does_not_answer() -> None:
    async with place() as at:
        ada = await at.client.ws_connect("/signal", autoping=False)
        await ada.send_json({"type": "join", "room": "den", "name": "Ada", "mode": "direct"})
        await receive(ada)
        at.clock.advance(SILENCE_S)
        assert (await ada.receive()).type is WSMsgType.PING
        await ada.pong()
        await ada.send_json({"type": "ping", "t": 1})
        await receive(ada)
        at.clock.advance(SILENCE_S)
        assert (await ada.receive()).type is WSMsgType.PING
        at.clock.advance(ANSWER_S)
        assert await close_code(ada) == 1000
        assert at.rooms.participant_count == 1, "kept for a resume"


async def test_a_closed_socket_leaves_no_timer() -> None:
    """The library's own heartbeat went on for 37 seconds, and kept the whole request alive."""
    async with place() as at:
        ada = await at.join("Ada")
        await receive(ada)
        await ada.send_json({"type": "leave"})
        assert await close_code(ada) == 1000
        await until(lambda: at.endpoint.socket_count == 0)
        assert at.clock.pending() == 0


async def test_at_a_shutdown_all_are_told_closed_with_1001_and_new_ones_refused() -> None:
    async with place() as at:
        ada, ben = await at.join("Ada"), await at.join("Ben")
        await receive_of_type(ada, "participant")
        shutdown = asyncio.create_task(at.endpoint.shutdown(1.0))
        for socket in (ada, ben):
            assert (await receive_of_type(socket, "closing"))["retry_after"] == 1.0
            assert await close_code(socket) == 1001
        await shutdown
        with pytest.raises(WSServerHandshakeError) as caught:
            await at.client.ws_connect("/signal")
        assert caught.value.status == 503


class Sink(web.WebSocketResponse):
    """A socket that remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.code: int | None = None

    async def send_str(self, data: str, compress: int | None = None) -> None:
        self.sent.append(data)

    async def close(self, *, code: int = 1000, message: bytes = b"", drain: bool = True) -> bool:
        self.code = code
        return True


@pytest.mark.parametrize(
    ("text", "fits"), [("x", MAX_QUEUED_MESSAGES), ("ü" * (1 << 20), MAX_QUEUED_BYTES // (2 << 20))]
)
async def test_who_reads_too_slowly_is_closed_with_4008_and_the_queue_given_up(text: str, fits: int) -> None:
    outbox, socket = Outbox(), Sink()
    for _ in range(fits):
        outbox.send(text)
    outbox.send(text)
    outbox.send(text)
    await outbox.closed()
    await outbox.drain_into(socket)
    assert socket.sent == []
    assert socket.code == 4008


async def test_all_that_was_queued_is_sent_before_the_close_and_nothing_after_it() -> None:
    outbox, socket = Outbox(), Sink()
    outbox.send("a")
    outbox.send("b")
    outbox.close(1000, "")
    outbox.close(4008, "")
    outbox.send("c")
    await outbox.drain_into(socket)
    assert (socket.sent, socket.code) == (["a", "b"], 1000)


async def test_pings_of_the_protocol_are_answered_and_a_flood_of_them_is_a_flood() -> None:
    async with place() as at:
        ada = await at.client.ws_connect("/signal", autoping=False)
        await ada.ping(b"hello")
        pong = await ada.receive()
        assert (pong.type, pong.data) == (WSMsgType.PONG, b"hello")
        await ada.send_json({"type": "join", "room": "den", "name": "Ada", "mode": "direct"})
        await receive(ada)
        for _ in range(1000):
            await ada.ping()
        answered = 0
        while (frame := await receive_paced(at, ada)).type is WSMsgType.PONG:
            answered += 1
        assert json.loads(frame.data)["code"] == "rate-limited"
        assert await close_code(ada) == 4008
        assert answered < 250


async def receive_paced(at: Place, socket: ClientWebSocketResponse) -> WSMessage:
    """The next frame; when none is there yet, time passes until the server reads on."""
    waiting = asyncio.create_task(socket.receive())
    while not waiting.done():
        await asyncio.sleep(0)
        if at.pauses():
            at.clock.advance(0.01)
    return await waiting
