"""One participant: present through a socket, or kept for a while without one."""

import logging
from collections import deque
from enum import StrEnum
from typing import Protocol

from visavis.room.events import (
    ChatSaid,
    Event,
    ParticipantInfo,
    RelayedCandidate,
    RelayedDescription,
    StreamsChanged,
    SubscribeOffer,
    TracksChanged,
)
from visavis.room.media import Peer
from visavis.sfu import StreamInfo, TrackInfo

_log = logging.getLogger(__name__)

BACKLOG_EVENTS = 256
BACKLOG_BYTES = 1 << 20


class Outlet(Protocol):
    """A participant's socket, as its room sees it. Neither call blocks or raises."""

    def tell(self, event: Event) -> None:
        """Queues an event for the participant."""

    def dismiss(self, why: "Dismissal") -> None:
        """Says goodbye and closes; the participant hears nothing after it and the room is not told of the
        closing.
        """


class Company(Protocol):
    """What a participant knows of its room."""

    @property
    def name(self) -> str:
        """The room's name."""
        ...

    def tell_others(self, participant: "Participant", event: Event) -> None:
        """Tells everybody but `participant`."""


class Dismissal(StrEnum):
    """Why a room lets go of a socket."""

    REPLACED = "replaced"
    LOST = "lost"


class Presence(StrEnum):
    """Where a participant stands."""

    ATTACHED = "attached"
    DETACHED = "detached"
    GONE = "gone"


TRANSITIONS: dict[Presence, frozenset[Presence]] = {
    Presence.ATTACHED: frozenset({Presence.ATTACHED, Presence.DETACHED, Presence.GONE}),
    Presence.DETACHED: frozenset({Presence.ATTACHED, Presence.GONE}),
    Presence.GONE: frozenset(),
}
"""ATTACHED to ATTACHED is a second socket that takes over."""


class Participant:
    """Implements `visavis.sfu.PeerEvents`; its room moves it between presences and owns it."""

    def __init__(self, company: Company, participant_id: str, name: str, token: str, polite: bool) -> None:
        self._company = company
        self.id = participant_id
        self.name = name
        self.token = token
        self.polite = polite
        self.peer: Peer | None = None
        self.tracks: tuple[TrackInfo, ...] = ()
        self.candidates_sent = 0
        self._presence = Presence.DETACHED
        self._outlet: Outlet | None = None
        self._backlog: deque[Event] = deque()
        self._backlog_bytes = 0
        self._backlog_overflowed = False

    @property
    def presence(self) -> Presence:
        """Where the participant stands now."""
        return self._presence

    @property
    def can_resume(self) -> bool:
        """False once it is gone, or when more was said to it in its absence than is kept."""
        return self._presence is not Presence.GONE and not self._backlog_overflowed

    def info(self) -> ParticipantInfo:
        """The participant as others see it."""
        return ParticipantInfo(self.id, self.name, self.tracks)

    def is_on(self, outlet: Outlet) -> bool:
        """Whether `outlet` is the socket in use."""
        return self._outlet is outlet

    def attach(self, outlet: Outlet) -> None:
        """Speaks through `outlet` from now on; the one before is dismissed."""
        previous, self._outlet = self._outlet, outlet
        self._move(Presence.ATTACHED)
        if previous is not None:
            previous.dismiss(Dismissal.REPLACED)

    def detach(self) -> None:
        """The socket is gone; what must not be missed is kept from now on."""
        self._outlet = None
        self._move(Presence.DETACHED)

    def end(self, why: Dismissal | None = None) -> None:
        """The end: the peer is closed, and the socket, if one is left and `why` is given, dismissed."""
        outlet, self._outlet = self._outlet, None
        self._move(Presence.GONE)
        self._backlog.clear()
        if self.peer is not None:
            self.peer.close()
        if outlet is not None and why is not None:
            outlet.dismiss(why)

    def tell(self, event: Event) -> None:
        """Sends an event now, or keeps it when it cannot be told otherwise after a resume."""
        if self._outlet is not None:
            self._outlet.tell(event)
        elif self._presence is Presence.DETACHED:
            self._keep(event)

    def tell_backlog(self) -> None:
        """Sends what was kept while there was no socket, in order."""
        waiting, self._backlog, self._backlog_bytes = self._backlog, deque(), 0
        for event in waiting:
            self.tell(event)

    def subscribe_offer(self, offer_id: int, sdp: str, streams: list[StreamInfo]) -> None:
        """The peer offers; without a socket the peer's `resume` will say it again."""
        self.tell(SubscribeOffer(sdp, offer_id, tuple(streams)))

    def streams_changed(self, streams: list[StreamInfo]) -> None:
        """What the subscriber's m-lines carry changed."""
        self.tell(StreamsChanged(tuple(streams)))

    def tracks_changed(self, tracks: list[TrackInfo]) -> None:
        """What this participant publishes changed; all others are told."""
        if self._presence is not Presence.GONE and tuple(tracks) != self.tracks:
            self.tracks = tuple(tracks)
            self._company.tell_others(self, TracksChanged(self.id, self.tracks))

    def transport_failed(self, pc: str, reason: str) -> None:
        """A connection is dead. The browser sees that by itself and restarts it; here it is only written
        down.
        """
        fields = {"event": "transport-failed", "room": self._company.name, "participant": self.id}
        _log.info("the %s connection failed: %s", pc, reason, extra=fields)

    def _keep(self, event: Event) -> None:
        size_bytes = _size_to_keep(event)
        if size_bytes == 0 or self._backlog_overflowed:
            return
        if len(self._backlog) >= BACKLOG_EVENTS or self._backlog_bytes + size_bytes > BACKLOG_BYTES:
            self._backlog.clear()
            self._backlog_overflowed = True
            return
        self._backlog.append(event)
        self._backlog_bytes += size_bytes

    def _move(self, presence: Presence) -> None:
        assert presence in TRANSITIONS[self._presence], f"{self._presence} to {presence}"
        if presence is not self._presence:
            fields = {"event": f"participant-{presence}", "room": self._company.name, "participant": self.id}
            _log.info("participant %s", presence, extra=fields)
        self._presence = presence


def _size_to_keep(event: Event) -> int:
    """What only the event says costs its text; what `joined` or the peer's `resume` repeats is free."""
    match event:
        case ChatSaid():
            return 100 + 4 * len(event.text)
        case RelayedDescription():
            return 100 + 4 * len(event.sdp)
        case RelayedCandidate():
            return 100 + 4 * (len(event.candidate.candidate) if event.candidate else 0)
        case _:
            return 0
