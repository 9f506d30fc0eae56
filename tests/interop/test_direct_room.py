"""Two tabs of Chromium in a direct room: the server passes on what they say and carries no media."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, WebSocketRoute, expect

from tests.interop.serving import ServerProcess
from tests.interop.tabs import ChromiumTab

Join = Callable[[str], ChromiumTab]


@pytest.fixture
def join(context: BrowserContext, server: ServerProcess) -> Join:
    return lambda name: ChromiumTab.joining(context.new_page(), server.url, "teatime", name, direct=True)


@pytest.fixture
def ada(join: Join) -> ChromiumTab:
    tab = join("Ada")
    expect(tab.tile("Ada (you)")).to_have_attribute("aria-label", re.compile("Waiting for the other"))
    return tab


@pytest.fixture
def bob(ada: ChromiumTab, join: Join) -> ChromiumTab:
    tab = join("Bob")
    ada.sees("Bob")
    tab.sees("Ada")
    return tab


def test_the_other_sees_who_is_muted_and_whose_camera_is_off(ada: ChromiumTab, bob: ChromiumTab) -> None:
    bob.press("m")
    expect(ada.tile("Bob")).to_have_attribute("data-muted", "true")
    bob.press("v")
    expect(ada.tile("Bob")).to_have_attribute("aria-label", "Bob, camera off, microphone off, Connected")
    bob.press("m")
    bob.press("v")
    expect(ada.tile("Bob")).to_have_attribute("data-muted", "false")
    ada.sees("Bob")


def test_a_shared_screen_is_one_more_tile_each_time_it_is_shared(ada: ChromiumTab, bob: ChromiumTab) -> None:
    screen = ada.tile("Bob", "screen")
    for _ in range(2):
        bob.press("d")
        expect(screen).to_have_attribute("data-state", "live")
        expect(screen.locator("video.shown")).to_be_visible()
        bob.press("d")
        expect(screen).to_have_count(0)


def test_chat_reaches_both_and_counts_what_was_not_read(ada: ChromiumTab, bob: ChromiumTab) -> None:
    bob.says("Scones? https://example.org/scones")
    chat = ada.page.get_by_role("button", name="Chat, 1 unread")
    expect(chat).to_be_visible()
    chat.click()
    log = ada.page.get_by_role("log", name="Messages")
    expect(log).to_contain_text("Scones?")
    expect(log.get_by_role("link")).to_have_attribute("href", "https://example.org/scones")
    expect(ada.page.get_by_role("button", name="Chat", exact=True)).to_be_visible()


def test_markup_in_names_and_chat_stays_text(ada: ChromiumTab, join: Join) -> None:
    mallory = join("<img src=x>")
    mallory.sees("Ada")
    mallory.says("<b>bold</b>")
    expect(ada.tile("<img src=x>")).to_contain_text("<img src=x>")
    ada.press("c")
    expect(ada.page.get_by_role("log", name="Messages")).to_contain_text("<b>bold</b>")
    expect(ada.page.locator("#main img")).to_have_count(0)


def test_the_statistics_say_in_words_that_the_path_is_direct(ada: ChromiumTab, bob: ChromiumTab) -> None:
    ada.press("s")
    overlay = ada.page.get_by_role("region", name="Connection statistics")
    expect(overlay).to_contain_text("Directly between browsers")
    expect(overlay).to_contain_text(re.compile(r"UDP, host to host, DTLS 1\.[23], AE"))
    expect(overlay.get_by_role("rowheader")).to_have_text(
        ["Your microphone", "Your camera", "Bob, microphone", "Bob, camera"]
    )


def test_a_reloaded_page_gives_its_place_up_at_once(ada: ChromiumTab, bob: ChromiumTab) -> None:
    bob.page.reload()
    ada.sees("Bob")
    bob.sees("Ada")


def test_a_third_is_told_that_the_room_is_full_and_what_to_do(
    ada: ChromiumTab, bob: ChromiumTab, join: Join
) -> None:
    eve = join("Eve")
    expect(eve.page.get_by_role("heading", name="This room is full.")).to_be_visible()
    eve.page.get_by_role("button", name="Try again").click()
    expect(eve.page.get_by_role("button", name="Join", exact=True)).to_be_visible()


def test_a_broken_websocket_is_resumed_and_the_connection_kept(
    context: BrowserContext, server: ServerProcess, ada: ChromiumTab
) -> None:
    sockets: list[tuple[WebSocketRoute, WebSocketRoute]] = []
    page = context.new_page()
    page.route_web_socket(
        re.compile("/signal$"), lambda route: sockets.append((route, route.connect_to_server()))
    )
    bob = ChromiumTab.joining(page, server.url, "teatime", "Bob", direct=True)
    ada.sees("Bob")
    you = bob.call()["you"]
    page.evaluate("window.kept = window.visavis.connections().direct")
    for end in sockets[0]:
        end.close(code=3000)
    page.wait_for_function("() => window.visavis.call().signaling !== 'joined'")
    page.wait_for_function("() => window.visavis.call().signaling === 'joined'")
    assert bob.call()["you"] == you
    assert page.evaluate("window.kept === window.visavis.connections().direct")
    bob.press("m")
    expect(ada.tile("Bob")).to_have_attribute("data-muted", "true")
    ada.sees("Bob")
