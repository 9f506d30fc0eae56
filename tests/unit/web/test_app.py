import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from visavis.web import SiteContent, create_app
from visavis.web.app import STATIC

Client = TestClient[web.Request, web.Application]


async def signal(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="signal")


@asynccontextmanager
async def site(tmp_path: Path, authority_pem: bytes | None = None) -> AsyncGenerator[Client]:
    (tmp_path / "index.html").write_text("<!doctype html>page")
    (tmp_path / "app.js").write_text("export {};")
    content = SiteContent(signal, lambda: {"status": "ok"}, authority_pem, tmp_path)
    async with TestClient(TestServer(create_app(content))) as client:
        yield client


async def test_the_root_and_each_room_s_link_are_the_page(tmp_path: Path) -> None:
    async with site(tmp_path) as client:
        for path in ("/", "/den", "/A-b_9?name=Ada&join"):
            response = await client.get(path)
            assert (response.status, response.content_type) == (200, "text/html")
            assert await response.text() == "<!doctype html>page"


@pytest.mark.parametrize("path", ["/a%20b", "/%3Cscript%3E", "/" + "x" * 65, "/%C3%A4"])
async def test_a_link_that_no_room_can_have_is_a_page_that_says_so(tmp_path: Path, path: str) -> None:
    async with site(tmp_path) as client:
        response = await client.get(path)
        assert response.status == 404
        assert "No room can be called" in await response.text()
        assert "<script>" not in await response.text()


async def test_files_are_served_with_their_type_and_found_unchanged_by_their_tag(tmp_path: Path) -> None:
    async with site(tmp_path) as client:
        response = await client.get("/static/app.js")
        assert response.content_type in ("text/javascript", "application/javascript")
        assert response.headers["Cache-Control"] == "no-cache"
        again = await client.get("/static/app.js", headers={"If-None-Match": response.headers["ETag"]})
        assert again.status == 304


async def raw_get(client: Client, target: str) -> bytes:
    """A request whose target no client library has tidied up."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "target",
    [
        "/static/none.js",
        "/static/../secret",
        "/static/%2e%2e/secret",
        "/static/..%2fsecret",
        "/static//etc/passwd",
        "/static/a%00b",
        "/static/",
        "/a/b",
        "/../secret",
    ],
)
async def test_what_is_not_there_is_not_found_and_nothing_outside_is_served(
    tmp_path: Path, target: str
) -> None:
    inside = tmp_path / "static"
    inside.mkdir()
    (tmp_path / "secret").write_text("the secret")
    async with site(inside) as client:
        answer = await raw_get(client, target)
        assert b"the secret" not in answer
        assert answer.split()[1] in (b"403", b"404")


@pytest.mark.parametrize(
    "path", ["/", "/den", "/static/app.js", "/static/none.js", "/healthz", "/a/b", "/a%20b"]
)
async def test_every_answer_has_the_security_headers(tmp_path: Path, path: str) -> None:
    async with site(tmp_path) as client:
        headers = (await client.get(path)).headers
        policy = headers["Content-Security-Policy"].split("; ")
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert not any("unsafe" in directive or "http" in directive for directive in policy)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "camera=(self)" in headers["Permissions-Policy"]
        assert "Server" not in headers


async def test_health_is_json_that_is_not_kept(tmp_path: Path) -> None:
    async with site(tmp_path) as client:
        response = await client.get("/healthz")
        assert await response.json() == {"status": "ok"}
        assert response.headers["Cache-Control"] == "no-store"


async def test_the_authority_is_served_where_there_is_one(tmp_path: Path) -> None:
    async with site(tmp_path) as client:
        assert (await client.get("/ca.pem")).status == 404
    async with site(tmp_path, b"pem") as client:
        response = await client.get("/ca.pem")
        assert response.content_type == "application/x-x509-ca-cert"
        assert await response.read() == b"pem"


async def test_signaling_has_the_handler_that_was_given(tmp_path: Path) -> None:
    async with site(tmp_path) as client:
        assert await (await client.get("/signal")).text() == "signal"


def test_the_package_has_the_page() -> None:
    assert (STATIC / "index.html").read_text().startswith("<!doctype html>")
