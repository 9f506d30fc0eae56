"""Rooms without sockets and media: an outlet that remembers what it was told, a router that remembers its
calls.
"""

import json
from collections.abc import Callable, Sequence
from typing import cast

from visavis.errors import RemoteProtocolError, SdpError
from visavis.room import Dismissal, Event
from visavis.sfu import PeerEvents, Tile, TrackSource


class RecordingOutlet:
    """A `visavis.room.Outlet`."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.dismissed: Dismissal | None = None

    def tell(self, event: Event) -> None:
        """Remembers an event."""
        assert self.dismissed is None, "told after the goodbye"
        self.events.append(event)

    def dismiss(self, why: Dismissal) -> None:
        """Remembers the goodbye."""
        self.dismissed = why

    def take(self) -> list[Event]:
        """What was told since the last time."""
        events, self.events = self.events, []
        return events


class RecordingWire:
    """A `visavis.signaling.session.Wire`."""

    def __init__(self) -> None:
        self.sent: list[dict[str, object]] = []
        self.closed: tuple[int, str] | None = None

    def send(self, text: str) -> None:
        """Remembers a message."""
        assert self.closed is None, "sent after the close"
        self.sent.append(cast("dict[str, object]", json.loads(text)))

    def close(self, code: int, reason: str) -> None:
        """Remembers the first close."""
        self.closed = self.closed or (code, reason)

    def take(self) -> list[dict[str, object]]:
        """What was sent since the last time."""
        sent, self.sent = self.sent, []
        return sent


class RecordingPeer:
    """A `visavis.room.media.Peer`: any offer but `"bad"` is answered by `answer to ...`; tests speak by
    `events`.
    """

    def __init__(self, peer_id: str, events: PeerEvents) -> None:
        self.id = peer_id
        self.events = events
        self.calls: list[tuple[object, ...]] = []
        self.closed = False

    def publish(self, offer_sdp: str) -> str:
        """Answers."""
        if offer_sdp == "bad":
            raise SdpError("no version", 1)
        return f"answer to {offer_sdp}"

    def set_tracks(self, tracks: Sequence[TrackSource]) -> None:
        """Remembers the call."""
        self.calls.append(("set_tracks", *tracks))

    def subscribe_answer(self, offer_id: int, sdp: str) -> None:
        """Remembers the call; refuses the answer to offer 0."""
        if offer_id == 0:
            raise RemoteProtocolError("no such offer is outstanding")
        self.calls.append(("subscribe_answer", offer_id, sdp))

    def restart_subscribe(self) -> None:
        """Remembers the call."""
        self.calls.append(("restart_subscribe",))

    def resume(self) -> None:
        """Remembers the call."""
        self.calls.append(("resume",))

    def set_view(self, tiles: Sequence[Tile]) -> None:
        """Remembers the call."""
        self.calls.append(("set_view", *tiles))

    def close(self) -> None:
        """Remembers it."""
        self.closed = True


class RecordingRouter:
    """A `visavis.room.media.Router`."""

    def __init__(self) -> None:
        self.on_speakers: Callable[[list[str]], None] = _nobody_listens
        self.peers: dict[str, RecordingPeer] = {}
        self.closed = False

    def add_peer(self, peer_id: str, events: PeerEvents) -> RecordingPeer:
        """Adds a peer that remembers."""
        peer = RecordingPeer(peer_id, events)
        self.peers[peer_id] = peer
        return peer

    def close(self) -> None:
        """Remembers it."""
        self.closed = True


def _nobody_listens(_speakers: list[str]) -> None:
    """Until a room listens."""
