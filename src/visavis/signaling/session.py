"""The conversation with one client, without its socket: what arrives, what is said, when it ends."""

import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, assert_never

from visavis.clock import Clock
from visavis.room import Code, Dismissal, Event, Membership, RefusedError, Rooms
from visavis.room.events import LeaveReason
from visavis.signaling.encode import Closing, Failure, Json, Pong, encode
from visavis.signaling.messages import (
    Answer,
    Chat,
    Ice,
    Join,
    Leave,
    Message,
    Offer,
    Ping,
    Restart,
    Tracks,
    View,
)
from visavis.signaling.parse import MalformedError, parse_untrusted

_log = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 10.0
MAX_MALFORMED = 3


class CloseCode:
    """WebSocket close codes (RFC 6455 section 7.4; from 4000 on this protocol's own)."""

    LEFT = 1000
    GOING_DOWN = 1001
    INTERNAL = 1011
    MALFORMED = 4000
    NO_JOIN = 4001
    FLOODING = 4008
    REPLACED = 4009
    ROOM_FULL = 4010
    TOO_MANY_CONNECTIONS = 4011


class State(StrEnum):
    """Where a conversation stands."""

    AWAITING_JOIN = "awaiting-join"
    JOINED = "joined"
    CLOSED = "closed"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.AWAITING_JOIN: frozenset({State.JOINED, State.CLOSED}),
    State.JOINED: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}

_DISMISSALS = {
    Dismissal.REPLACED: (CloseCode.REPLACED, "the same participant resumed on another socket"),
    Dismissal.LOST: (CloseCode.REPLACED, "the participant joined anew"),
}


_CLOSING_REFUSALS = {
    Code.ROOM_FULL: (CloseCode.ROOM_FULL, "room full"),
    Code.TOO_MANY_CONNECTIONS: (CloseCode.TOO_MANY_CONNECTIONS, "too many joins from this network"),
}
"""After these the client does better to come back later."""


class Wire(Protocol):
    """The socket under a session. Neither call blocks or raises; after `close` nothing more is sent."""

    def send(self, text: str) -> None:
        """Queues a text frame."""

    def close(self, code: int, reason: str) -> None:
        """Closes once what is queued is sent."""


class Session:
    """Implements `visavis.room.Outlet`. Whoever owns the socket calls the `handle_` methods.

    Args:
        rooms: where a join leads.
        clock: times the join.
        wire: the socket.
        ice_servers: what each `joined` says of STUN and TURN.
        may_join: counts a join, and says whether it is within its network's limit.
    """

    def __init__(
        self,
        rooms: Rooms,
        clock: Clock,
        wire: Wire,
        ice_servers: Callable[[], tuple[Json, ...]] = tuple,
        *,
        may_join: Callable[[], bool] = lambda: True,
    ) -> None:
        self._rooms = rooms
        self._may_join = may_join
        self._wire = wire
        self._ice_servers = ice_servers
        self._state = State.AWAITING_JOIN
        self._membership: Membership | None = None
        self._malformed = 0
        self._join_timer = clock.call_later(JOIN_TIMEOUT_S, self._join_timed_out)

    @property
    def state(self) -> State:
        """Where the conversation stands now."""
        return self._state

    def tell(self, event: Event) -> None:
        """Says what the room says."""
        if self._state is not State.CLOSED:
            self._wire.send(encode(event, self._ice_servers()))

    def dismiss(self, why: Dismissal) -> None:
        """The room lets go of this socket."""
        self._membership = None
        self._close(*_DISMISSALS[why])

    def handle_text_untrusted(self, text: str) -> None:
        """Takes one text frame; whatever is wrong with it is told to its sender and changes nothing else."""
        if self._state is State.CLOSED:
            return
        about: str | None = None
        try:
            message = parse_untrusted(text)
            about = type(message).__name__.lower()
            self._handle(message)
        except MalformedError as error:
            self._malformed += 1
            fatal = self._malformed >= MAX_MALFORMED
            self._fail(error, fatal, error.about)
            if fatal:
                self._expel()
                self._close(CloseCode.MALFORMED, "three malformed messages")
        except RefusedError as error:
            closing = _CLOSING_REFUSALS.get(error.code)
            self._fail(error, closing is not None, error.about or about)
            if closing is not None:
                self._close(*closing)
        except Exception:
            self.handle_internal_error(about)

    def handle_not_text(self) -> None:
        """Takes a frame that is not text, which is malformed."""
        self.handle_text_untrusted("")

    def handle_flooding(self) -> None:
        """The sender was slowed down and still sends too much."""
        hint = "Send at most 20 messages and 128 KiB a second."
        self._fail(RefusedError(Code.RATE_LIMITED, "You send too much.", hint), True, None)
        self._expel()
        self._close(CloseCode.FLOODING, "flooding")

    def handle_internal_error(self, about: str | None = None) -> None:
        """To be called where an exception was caught that nobody expected: it is written down with its
        traceback, and the client is told.
        """
        _log.exception("a client could not be served", extra={"event": "internal-error", **self._fields()})
        apology = RefusedError(Code.INTERNAL, "The server made a mistake.", "Reload the page to join again.")
        self._fail(apology, True, about)
        self._close(CloseCode.INTERNAL, "internal error")

    def handle_too_many(self) -> None:
        """Its network has as many sockets open as one may have."""
        self._fail(_too_many("WebSockets open from your network."), True, None)
        self._close(CloseCode.TOO_MANY_CONNECTIONS, "too many sockets from this network")

    def handle_shutdown(self, retry_after_s: float) -> None:
        """The server is going down."""
        if self._state is not State.CLOSED:
            self._wire.send(encode(Closing("shutdown", retry_after_s)))
            self._close(CloseCode.GOING_DOWN, "the server is going down")

    def handle_disconnect(self) -> None:
        """The socket is gone; a participant on it is kept for a while."""
        self._close(CloseCode.LEFT, "")

    def handle_going_away(self) -> None:
        """The browser left the page, which it says by 1001 (RFC 6455 section 7.4.1): the participant leaves.

        Firefox closes the WebSocket of a page that is reloaded before the page can say `leave`.
        """
        self._leave()

    def handle_crowding(self) -> None:
        """Others want in and this one has not joined yet."""
        self._not_joined("Too many connections wait to join.")

    def _handle(self, message: Message) -> None:
        if isinstance(message, Join):
            self._join(message)
            return
        if isinstance(message, Ping):
            self._wire.send(encode(Pong(message.t)))
            return
        if self._membership is None:
            if isinstance(message, Leave):
                self._close(CloseCode.LEFT, "left")
                return
            raise RefusedError(Code.NOT_JOINED, "You are in no room yet.", "Send a join first.")
        self._handle_joined(self._membership, message)

    def _handle_joined(
        self, membership: Membership, message: Offer | Answer | Ice | Tracks | Restart | View | Chat | Leave
    ) -> None:
        room, participant = membership
        match message:
            case Offer("publish", sdp):
                room.publish(participant, sdp)
            case Offer(_, sdp):
                room.relay_description(participant, "offer", sdp)
            case Answer("subscribe", sdp, offer_id):
                room.subscribe_answer(participant, offer_id, sdp)
            case Answer(_, sdp, _):
                room.relay_description(participant, "answer", sdp)
            case Ice("direct", candidate):
                room.relay_candidate(participant, candidate)
            case Ice():
                room.ignore_candidate(participant)
            case Tracks(tracks):
                room.set_tracks(participant, tracks)
            case Restart():
                room.restart_subscribe(participant)
            case View(tiles):
                room.set_view(participant, tiles)
            case Chat(text):
                room.say(participant, text)
            case Leave():
                self._leave()
            case _:
                assert_never(message)

    def _join(self, message: Join) -> None:
        if self._state is not State.AWAITING_JOIN:
            hint = "Open another WebSocket to be in two rooms."
            raise RefusedError(Code.ALREADY_JOINED, "You are in a room already.", hint)
        if not self._may_join():
            raise _too_many("joins from your network in the last minute.")
        self._membership = self._rooms.join(message.room, message.name, message.mode, message.resume, self)
        self._join_timer.cancel()
        self._move(State.JOINED)

    def _join_timed_out(self) -> None:
        self._not_joined("No join came within 10 seconds.")

    def _not_joined(self, message: str) -> None:
        if self._state is State.AWAITING_JOIN:
            hint = "Send a join as the first message."
            self._fail(RefusedError(Code.NOT_JOINED, message, hint), True, None)
            self._close(CloseCode.NO_JOIN, "no join")

    def _fail(self, error: RefusedError, fatal: bool, about: str | None) -> None:
        if self._state is not State.CLOSED:
            fields = {"event": "refused", "code": error.code, **self._fields()}
            _log.debug("refused: %s", error.message, extra=fields)
            self._wire.send(encode(Failure(error.code, error.message, error.hint, fatal, about)))

    def _leave(self) -> None:
        if (membership := self._let_go()) is not None:
            membership.room.leave(membership.participant, LeaveReason.LEFT)
        self._close(CloseCode.LEFT, "left")

    def _expel(self) -> None:
        """Ends the participant, so that another socket cannot go on where this one was stopped."""
        if (membership := self._let_go()) is not None:
            membership.room.leave(membership.participant, LeaveReason.REMOVED)

    def _close(self, code: int, reason: str) -> None:
        if self._state is State.CLOSED:
            return
        self._move(State.CLOSED)
        self._join_timer.cancel()
        self._wire.close(code, reason)
        if (membership := self._let_go()) is not None:
            membership.room.detach(membership.participant)

    def _let_go(self) -> Membership | None:
        """The membership that this session had, unless another socket has taken it over."""
        membership, self._membership = self._membership, None
        return membership if membership is not None and membership.participant.is_on(self) else None

    def _move(self, state: State) -> None:
        assert state in TRANSITIONS[self._state], f"{self._state} to {state}"
        _log.debug("session %s", state, extra={"event": f"session-{state}", **self._fields()})
        self._state = state

    def _fields(self) -> dict[str, str]:
        if self._membership is None:
            return {}
        room, participant = self._membership
        return {"room": room.name, "participant": participant.id}


def _too_many(of_what: str) -> RefusedError:
    hint = "Wait a minute; whoever runs the server can raise --max-per-address."
    return RefusedError(Code.TOO_MANY_CONNECTIONS, f"There are too many {of_what}", hint)
