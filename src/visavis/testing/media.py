"""A media plane without a data plane, for servers under test."""

from collections.abc import Sequence

from visavis.server.media import Address, MediaPlan
from visavis.testing.rooms import RecordingRouter


class RecordingMedia:
    """A `visavis.server.Media`; the class itself is a `visavis.server.OpenMedia`."""

    def __init__(self, plan: MediaPlan) -> None:
        self.plan = plan
        self.routers: list[RecordingRouter] = []
        self.closed = False
        self.is_whole = True
        self.transport_count = 0

    @property
    def local_addresses(self) -> Sequence[Address]:
        """What was asked for."""
        return self.plan.addresses

    def new_router(self) -> RecordingRouter:
        """A router that remembers."""
        self.routers.append(RecordingRouter())
        return self.routers[-1]

    def counters(self) -> dict[str, int]:
        """One counter, to be seen."""
        return {"datagrams_received": 0}

    def close(self) -> None:
        """Remembers it."""
        self.closed = True
