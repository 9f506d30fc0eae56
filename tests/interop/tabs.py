"""A tab in a call, as one looks at it: by the page's roles, labels and data attributes (docs/page.md)."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

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

ENERGY = """async (name) => {
  const call = window.visavis.call();
  const { id, tracks } = call.participants.find((participant) => participant.name === name);
  const track = tracks.find(({ source }) => source === 'microphone').id;
  const stream = call.streams.find((each) => each.participant === id && each.track === track);
  const { direct, subscribe } = window.visavis.connections();
  const report = await (direct ?? subscribe).getStats();
  const mid = direct ? track : stream?.mid;
  const audio = [...report.values()].find((stat) => stat.type === 'inbound-rtp' && stat.mid === mid);
  return audio?.totalAudioEnergy ?? 0;
}"""


@dataclass(frozen=True)
class Tab:
    """One participant's page."""

    page: Page

    @classmethod
    def joining(cls, page: Page, url: str, room: str, name: str, *, direct: bool = False) -> "Tab":
        """Opens the link that joins at once with the default devices."""
        page.goto(f"{url}/{room}?name={name}&join{'&direct' if direct else ''}")
        return cls(page)

    def call(self) -> Any:
        """The call as plain data."""
        return self.page.evaluate("window.visavis.call()")

    def tile(self, name: str, source: str = "camera") -> Locator:
        """The tile of a participant; one's own is that of "Ada (you)"."""
        return self.page.locator(f'.tile[data-source="{source}"][aria-label^="{name},"]')

    def sees(self, name: str) -> None:
        """Waits until somebody's picture is there and moves."""
        first = self.page.wait_for_function(PIXELS, arg=name).json_value()
        self.page.wait_for_function(
            f"([name, first]) => {{ const now = ({PIXELS})(name); return now !== null && now !== first; }}",
            arg=[name, first],
        )

    def hears(self, name: str) -> None:
        """Waits until more sound than silence has come from somebody."""
        before = self.page.evaluate(ENERGY, name)
        self.page.wait_for_function(
            f"async ([name, before]) => (await ({ENERGY})(name)) > before + 1e-4", arg=[name, before]
        )

    def press(self, key: str) -> None:
        """Uses a shortcut."""
        self.page.keyboard.press(key)

    def says(self, text: str) -> None:
        """Writes into the chat by the keyboard alone, and closes it."""
        self.press("c")
        self.page.keyboard.type(text)
        self.press("Enter")
        self.press("Escape")

    def notices(self, code: str) -> Locator:
        """A notice above the page, by its code."""
        return self.page.locator(f'[data-notice="{code}"]')

    def has_left(self) -> None:
        """Leaves by the button."""
        self.page.get_by_role("button", name="Leave").click()
        expect(self.page.get_by_role("heading", name="You left the call")).to_be_visible()
