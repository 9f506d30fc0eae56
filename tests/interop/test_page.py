"""The page before and beside a call: the lobby, failures in words, access."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.interop.serving import ServerProcess
from tests.interop.tabs import ChromiumTab

VIOLATIONS = """async () => (await axe.run()).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)"""


def test_the_first_page_suggests_a_room_and_leads_to_its_lobby(
    context: BrowserContext, server: ServerProcess
) -> None:
    page = context.new_page()
    page.goto(server.url)
    room = page.get_by_label("Name of the room").input_value()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=room)).to_be_visible()


def test_the_lobby_shows_the_devices_and_remembers_the_name(
    context: BrowserContext, server: ServerProcess
) -> None:
    page = context.new_page()
    page.goto(f"{server.url}/teatime?direct")
    expect(page.locator(".preview video.shown")).to_be_visible()
    expect(page.get_by_role("radio", name="Between the two of you")).to_be_checked()
    expect(page.get_by_label("Camera").locator("option")).to_have_count(1)
    page.wait_for_function("() => document.querySelector('[role=meter]').getAttribute('aria-valuenow') > 0")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_role("button", name="Camera").click()
    page.get_by_role("button", name="Join", exact=True).click()
    expect(ChromiumTab(page).tile("Ada (you)")).to_have_attribute("data-muted", "false")
    expect(ChromiumTab(page).tile("Ada (you)")).to_have_attribute("data-state", "off")
    page.goto(f"{server.url}/elsewhere")
    expect(page.get_by_label("Your name")).to_have_value("Ada")


def test_without_permission_the_page_says_what_to_do_and_still_joins(
    refusing_context: BrowserContext, server: ServerProcess
) -> None:
    page = refusing_context.new_page()
    page.goto(f"{server.url}/teatime?name=Ada&direct")
    expect(ChromiumTab(page).notices("devices-denied")).to_contain_text("Allow it")
    page.get_by_role("button", name="Join to watch").click()
    page.wait_for_function("() => window.visavis.call()?.signaling === 'joined'")


def test_on_plain_http_the_page_says_why_there_is_no_camera(
    context: BrowserContext, named_server: ServerProcess
) -> None:
    page = context.new_page()
    page.goto(f"{named_server.url.replace('localhost', 'visavis.test')}/teatime?name=Ada&direct")
    expect(ChromiumTab(page).notices("no-https")).to_contain_text("https://")
    page.get_by_role("button", name="Join to watch").click()
    page.wait_for_function("() => window.visavis.call()?.signaling === 'joined'")


def test_shortcuts_rest_while_somebody_types(context: BrowserContext, server: ServerProcess) -> None:
    tab = ChromiumTab.joining(context.new_page(), server.url, "teatime", "Ada", direct=True)
    expect(tab.tile("Ada (you)")).to_have_attribute("data-muted", "false")
    tab.press("c")
    tab.page.keyboard.type("my message vanishes? no")
    expect(tab.page.get_by_label("Message to everybody")).to_have_value("my message vanishes? no")
    assert tab.call()["media"] == {"microphone": True, "camera": True, "screen": False}


def test_every_control_of_a_call_is_reached_by_tab(context: BrowserContext, server: ServerProcess) -> None:
    tab = ChromiumTab.joining(context.new_page(), server.url, "teatime", "Ada", direct=True)
    expect(tab.tile("Ada (you)")).to_have_attribute("data-muted", "false")
    wanted = tab.page.locator(".call button:visible").evaluate_all(
        "all => all.map((each) => each.ariaLabel ?? each.innerText)"
    )
    reached: set[str] = set()
    for _ in range(len(wanted) + 8):
        tab.press("Tab")
        reached.add(tab.page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText"))
    assert set(wanted) <= reached


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(
    context: BrowserContext, server: ServerProcess, axe: str, scheme: str, width: int
) -> None:
    page = context.new_page()
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("/", "/teatime?name=Ada"):
        page.goto(server.url + path)
        assert _violations(page, axe) == []
    tab = ChromiumTab.joining(page, server.url, "teatime", "Ada", direct=True)
    expect(tab.tile("Ada (you)")).to_have_attribute("data-muted", "false")
    tab.says("Hello")
    for key in ("c", "s", "?"):
        tab.press(key)
        assert _violations(page, axe) == []
        tab.press("Escape")


def _violations(page: Page, axe: str) -> list[str]:
    page.evaluate(f"() => {{ {axe} }}")
    found: list[str] = page.evaluate(VIOLATIONS)
    return found
