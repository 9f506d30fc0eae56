"""A tab in a call, as one looks at it: by the page's roles, labels and data attributes (docs/page.md)."""

from dataclasses import dataclass
from typing import Any, Self

from playwright.sync_api import Locator
from playwright.sync_api import Page as PlaywrightPage

from tests.interop.pages import Page, until

PIXELS = """(name) => {
  const tile = document.querySelector(`.tile[data-you="false"][aria-label^="${name}"][data-state="live"]`);
  const video = tile?.querySelector('video');
  if (!video || video.videoWidth === 0) return null;
  const canvas = document.createElement('canvas');
  canvas.width = 160;
  canvas.height = 90;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 160, 90);
  return context.getImageData(0, 0, 160, 90).data.join();
}"""

RECEIVED = """async ([name, source]) => {
  const call = window.visavis.call();
  const { id, tracks } = call.participants.find((participant) => participant.name === name);
  const track = tracks.find((each) => each.source === source).id;
  const stream = call.streams.find((each) => each.participant === id && each.track === track);
  const { direct, subscribe } = window.visavis.connections();
  const mid = direct ? track : stream?.mid;
  const report = await (direct ?? subscribe).getStats();
  return [...report.values()].find((stat) => stat.type === 'inbound-rtp' && stat.mid === mid) ?? null;
}"""

TILE = """([name, source, wanted]) => {
  const tile = document.querySelector(`.tile[data-source="${source}"][aria-label^="${name},"]`);
  if (wanted === null) return tile === null;
  return tile !== null && Object.entries(wanted).every(([key, value]) => tile.dataset[key] === value);
}"""

NOTICE = "(code) => document.querySelector(`[data-notice='${code}']`)?.innerText"


@dataclass(frozen=True)
class Tab:
    """One participant's page, in any browser."""

    page: Page

    @classmethod
    def joining(cls, page: Page, url: str, room: str, name: str, *, direct: bool = False) -> Self:
        """Opens the link that joins at once with the default devices."""
        page.goto(f"{url}/{room}?name={name}&join{'&direct' if direct else ''}")
        return cls(page)

    def call(self) -> Any:
        """The call as plain data."""
        return self.page.evaluate("window.visavis.call()")

    def received(self, name: str, source: str = "camera") -> Any:
        """The `inbound-rtp` statistics of what comes from somebody; None before it comes."""
        return self.page.evaluate(RECEIVED, [name, source])

    def sees(self, name: str) -> None:
        """Waits until somebody's picture is there, moves, and is decoded anew."""
        first = self.page.wait_for_function(PIXELS, arg=name).json_value()
        self.page.wait_for_function(
            f"([name, first]) => {{ const now = ({PIXELS})(name); return now !== null && now !== first; }}",
            arg=[name, first],
        )
        self._grows(name, "camera", "framesDecoded", 1)

    def hears(self, name: str) -> None:
        """Waits until more sound than silence has come from somebody."""
        self._grows(name, "microphone", "totalAudioEnergy", 1e-4)

    def shows(self, name: str, source: str = "camera", **data: str) -> None:
        """Waits for a tile with these data attributes; one's own is that of "Ada (you)"."""
        self.page.wait_for_function(TILE, arg=[name, source, data])

    def shows_no(self, name: str, source: str = "camera") -> None:
        """Waits until there is no such tile."""
        self.page.wait_for_function(TILE, arg=[name, source, None])

    def is_told(self, code: str) -> str:
        """Waits for a notice above the page, by its code; returns its text."""
        told: str = self.page.wait_for_function(NOTICE, arg=code).json_value()
        return told

    def is_told_no_longer(self, code: str) -> None:
        """Waits until a notice is gone."""
        self.page.wait_for_function(f"(code) => ({NOTICE})(code) === undefined", arg=code)

    def press(self, key: str) -> None:
        """Uses a shortcut."""
        self.page.keyboard.press(key)

    def says(self, text: str) -> None:
        """Writes into the chat by the keyboard alone, and closes it."""
        self.press("c")
        self.page.keyboard.type(text)
        self.press("Enter")
        self.press("Escape")

    def leaves(self) -> None:
        """Leaves by the button."""
        self.page.get_by_role("button", name="Leave", exact=True).click()
        self.page.wait_for_function("() => document.querySelector('h1')?.innerText === 'You left the call'")

    def comes_back(self) -> None:
        """Joins again after having left, through the lobby."""
        self.page.get_by_role("button", name="Join again", exact=True).click()
        self.page.get_by_role("button", name="Join", exact=True).click()

    def is_somebody_else_than(self, before: str) -> None:
        """Waits until the tab is in the room as a new participant."""
        self.page.wait_for_function(
            "(before) => ![before, ''].includes(window.visavis.call().you)", arg=before
        )

    def _grows(self, name: str, source: str, counter: str, least: float) -> None:
        count = f"async ([name, source, counter]) => (await ({RECEIVED})([name, source]))?.[counter] ?? 0"
        before = self.page.evaluate(count, [name, source, counter])
        until(
            self.page,
            f"async ([wanted, enough]) => (await ({count})(wanted)) >= enough",
            [[name, source, counter], before + least],
        )


@dataclass(frozen=True)
class ChromiumTab(Tab):
    """One participant's page in Chromium, with all that Playwright offers."""

    page: PlaywrightPage

    def tile(self, name: str, source: str = "camera") -> Locator:
        """The tile of a participant; one's own is that of "Ada (you)"."""
        return self.page.locator(f'.tile[data-source="{source}"][aria-label^="{name},"]')

    def notices(self, code: str) -> Locator:
        """A notice above the page, by its code."""
        return self.page.locator(f'[data-notice="{code}"]')
