"""Where a subscribing connection stands, and what it asks of its owner."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from visavis.dataplane.commands import Rung
from visavis.sfu.ladder import Seat
from visavis.sfu.model import StreamInfo
from visavis.sfu.selection import Selection


class Phase(StrEnum):
    """Where the exchange of offers and answers stands."""

    IDLE = "idle"
    OFFERING = "offering"
    LOST = "lost"
    CLOSED = "closed"


TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.IDLE: frozenset({Phase.OFFERING, Phase.LOST, Phase.CLOSED}),
    Phase.OFFERING: frozenset({Phase.IDLE, Phase.LOST, Phase.CLOSED}),
    Phase.LOST: frozenset({Phase.IDLE, Phase.CLOSED}),
    Phase.CLOSED: frozenset(),
}
"""LOST: the client closed the transport; its request for a restart begins a new one, without m-lines."""


class SubscriberEvents(Protocol):
    """What the owner of a `Subscriber` hears, and is asked."""

    def subscribe_offer(self, offer_id: int, sdp: str, streams: list[StreamInfo]) -> None:
        """An offer for the client."""

    def streams_changed(self, streams: list[StreamInfo]) -> None:
        """What the m-lines carry, changed without an offer."""

    def subscribe_failed(self, reason: str) -> None:
        """The transport is lost until the client asks for a restart."""

    def selection(self, audio_limit: int, video_limit: int) -> Selection:
        """What this subscriber shall get."""
        ...

    def ladder(self, seats: Sequence[Seat]) -> tuple[Rung, ...]:
        """In which order it shall lose it."""
        ...
