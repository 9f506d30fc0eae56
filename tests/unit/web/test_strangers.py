import asyncio

import pytest
from aiohttp import web

from visavis.web.strangers import MalformedRequests


async def failing(_request: web.Request) -> web.StreamResponse:
    raise ZeroDivisionError


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "request_bytes", [b"\x16\x03\x01\0\xff\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A" * 9000 + b"\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_counted_and_not_logged(
    request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    strangers = MalformedRequests()
    app = web.Application()
    app.router.add_get("/", failing)
    runner = web.AppRunner(app, logger=strangers.logger())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        port = int(runner.addresses[0][1])
        assert b"400" in await ask(port, request_bytes)
        assert strangers.count == 1
        assert caplog.records == []
        assert b"500" in await ask(port, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert "ZeroDivisionError" in caplog.text
        assert strangers.count == 1
    finally:
        await runner.cleanup()
