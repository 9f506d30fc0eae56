"""`RTCPeerConnection` with other implementations where no host candidate leads to the other end: both are
behind NATs of the Linux kernel, with coturn between, and the candidates in use are what the NATs leave."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Playwright

from tests.interop.browser_end import BrowserEnd
from tests.interop.conftest import FAKE_CONSENT, chromium_path, empty_page, launched_chromium
from tests.interop.ends import End, Pair
from tests.interop.firefox import Firefox
from tests.interop.loops import LoopThread
from tests.interop.namespaces import PUBLIC_ADDRESS, Namespaces, Nat, Permitted, nats, permit, within
from tests.interop.pages import Page
from tests.interop.peers import PEERS, RESTART_ICE
from tests.interop.process_end import ProcessEnd
from tests.interop.turn_server import coturn

NewPage = Callable[[], Page]
OF_A_NAT = {"srflx", "prflx"}
"""What a candidate behind a NAT is: who was told of it by a server says the first, who met it the second."""


@pytest.fixture(scope="module")
def spaces() -> Iterator[Namespaces]:
    """We are peer a, the other end is peer b; both NATs keep ports."""
    with nats(Nat.KEEPS_PORTS, Nat.KEEPS_PORTS) as made:
        yield made


@pytest.fixture(scope="module")
def server(spaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    directory = tmp_path_factory.mktemp("coturn")
    with coturn(directory, namespace=spaces.public, host=PUBLIC_ADDRESS) as running:
        yield running


@pytest.fixture(scope="module")
def url(spaces: Namespaces) -> Iterator[str]:
    """An empty page at peer b."""
    with empty_page(spaces.peers[1]) as there:
        yield there


@pytest.fixture(scope="module")
def chromium_page(
    spaces: Namespaces, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewPage]:
    """Chromium as peer b."""
    program = tmp_path_factory.mktemp("chromium") / "chromium"
    program.write_text(f'#!/bin/sh\nexec {" ".join(within(spaces.peers[1], chromium_path()))} "$@"\n')
    program.chmod(0o755)
    with launched_chromium(playwright, FAKE_CONSENT, program=program) as running:
        yield running.new_page


@pytest.fixture(scope="module")
def firefox_page(spaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewPage]:
    """Firefox as peer b."""
    with LoopThread() as loop:
        running = Firefox(loop, tmp_path_factory.mktemp("firefox"), spaces.peers[1])
        context = running.new_context()
        yield context.new_page
        context.close()
        running.close()


@pytest.fixture
def ours(spaces: Namespaces) -> Iterator[End]:
    end = ProcessEnd("ours", within(spaces.peers[0], sys.executable, "-m", "tests.interop.our_end"))
    yield end
    end.close()


@pytest.fixture(params=PEERS)
def theirs(request: pytest.FixtureRequest, spaces: Namespaces) -> Iterator[End]:
    name: str = request.param
    if name in ("chromium", "firefox"):
        page: Page = request.getfixturevalue(f"{name}_page")()
        page.goto(request.getfixturevalue("url"))
        end: End = BrowserEnd(name, page)
    else:
        end = ProcessEnd(name, within(spaces.peers[1], *request.getfixturevalue(f"{name}_program")))
    yield end
    end.close()


@pytest.fixture(params=["we offer", "we answer"])
def pair(request: pytest.FixtureRequest, ours: End, theirs: End) -> Pair:
    return Pair(ours, theirs) if request.param == "we offer" else Pair(theirs, ours)


def meet(pair: Pair, servers: list[dict[str, Any]]) -> None:
    """A call with media and data, a restart of ICE, and a track more; both ends know the same servers."""
    for end in pair.ends:
        end.open({"iceServers": servers})
        end.send("audio", "video")
    pair.offerer.channels.create({}, "talk")
    pair.connect()
    pair.meet()
    talk(pair)
    if {end.name for end in pair.ends} <= {"ours", *RESTART_ICE}:
        pair.offerer.restart_ice()
        pair.connect()
        pair.meet()
        talk(pair)
    pair.offerer.send("video")
    pair.negotiate()
    pair.answerer.sees(2)


def talk(pair: Pair) -> None:
    """Data, both ways."""
    for one, other in (pair.ends, pair.turned.ends):
        one.channels.say(f"from {one.name}", "talk")
        assert other.channels.told("talk") == [f"from {one.name}"]


def test_through_both_nats_with_the_help_of_a_stun_server(
    pair: Pair, spaces: Namespaces, server: dict[str, Any]
) -> None:
    permit(spaces, Permitted.EVERYTHING)
    meet(pair, [{"urls": [server["urls"].replace("turn:", "stun:")]}])
    for end in pair.ends:
        route = end.route()
        assert route.remote in OF_A_NAT, end.name
        assert route.local in (OF_A_NAT if end.name != "aiortc" else {"host"}), (
            "aiortc names what it sends from"
        )


@pytest.mark.parametrize(
    ("protocol", "permitted"), [("udp", Permitted.UDP_TO_THE_SERVER), ("tcp", Permitted.NO_UDP)]
)
def test_through_a_turn_server_where_udp_between_them_is_blocked(
    pair: Pair, spaces: Namespaces, server: dict[str, Any], protocol: str, permitted: Permitted
) -> None:
    permit(spaces, permitted)
    meet(pair, [{**server, "urls": [f"{server['urls']}?transport={protocol}"]}])
    for end in pair.ends:
        route = end.route()
        assert route.local == "relay", end.name
        assert route.remote in ("relay", "prflx"), end.name
        assert route.relay_protocol == (protocol if end.name != "aiortc" else None), "aiortc does not say it"
