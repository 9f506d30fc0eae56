import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from visavis.web import KnownHosts, SiteContent, create_app

SERVED, REFUSED, BAD = b"200", b"421", b"400"


async def signal(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="signal")


async def answer(hosts: KnownHosts, path: str, head: str, version: str = "1.1") -> bytes:
    """The whole answer to a request with exactly these header lines."""
    content = SiteContent(signal, lambda: {"status": "ok"}, hosts=hosts)
    async with TestClient(TestServer(create_app(content))) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(f"GET {path} HTTP/{version}\r\n{head}Connection: close\r\n\r\n".encode())
        whole = await reader.read()
        writer.close()
        await writer.wait_closed()
        return whole


@pytest.mark.parametrize("path", ["/", "/den", "/healthz", "/signal", "/static/main.js", "/no/such"])
async def test_a_name_that_a_stranger_made_resolve_to_the_server_gets_nothing(path: str) -> None:
    hosts = KnownHosts(["call.example"])
    refused = await answer(hosts, path, "Host: evil.example:8080\r\n")
    assert refused.split()[1] == REFUSED
    assert b"--allow-origin https://evil.example;" in refused
    assert b"Content-Security-Policy" in refused
    assert hosts.refused == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080",
        "192.0.2.7",
        "[::1]:8080",
        "[2001:db8::7]",
        "localhost",
        "LocalHost:80",
        "localhost.",
        "room.localhost",
        "call.example",
        "CALL.example.:443",
        "a.example.org",
    ],
)
async def test_addresses_localhost_and_the_server_s_names_are_served(host: str) -> None:
    hosts = KnownHosts(["Call.Example", "*.example.org"])
    served = await answer(hosts, "/healthz", f"Host: {host}\r\n")
    assert served.split()[1] == SERVED
    assert hosts.refused == 0


@pytest.mark.parametrize(
    "host",
    [
        "evil.call.example",
        "call.example.evil.example",
        "example.org",
        "a.b.example.org",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1.evil.example",
        "[::1",
        "[evil.example]",
        "user@localhost",
        "localhost/x",
        "a b",
        "",
        "localhost:x",
    ],
)
async def test_what_only_looks_like_one_of_them_is_refused(host: str) -> None:
    hosts = KnownHosts(["call.example", "*.example.org"])
    assert (await answer(hosts, "/healthz", f"Host: {host}\r\n")).split()[1] == REFUSED


async def test_a_star_is_every_name() -> None:
    assert (await answer(KnownHosts(["*"]), "/healthz", "Host: evil.example\r\n")).split()[1] == SERVED


async def test_a_request_has_one_host_but_that_of_an_old_program_without_any() -> None:
    assert (await answer(KnownHosts(), "/healthz", "")).split()[1] == BAD
    assert (await answer(KnownHosts(), "/healthz", "Host: localhost\r\nHost: a.example\r\n")).split()[
        1
    ] == BAD
    assert (await answer(KnownHosts(), "/healthz", "", version="1.0")).split()[1] == SERVED
