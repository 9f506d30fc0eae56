"""The same call in Chromium, in Firefox, and with both in one room: through the server and directly."""

from collections.abc import Callable, Iterable

import pytest

from tests.interop.pages import OpenPage
from tests.interop.serving import ServerProcess
from tests.interop.tabs import Tab

Tabs = dict[str, Tab]
Join = Callable[[str], Tab]

CASTS = {
    "chromium": ("chromium", "chromium", "chromium"),
    "firefox": ("firefox", "firefox", "firefox"),
    "chromium-first": ("chromium", "firefox", "chromium"),
    "firefox-first": ("firefox", "chromium", "firefox"),
}
ALIKE = ("chromium", "firefox")
NAMES = ("Ada", "Bob", "Cleo")


@pytest.fixture(params=ALIKE)
def cast(request: pytest.FixtureRequest) -> Iterable[str]:
    """The browsers of Ada, Bob and Cleo."""
    return CASTS[request.param]


@pytest.fixture
def three(cast: Iterable[str], open_page: OpenPage, server: ServerProcess) -> Tabs:
    """Three in a room through the server, when each sees both others."""
    tabs = {
        name: Tab.joining(open_page(browser), server.url, "teatime", name)
        for name, browser in zip(NAMES, cast, strict=True)
    }
    everybody_sees_everybody(tabs)
    return tabs


@pytest.fixture
def two(cast: Iterable[str], open_page: OpenPage, server: ServerProcess) -> Tabs:
    """Two in a direct room, when they see each other."""
    tabs = {
        name: Tab.joining(open_page(browser), server.url, "teatime", name, direct=True)
        for name, browser in zip(NAMES[:2], cast, strict=False)
    }
    everybody_sees_everybody(tabs)
    return tabs


def everybody_sees_everybody(tabs: Tabs) -> None:
    for viewer, tab in tabs.items():
        for name in tabs:
            if name != viewer:
                tab.sees(name)


def everybody_hears_everybody(tabs: Tabs) -> None:
    for listener, tab in tabs.items():
        for name in tabs:
            if name != listener:
                tab.hears(name)


@pytest.mark.parametrize("cast", CASTS, indirect=True)
def test_everybody_sees_moving_pictures_and_hears_the_others(three: Tabs) -> None:
    everybody_hears_everybody(three)
    assert three["Ada"].call()["mode"] == "sfu"
    assert list(three["Ada"].call()["connections"]) == ["publish", "subscribe"]


@pytest.mark.parametrize("cast", [*ALIKE, "firefox-first"], indirect=True)
def test_one_mutes_leaves_and_comes_back(three: Tabs) -> None:
    cleo = three["Cleo"]
    cleo.press("m")
    cleo.press("v")
    for name in ("Ada", "Bob"):
        three[name].shows("Cleo", state="off", muted="true")
    cleo.press("m")
    cleo.press("v")
    for name in ("Ada", "Bob"):
        three[name].shows("Cleo", state="live", muted="false")
        three[name].sees("Cleo")
    for _ in range(2):
        cleo.leaves()
        three["Ada"].shows_no("Cleo")
        cleo.comes_back()
        everybody_sees_everybody(three)
        three["Ada"].hears("Cleo")


@pytest.mark.parametrize(("cast", "late"), [(each, each) for each in ALIKE], indirect=["cast"])
def test_who_comes_late_sees_everybody_and_is_seen(
    three: Tabs, late: str, open_page: OpenPage, server: ServerProcess
) -> None:
    dora = Tab.joining(open_page(late), server.url, "teatime", "Dora")
    everybody_sees_everybody({**three, "Dora": dora})


def test_all_come_back_after_a_restart_of_the_server(server: ServerProcess, three: Tabs) -> None:
    restart(server, three)
    everybody_sees_everybody(three)


@pytest.mark.parametrize("cast", CASTS, indirect=True)
def test_two_in_a_direct_room_see_and_hear_each_other(two: Tabs) -> None:
    everybody_hears_everybody(two)
    assert two["Ada"].call()["mode"] == "direct"
    assert list(two["Ada"].call()["connections"]) == ["direct"]


@pytest.mark.parametrize("cast", [*ALIKE, "firefox-first"], indirect=True)
def test_who_leaves_a_direct_room_can_come_back(two: Tabs) -> None:
    two["Bob"].leaves()
    two["Ada"].shows_no("Bob")
    two["Bob"].comes_back()
    everybody_sees_everybody(two)


def test_both_come_back_into_a_direct_room_after_a_restart_of_the_server(
    server: ServerProcess, two: Tabs
) -> None:
    restart(server, two)
    everybody_sees_everybody(two)


def restart(server: ServerProcess, tabs: Tabs) -> None:
    """Returns when everybody is in the room again, as somebody new."""
    before = {name: tab.call()["you"] for name, tab in tabs.items()}
    assert server.stop() == 0
    for tab in tabs.values():
        tab.is_told("server-gone")
    server.start()
    for name, tab in tabs.items():
        tab.is_somebody_else_than(before[name])
    for tab in tabs.values():
        tab.is_told_no_longer("server-gone")
