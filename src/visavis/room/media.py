"""What a room asks of its media: `visavis.sfu.Router` is a `Router`, the tests have others."""

from collections.abc import Callable, Sequence
from typing import Protocol

from visavis.sfu import PeerEvents, Tile, TrackSource


class Peer(Protocol):
    """One participant's two connections with the server."""

    def publish(self, offer_sdp: str) -> str:
        """Answers an offer. Raises SdpError or IncompatibleError, and then nothing has changed."""
        ...

    def set_tracks(self, tracks: Sequence[TrackSource]) -> None:
        """What the participant publishes, whole list."""

    def subscribe_answer(self, offer_id: int, sdp: str) -> None:
        """Takes an answer. Raises SdpError, or RemoteProtocolError when no such offer is outstanding."""

    def restart_subscribe(self) -> None:
        """Offers an ICE restart."""

    def resume(self) -> None:
        """Says again what was missed while there was no socket."""

    def set_view(self, tiles: Sequence[Tile]) -> None:
        """What is on the page, most important first."""

    def close(self) -> None:
        """Ends both connections; its events hear nothing more."""


class Router(Protocol):
    """The media of one room."""

    on_speakers: Callable[[list[str]], None]

    def add_peer(self, peer_id: str, events: PeerEvents) -> Peer:
        """Somebody joins."""
        ...

    def close(self) -> None:
        """Closes all peers."""


RouterFactory = Callable[[], Router]
