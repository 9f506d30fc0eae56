"""Strangers at a host's door, who know no secret."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from visavis.transfer.channel import Messages
from visavis.transfer.host import MAX_UNPROVEN, Host
from visavis.transfer.messages import Direction
from visavis.transfer.opening import HostOptions, open_host
from visavis.transfer.peer import Peer
from visavis.transfer.signals import MAX_SIGNAL_BYTES

GUARD_S = 30


@asynccontextmanager
async def door() -> AsyncGenerator[tuple[Host, ClientSession]]:
    async def serve(peer: Peer, messages: Messages, visitor: str) -> None:
        raise AssertionError("nobody is let in")

    opened = open_host(HostOptions("127.0.0.1"))
    async with (
        asyncio.timeout(GUARD_S),
        Host("2mqp-9xhr-t4nb", Direction.SENDS, serve) as host,
        ClientSession(opened.links[0].url) as http,
    ):
        await host.start(opened.sockets, opened.names)
        yield host, http


async def said(socket: ClientWebSocketResponse) -> Any:
    """What the host says next; None: it closes."""
    frame = await socket.receive()
    return json.loads(frame.data) if frame.type is WSMsgType.TEXT else None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 50_000,
        '{"type": "refused", "reason": "you"}',
        '{"type": "answer", "sdp": "v=0"}',
        '{"type": "offer"}',
        '{"type": "offer", "sdp": "nonsense"}',
        '{"type": "offer", "sdp": "v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\n"}',
        "x" * (MAX_SIGNAL_BYTES + 1),
    ],
)
async def test_what_is_no_offer_ends_the_visit_and_nothing_else(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with door() as (host, http):
        async with http.ws_connect("/signal") as socket:
            await socket.send_str(text)
            while (answer := await said(socket)) is not None:
                assert answer["type"] == "answer"
                await socket.close()
        await host.close()
        assert host.refused.total() + host.lost == 1
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_network_cannot_keep_others_out_by_waiting() -> None:
    async with door() as (host, http):
        waiting = [await http.ws_connect("/signal") for _ in range(MAX_UNPROVEN)]
        async with http.ws_connect("/signal") as socket:
            assert await said(socket) == {"type": "refused", "reason": "busy"}
        for each in waiting:
            await each.close()
        assert host.refused["busy"] == 1


async def test_pages_of_other_sites_are_refused() -> None:
    async with door() as (_, http):
        response = await http.get("/signal", headers={"Origin": "http://elsewhere.example"})
        assert response.status == 403
        response = await http.get("/", headers={"Host": "elsewhere.example"})
        assert response.status == 421
        response = await http.get("/signal")
        assert response.status == 426


async def test_the_page_is_served_with_its_headers() -> None:
    async with door() as (_, http):
        response = await http.get("/")
        assert "/static/transfer/main.js" in await response.text()
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert response.headers["Referrer-Policy"] == "no-referrer"
