"""One room: who is in it, and who is told what."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from visavis.clock import Clock, TimerHandle
from visavis.errors import IncompatibleError, RemoteProtocolError, SdpError
from visavis.room.events import (
    Candidate,
    ChatSaid,
    Event,
    Joined,
    LeaveReason,
    Mode,
    ParticipantJoined,
    ParticipantLeft,
    PublishAnswer,
    RelayedCandidate,
    RelayedDescription,
    SpeakersChanged,
    TracksChanged,
)
from visavis.room.media import Peer, Router
from visavis.room.participant import Dismissal, Outlet, Participant
from visavis.room.refused import Code, RefusedError
from visavis.sfu import MAX_TRACKS, Tile, TrackInfo, TrackSource

GRACE_S = 15.0
MAX_CANDIDATES = 64
DIRECT_PARTICIPANTS = 2


@dataclass(frozen=True, slots=True)
class RoomServices:
    """What a room is given to live: its time, its limit and whom to tell of its end."""

    clock: Clock
    wall_time: Callable[[], float]
    max_participants: int
    forget: Callable[["Room", Participant], None]


class Room:
    """Participants by id, in the order in which they came.

    The participant that detaches is kept for `GRACE_S` seconds; the last one that ends closes the router.
    """

    def __init__(self, name: str, mode: Mode, router: Router | None, services: RoomServices) -> None:
        self.name = name
        self.mode = mode
        self._router = router
        self._services = services
        self._participants: dict[str, Participant] = {}
        self._grace: dict[str, TimerHandle] = {}
        self._speakers: tuple[str, ...] = ()
        if router is not None:
            router.on_speakers = self._speakers_changed

    @property
    def participants(self) -> Sequence[Participant]:
        """Everybody, those included who are kept without a socket."""
        return tuple(self._participants.values())

    @property
    def limit(self) -> int:
        """How many may be in the room."""
        most = self._services.max_participants
        return min(most, DIRECT_PARTICIPANTS) if self.mode is Mode.DIRECT else most

    def join(self, participant_id: str, name: str, token: str, outlet: Outlet) -> Participant:
        """Lets somebody in: `outlet` is told `Joined` first, then the others hear of it.

        Raises:
            RefusedError: the room is full.
        """
        if len(self._participants) >= self.limit:
            hint = "Wait until somebody leaves, or use another room."
            raise RefusedError(Code.ROOM_FULL, f"This room is full: {self.limit} may be in it.", hint)
        other = self._other(None) if self.mode is Mode.DIRECT else None
        polite = other is not None and not other.polite
        participant = Participant(self, participant_id, name, token, polite)
        participant.attach(outlet)
        self._greet(participant, resumed=False)
        if self._router is not None:
            participant.peer = self._router.add_peer(participant_id, participant)
        self._participants[participant_id] = participant
        self.tell_others(participant, ParticipantJoined(participant.info()))
        if self._speakers:
            participant.tell(SpeakersChanged(self._speakers))
        return participant

    def resume(self, participant: Participant, outlet: Outlet) -> None:
        """Gives a participant another socket; nobody else hears of it."""
        timer = self._grace.pop(participant.id, None)
        if timer is not None:
            timer.cancel()
        participant.attach(outlet)
        self._greet(participant, resumed=True)
        participant.tell_backlog()
        if participant.peer is not None:
            participant.peer.resume()
        participant.tell(SpeakersChanged(self._speakers))

    def detach(self, participant: Participant) -> None:
        """The participant's socket broke; it is lost unless it resumes in time."""
        participant.detach()
        clock = self._services.clock
        self._grace[participant.id] = clock.call_later(
            GRACE_S, lambda: self.leave(participant, LeaveReason.LOST)
        )

    def leave(self, participant: Participant, reason: LeaveReason, why: Dismissal | None = None) -> None:
        """Ends a participant: its peer, then the others are told; with the last one the room ends."""
        if self._participants.pop(participant.id, None) is None:
            return
        timer = self._grace.pop(participant.id, None)
        if timer is not None:
            timer.cancel()
        participant.end(why)
        self.tell_others(participant, ParticipantLeft(participant.id, reason))
        if not self._participants:
            self.close()
        self._services.forget(self, participant)

    def close(self) -> None:
        """Ends everything without a word; whoever closes a room with people in it has told them."""
        for timer in self._grace.values():
            timer.cancel()
        self._grace.clear()
        for participant in self.participants:
            participant.end()
        self._participants.clear()
        if self._router is not None:
            self._router.close()
            self._router = None

    def tell_others(self, participant: Participant, event: Event) -> None:
        """Tells everybody but `participant`."""
        for other in self.participants:
            if other is not participant:
                other.tell(event)

    def say(self, participant: Participant, text: str) -> None:
        """A line of chat, for everybody, its author included."""
        said = ChatSaid(participant.id, participant.name, text, self._services.wall_time())
        for each in self.participants:
            each.tell(said)

    def publish(self, participant: Participant, sdp: str) -> None:
        """Answers the participant's offer."""
        peer = self._peer(participant)
        participant.candidates_sent = 0
        with _blaming_the_description():
            participant.tell(PublishAnswer(peer.publish(sdp)))

    def subscribe_answer(self, participant: Participant, offer_id: int, sdp: str) -> None:
        """Takes the answer to an offer of the server."""
        peer = self._peer(participant)
        participant.candidates_sent = 0
        with _blaming_the_description():
            peer.subscribe_answer(offer_id, sdp)

    def restart_subscribe(self, participant: Participant) -> None:
        """An ICE restart of the connection on which the server offers."""
        self._peer(participant).restart_subscribe()

    def set_view(self, participant: Participant, tiles: Sequence[Tile]) -> None:
        """What is on the participant's page; means nothing in a direct room."""
        if participant.peer is not None:
            participant.peer.set_view(list(tiles))

    def set_tracks(self, participant: Participant, tracks: Sequence[TrackSource]) -> None:
        """What the participant publishes, all of it."""
        if len(tracks) > MAX_TRACKS:
            message = f"You announced {len(tracks)} tracks; {MAX_TRACKS} are the most."
            raise RefusedError(Code.TOO_MANY_TRACKS, message, "Stop one of them first.")
        if participant.peer is not None:
            participant.peer.set_tracks(list(tracks))
            return
        participant.tracks = tuple(
            TrackInfo(track.mid, track.source, track.source.kind, track.muted) for track in tracks
        )
        self.tell_others(participant, TracksChanged(participant.id, participant.tracks))

    def relay_description(self, participant: Participant, kind: str, sdp: str) -> None:
        """Passes an offer or an answer on, unread."""
        self._require(Mode.DIRECT)
        participant.candidates_sent = 0
        other = self._other(participant)
        if other is None:
            hint = "Offer when a participant message says that somebody came."
            raise RefusedError(Code.WRONG_STATE, "Nobody else is in this room.", hint)
        other.tell(RelayedDescription(kind, sdp, participant.id))

    def relay_candidate(self, participant: Participant, candidate: Candidate | None) -> None:
        """Passes a candidate on, unread; with nobody there it is dropped, as its offer was."""
        self._require(Mode.DIRECT)
        self._count_candidate(participant)
        other = self._other(participant)
        if other is not None:
            other.tell(RelayedCandidate(candidate, participant.id))

    def ignore_candidate(self, participant: Participant) -> None:
        """A candidate for the server: counted, not needed by a lite agent (RFC 8445 section 2.5)."""
        self._require(Mode.SFU)
        self._count_candidate(participant)

    def _greet(self, participant: Participant, resumed: bool) -> None:
        others = tuple(other.info() for other in self.participants if other is not participant)
        participant.tell(
            Joined(
                you=participant.id,
                room=self.name,
                mode=self.mode,
                resume=participant.token,
                resumed=resumed,
                participants=others,
                polite=participant.polite,
                max_participants=self.limit,
            )
        )

    def _peer(self, participant: Participant) -> Peer:
        self._require(Mode.SFU)
        if participant.peer is None:
            raise RefusedError(Code.WRONG_STATE, "You have left this room.", "Join again.")
        return participant.peer

    def _other(self, participant: Participant | None) -> Participant | None:
        return next((other for other in self.participants if other is not participant), None)

    def _require(self, mode: Mode) -> None:
        if self.mode is mode:
            return
        if self.mode is Mode.DIRECT:
            message = "This is a direct room; the server has no connection in it."
            raise RefusedError(Code.WRONG_STATE, message, 'Use "pc": "direct".')
        message = "This room goes through the server; nothing is relayed in it."
        raise RefusedError(Code.WRONG_STATE, message, 'Use "pc": "publish" or "subscribe".')

    def _count_candidate(self, participant: Participant) -> None:
        participant.candidates_sent += 1
        if participant.candidates_sent > MAX_CANDIDATES:
            message = f"More than {MAX_CANDIDATES} candidates since your last description."
            raise RefusedError(
                Code.BAD_CANDIDATE, message, "Those before were taken; there is nothing to do."
            )

    def _speakers_changed(self, participants: list[str]) -> None:
        self._speakers = tuple(participants)
        for each in self.participants:
            each.tell(SpeakersChanged(self._speakers))


@contextmanager
def _blaming_the_description() -> Generator[None]:
    """Turns what a description did wrong into a refusal that its author understands."""
    try:
        yield
    except SdpError as error:
        hint = "Send a description as the browser made it."
        raise RefusedError(Code.BAD_SDP, f"The description cannot be used: {error}", hint) from error
    except RemoteProtocolError as error:
        hint = "Answer each offer once, with its id."
        raise RefusedError(Code.WRONG_STATE, str(error), hint) from error
    except IncompatibleError as error:
        hint = "Use a browser with Opus, and VP8, VP9, H264 or AV1."
        raise RefusedError(Code.NO_COMMON_CODEC, str(error), hint) from error
