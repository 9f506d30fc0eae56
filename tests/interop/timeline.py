"""What happens in a page that joins, and when: a script that listens from before the page's own begins."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Self

from tests.interop.pages import Page

_LISTEN = """(() => {
  const events = (globalThis.timeline = []);
  const say = (what) => events.push([performance.now(), what]);
  const named = ({ type, pc }) => (pc ? `${type} ${pc}` : type);
  globalThis.WebSocket = class extends WebSocket {
    constructor(...rest) {
      super(...rest);
      say('socket');
      this.addEventListener('message', ({ data }) => say(`received ${named(JSON.parse(data))}`));
    }
    send(data) {
      say(`sent ${named(JSON.parse(data))}`);
      super.send(data);
    }
  };
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    if (this.remoteDescription === null) {
      const name = description.type === 'offer' ? 'subscribe' : 'publish';
      this.addEventListener('iceconnectionstatechange', () => say(`${name} ice ${this.iceConnectionState}`));
      this.addEventListener('connectionstatechange', () => say(`${name} ${this.connectionState}`));
    }
    return set.call(this, description);
  };
  const loaded = ({ target }) => {
    const label = target.closest('.tile')?.ariaLabel ?? '';
    if (label.includes(',')) say(`picture of ${label.split(',')[0]}`);
  };
  document.addEventListener('loadeddata', loaded, true);
})();"""

_WAIT = "(events) => events.every((event) => timeline.some(([, what]) => what === event))"

Step = tuple[str, str]

STEPS: tuple[Step, ...] = (
    ("page", "socket"),
    ("join", "received joined"),
    ("offer", "received offer subscribe"),
    ("answer", "sent answer subscribe"),
    ("ICE", "subscribe ice connected"),
    ("DTLS", "subscribe connected"),
)
"""What a page that joins goes through before it has a picture, each with the event at which it is done."""


@dataclass(frozen=True)
class Timeline:
    """Milliseconds from the beginning of the navigation to the first event of each kind."""

    first_ms: dict[str, float]

    @classmethod
    def of_joining(cls, page: Page, url: str, others: tuple[str, ...]) -> Self:
        """Opens a link that joins, and waits for all steps and the first picture of each of the others."""
        page.add_init_script(_LISTEN)
        page.goto(url)
        awaited = [*(event for _, event in STEPS), *(f"picture of {name}" for name in others)]
        page.wait_for_function(_WAIT, arg=awaited)
        events: list[list[Any]] = page.evaluate("timeline")
        first_ms: dict[str, float] = {}
        for at_ms, what in events:
            first_ms.setdefault(what, at_ms)
        return cls(first_ms)

    def picture_ms(self, others: tuple[str, ...]) -> float:
        """When all the others had a picture."""
        return max(self.first_ms[f"picture of {name}"] for name in others)

    def steps_ms(self, others: tuple[str, ...]) -> dict[str, float]:
        """How long each step took; `picture` is from the connection to the last of the first pictures.

        A busy browser may say that it is connected when it shows pictures already.
        """
        events_ms = [*(self.first_ms[event] for _, event in STEPS), self.picture_ms(others)]
        ends_ms = list(accumulate(events_ms, max))
        names = [*(name for name, _ in STEPS), "picture"]
        return {name: end - start for name, start, end in zip(names, [0.0, *ends_ms], ends_ms, strict=False)}
