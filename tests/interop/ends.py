"""The two ends of a peer connection, whoever plays them, and the signaling between them.

An end sends a moving picture and a tone. All methods are synchronous, so that one test drives a browser, a
process and an event loop alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from tests.interop.channels import Channels

Media = Literal["audio", "video"]
Configuration = Mapping[str, Any]
Description = dict[str, str]
Candidate = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """The types of the candidates in use; and how a relay is reached, where the end says that."""

    local: str
    remote: str
    relay_protocol: str | None


class End(Protocol):
    """One end: an `RTCPeerConnection` and what sends and receives by it."""

    @property
    def name(self) -> str:
        """Who plays it."""
        ...

    @property
    def channels(self) -> Channels:
        """Its data channels, once it is open."""
        ...

    def open(self, configuration: Configuration) -> None:
        """Makes the connection."""

    def send(self, *kinds: Media) -> None:
        """Adds a track of each kind."""

    def stop_sending(self, kind: Media) -> None:
        """Removes the last track of a kind that was added."""

    def restart_ice(self) -> None:
        """The next offer restarts ICE."""

    def describe(self) -> Description:
        """Sets the local description that is due, and returns it."""
        ...

    def accept(self, description: Description) -> None:
        """Sets the remote description."""

    def next_candidate(self) -> Candidate | None:
        """Waits for one more local candidate; None when there are no more."""

    def add_candidate(self, candidate: Candidate) -> None:
        """Adds a candidate of the other end."""

    def connected(self) -> None:
        """Waits until the connection is up."""

    def route(self) -> Route:
        """The pair of candidates that is in use."""
        ...

    def sees(self, pictures: int = 1) -> None:
        """Waits until that many pictures come, each of which moves; exactly so many are to be received."""

    def hears(self) -> None:
        """Waits until sound has come that is no silence."""

    def close(self) -> None:
        """Ends the connection and what sends by it."""


@dataclass(frozen=True)
class Pair:
    """Both ends of one connection, and who makes the offers."""

    offerer: End
    answerer: End

    @property
    def ends(self) -> Sequence[End]:
        return self.offerer, self.answerer

    @property
    def turned(self) -> "Pair":
        """The same with the roles of signaling exchanged."""
        return Pair(self.answerer, self.offerer)

    def negotiate(self) -> None:
        """An offer and its answer."""
        self.answerer.accept(self.offerer.describe())
        self.offerer.accept(self.answerer.describe())

    def connect(self) -> None:
        """An offer, its answer and the candidates of both, one by one; returns when both are connected."""
        self.negotiate()
        self.exchange_candidates()

    def exchange_candidates(self) -> None:
        """The candidates of both, one by one; returns when both are connected."""
        for end, other in (self.ends, self.turned.ends):
            while (candidate := end.next_candidate()) is not None:
                other.add_candidate(candidate)
        for end in self.ends:
            end.connected()

    def meet(self) -> None:
        """Waits until both see and hear each other."""
        for end in self.ends:
            end.sees()
            end.hears()
