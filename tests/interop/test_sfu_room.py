"""Three tabs of Chromium in a room through the server."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.interop.serving import ServerProcess
from tests.interop.tabs import ChromiumTab

Join = Callable[[str], ChromiumTab]


@pytest.fixture
def join(context: BrowserContext, server: ServerProcess) -> Join:
    return lambda name: ChromiumTab.joining(context.new_page(), server.url, "teatime", name)


@pytest.fixture
def three(join: Join) -> dict[str, ChromiumTab]:
    """Ada, Bob and Cleo, when each sees both others."""
    tabs = {name: join(name) for name in ("Ada", "Bob", "Cleo")}
    everybody_sees_everybody(tabs)
    return tabs


def everybody_sees_everybody(tabs: dict[str, ChromiumTab]) -> None:
    for viewer, tab in tabs.items():
        for name in tabs:
            if name != viewer:
                tab.sees(name)


def test_the_others_see_who_is_muted_and_whose_camera_is_off(three: dict[str, ChromiumTab]) -> None:
    three["Bob"].press("m")
    three["Bob"].press("v")
    for name in ("Ada", "Cleo"):
        label = "Bob, camera off, microphone off, Connected"
        expect(three[name].tile("Bob")).to_have_attribute("aria-label", label)
    three["Bob"].press("v")
    for name in ("Ada", "Cleo"):
        three[name].sees("Bob")


def test_a_shared_screen_is_one_more_tile_for_everybody(three: dict[str, ChromiumTab]) -> None:
    three["Bob"].press("d")
    for name in ("Ada", "Cleo"):
        screen = three[name].tile("Bob", "screen")
        expect(screen.locator("video.shown")).to_be_visible()
    three["Bob"].press("d")
    for name in ("Ada", "Cleo"):
        expect(three[name].tile("Bob", "screen")).to_have_count(0)


def test_who_sends_nothing_still_sees_and_hears(
    context: BrowserContext, server: ServerProcess, three: dict[str, ChromiumTab]
) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/teatime?name=Zoe&join&audio=0&video=0")
    zoe = ChromiumTab(page)
    zoe.sees("Ada")
    zoe.hears("Bob")
    expect(three["Ada"].tile("Zoe")).to_have_attribute("data-state", "watching")
    assert list(zoe.call()["connections"]) == ["subscribe"]


def test_the_statistics_say_in_words_that_the_path_is_through_the_server(
    three: dict[str, ChromiumTab],
) -> None:
    three["Ada"].press("s")
    overlay = three["Ada"].page.get_by_role("region", name="Connection statistics")
    expect(overlay).to_contain_text("Through the server")
    expect(overlay.locator("[data-connection=publish]")).to_contain_text("AES")
    expect(overlay.locator("[data-connection=subscribe]")).to_contain_text("AES")
    expect(overlay.get_by_role("rowheader", name="Cleo, camera")).to_be_visible()
