"""A whole server on ports that the system picks, without a data plane."""

import asyncio
import datetime
import errno
import json
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from visavis.config import ServerConfig
from visavis.errors import StartError
from visavis.server import MediaPlan, Server
from visavis.server.certificates import ensure_certificate
from visavis.server.server import Phase
from visavis.testing.media import RecordingMedia

LOCAL = ServerConfig(host="127.0.0.1", port=0)
GUARD_S = 20.0


class Opened:
    """Opens media that remember, and remembers them."""

    def __init__(self) -> None:
        self.media: list[RecordingMedia] = []

    def __call__(self, plan: MediaPlan) -> RecordingMedia:
        self.media.append(RecordingMedia(plan))
        return self.media[-1]


async def test_a_server_says_where_it_is_and_how_it_is() -> None:
    opened = Opened()
    async with Server(LOCAL, media=opened) as server, aiohttp.ClientSession() as client:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert server.port != 0
        async with client.get(f"{server.url}/healthz") as response:
            health = await response.json()
        assert health["status"] == "ok"
        assert (health["rooms"], health["participants"]) == (0, 0)
        figures = {
            "rooms",
            "participants",
            "sockets",
            "transports",
            "uptime_s",
            "malformed_requests",
            "misdirected_requests",
            "refused_visits",
            "packets",
        }
        assert set(health) == {"status", "version", *figures}
        async with client.get(server.url) as response:
            assert (await response.text()).lower().startswith("<!doctype html>")


async def test_a_server_whose_data_plane_lost_a_thread_says_that_it_fails() -> None:
    opened = Opened()
    async with Server(LOCAL, media=opened) as server, aiohttp.ClientSession() as client:
        opened.media[0].is_whole = False
        async with client.get(f"{server.url}/healthz") as response:
            assert response.status == 503
            assert (await response.json())["status"] == "failing"


async def test_media_get_the_tcp_port_s_number_unless_another_is_named() -> None:
    opened = Opened()
    async with Server(LOCAL, media=opened) as server:
        assert {port for _, port in opened.media[0].plan.addresses} == {server.port}
        assert opened.media[0].plan.addresses[0][0] == "127.0.0.1"
    async with Server(ServerConfig(host="127.0.0.1", port=0, udp_port=0), media=opened):
        ports = {port for _, port in opened.media[1].plan.addresses}
        assert len(ports) == 1
        assert ports != {0}


async def test_a_join_through_the_server_reaches_a_router_and_is_counted() -> None:
    opened = Opened()
    async with (
        Server(LOCAL, media=opened) as server,
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{server.url}/signal", origin=server.url) as ada,
    ):
        await ada.send_json({"type": "join", "room": "den", "name": "Ada", "mode": "sfu"})
        joined = json.loads(await ada.receive_str())
        assert joined["you"] in opened.media[0].routers[0].peers
        assert (server.health()["rooms"], server.health()["participants"]) == (1, 1)


async def test_of_many_who_joined_and_left_no_socket_and_no_task_is_left() -> None:
    opened = Opened()
    async with Server(LOCAL, media=opened) as server:
        async with aiohttp.ClientSession() as client:
            before = len(asyncio.all_tasks())
            for number in range(30):
                ada = await client.ws_connect(f"{server.url}/signal")
                await ada.send_json({"type": "join", "room": f"r{number}", "name": "Ada", "mode": "sfu"})
                await ada.receive_str()
                assert server.health()["sockets"] == 1
                await ada.send_json({"type": "leave"})
                while (await ada.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
                await until(lambda: server.health()["sockets"] == 0)
        await until(lambda: len(asyncio.all_tasks()) <= before)
        assert server.health()["rooms"] == 0
        assert all(router.closed for router in opened.media[0].routers)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came true")


async def test_closing_tells_participants_and_ends_rooms_and_media_and_ports() -> None:
    opened = Opened()
    async with aiohttp.ClientSession() as client:
        server = Server(LOCAL, media=opened)
        await server.start()
        port = server.port
        ada = await client.ws_connect(f"{server.url}/signal")
        await ada.send_json({"type": "join", "room": "den", "name": "Ada", "mode": "sfu"})
        await ada.receive_str()
        closing = asyncio.create_task(server.close())
        assert json.loads(await ada.receive_str())["type"] == "closing"
        assert (await ada.receive()).type is aiohttp.WSMsgType.CLOSE
        assert ada.close_code == 1001
        await closing
    assert server.phase is Phase.CLOSED
    assert opened.media[0].closed
    assert opened.media[0].routers[0].closed
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
    await server.close()


async def test_a_client_that_answers_no_close_does_not_hold_up_the_end() -> None:
    server = Server(LOCAL, media=Opened())
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(
        f"GET /signal HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    await server.close()
    assert server.phase is Phase.CLOSED
    writer.close()
    await writer.wait_closed()


async def test_a_tcp_port_in_use_is_an_error_that_names_it_and_the_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        opened = Opened()
        with pytest.raises(StartError, match=rf"TCP port {port} is in use by another program; .*--port"):
            await Server(ServerConfig(host="127.0.0.1", port=port), media=opened).start()
        assert opened.media == []


async def test_a_udp_port_in_use_is_an_error_that_gives_the_tcp_port_back() -> None:
    asked: list[int] = []

    def refuse(plan: MediaPlan) -> RecordingMedia:
        asked.append(plan.addresses[0][1])
        raise OSError(errno.EADDRINUSE, "in use")

    with socket.socket() as picked:
        picked.bind(("127.0.0.1", 0))
        port = picked.getsockname()[1]
    with pytest.raises(StartError, match=rf"UDP port {port} is in use by another program; .*--udp-port"):
        await Server(ServerConfig(host="127.0.0.1", port=port), media=refuse).start()
    assert asked == [port]
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


async def test_where_the_system_picks_the_port_another_is_tried_when_udp_has_it_not_free() -> None:
    opened, refused = Opened(), 0

    def refuse_twice(plan: MediaPlan) -> RecordingMedia:
        nonlocal refused
        if refused < 2:
            refused += 1
            raise OSError(errno.EADDRINUSE, "in use")
        return opened(plan)

    async with Server(LOCAL, media=refuse_twice) as server:
        assert opened.media[0].plan.addresses[0][1] == server.port


async def test_an_address_that_is_not_the_machine_s_is_named() -> None:
    with pytest.raises(StartError, match="does not have the address"):
        await Server(ServerConfig(host="192.0.2.250", port=0), media=Opened()).start()


async def test_beyond_localhost_it_speaks_https_by_its_own_authority(tmp_path: Path) -> None:
    config = ServerConfig(host="0.0.0.0", port=0, data_dir=tmp_path, external_ip=("203.0.113.7",))
    async with Server(config, media=Opened()) as server, aiohttp.ClientSession() as client:
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        assert server.url.startswith("https://")
        async with client.get(f"https://127.0.0.1:{server.port}/ca.pem", ssl=context) as response:
            assert await response.read() == (tmp_path / "ca.pem").read_bytes()


async def test_it_is_called_by_its_certificate_s_names_and_those_of_allowed_origins_only(
    tmp_path: Path,
) -> None:
    ensure_certificate(tmp_path, ["call.example"], datetime.datetime.now(datetime.UTC))
    config = ServerConfig(
        host="127.0.0.1", port=0, cert=tmp_path / "server.pem", key=tmp_path / "server-key.pem",
        allow_origin=("https://proxy.example:8443",),
    )  # fmt: skip
    names = {"call.example": 200, "proxy.example": 200, socket.gethostname(): 200, "evil.example": 421}
    async with Server(config, media=Opened()) as server, aiohttp.ClientSession() as client:
        url = f"https://127.0.0.1:{server.port}/healthz"
        for name, status in names.items():
            async with client.get(url, ssl=False, headers={"Host": name}) as response:
                assert response.status == status
        assert server.health()["misdirected_requests"] == 1


async def test_a_page_of_a_name_that_resolves_to_the_server_cannot_use_its_signaling() -> None:
    async with Server(LOCAL, media=Opened()) as server, aiohttp.ClientSession() as client:
        evil = f"evil.example:{server.port}"
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await client.ws_connect(f"{server.url}/signal", origin=f"http://{evil}", headers={"Host": evil})
        assert caught.value.status == 421


async def test_a_certificate_that_is_given_is_used_also_on_localhost(tmp_path: Path) -> None:
    async with Server(ServerConfig(host="0.0.0.0", port=0, data_dir=tmp_path), media=Opened()):
        pass
    given = ServerConfig(
        host="127.0.0.1", port=0, cert=tmp_path / "server.pem", key=tmp_path / "server-key.pem"
    )
    async with Server(given, media=Opened()) as server, aiohttp.ClientSession() as client:
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        async with client.get(f"{server.url}/ca.pem", ssl=context) as response:
            assert response.status == 404


async def test_a_connection_that_never_finishes_its_request_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("visavis.server.server.IDLE_CONNECTION_S", 0.01)
    async with Server(LOCAL, media=Opened()) as server:
        for beginning in (b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(beginning)
            assert await asyncio.wait_for(reader.read(), GUARD_S) == b""
            writer.close()
