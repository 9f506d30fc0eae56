"""`RTCPeerConnection` in live calls with other implementations, each as offerer and as answerer."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop import pion_end
from tests.interop.aiortc_end import AiortcEnd
from tests.interop.browser_end import BrowserEnd
from tests.interop.ends import End, Pair
from tests.interop.loops import LoopThread
from tests.interop.our_end import OurEnd
from tests.interop.pages import OpenPage
from tests.interop.pion_end import PionEnd
from tests.interop.turn_server import coturn

MakeEnd = Callable[[str], End]


class _EmptyPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Empty</title>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def secure_url() -> Iterator[str]:
    """An empty page on loopback, which may use a camera."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def pion_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pion_end.built(tmp_path_factory.mktemp("pion"))


@pytest.fixture
def make_end(request: pytest.FixtureRequest, open_page: OpenPage, loop: LoopThread) -> MakeEnd:
    """An end by the name of who plays it."""

    def made(name: str) -> End:
        if name == "aiortc":
            reason = "no aiortc found, which is no part of the development tools; pip install aiortc"
            return AiortcEnd(loop, pytest.importorskip("aiortc", reason=reason))
        if name == "pion":
            return PionEnd(request.getfixturevalue("pion_program"))
        page = open_page(name)
        page.goto(request.getfixturevalue("secure_url"))
        return BrowserEnd(page)

    return made


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    """An event loop for what is in this process."""
    with LoopThread() as running:
        yield running


@pytest.fixture
def ours(loop: LoopThread) -> Iterator[OurEnd]:
    """Our end, not open yet."""
    end = OurEnd(loop)
    yield end
    end.close()


@pytest.fixture(params=["chromium", "firefox", "aiortc", "pion"])
def theirs(request: pytest.FixtureRequest, make_end: MakeEnd) -> Iterator[End]:
    """The other end, not open yet."""
    end = make_end(request.param)
    yield end
    end.close()


@pytest.fixture(params=["we offer", "we answer"])
def pair(request: pytest.FixtureRequest, ours: OurEnd, theirs: End) -> Pair:
    """Both, in both roles."""
    for end in (ours, theirs):
        end.open({})
    return Pair(ours, theirs) if request.param == "we offer" else Pair(theirs, ours)


def test_picture_and_sound_go_both_ways(pair: Pair) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()


def test_a_track_more_and_one_less_as_either_end_wishes(pair: Pair) -> None:
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()

    pair.offerer.send("video")
    pair.negotiate()
    pair.answerer.sees(2)
    pair.answerer.send("video")
    pair.turned.negotiate()
    pair.offerer.sees(2)

    pair.offerer.stop_sending("video")
    pair.negotiate()
    pair.answerer.sees(1)
    pair.offerer.sees(2)


def test_a_restart_of_ice_loses_no_media(pair: Pair) -> None:
    if any(isinstance(end, AiortcEnd) for end in pair.ends):
        pytest.skip("aiortc neither restarts ICE nor follows a restart")
    for end in pair.ends:
        end.send("audio", "video")
    pair.connect()
    pair.meet()
    for one in (pair, pair.turned):
        one.offerer.restart_ice()
        one.connect()
        one.meet()


@pytest.mark.parametrize("role", ["we offer", "we answer"])
def test_a_call_through_a_turn_server(role: str, ours: OurEnd, theirs: End, tmp_path: Path) -> None:
    with coturn(tmp_path) as server:
        ours.open({"iceServers": [server], "iceTransportPolicy": "relay"})
        theirs.open({})
        pair = Pair(ours, theirs) if role == "we offer" else Pair(theirs, ours)
        for end in pair.ends:
            end.send("audio", "video")
        pair.connect()
        pair.meet()
        local = ours.path().local
        assert local is not None
        assert local.type == "relay"
        for end in (ours, theirs):
            end.close()
