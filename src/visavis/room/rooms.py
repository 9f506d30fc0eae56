"""All rooms of a server."""

import base64
import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from visavis.clock import Clock
from visavis.room.events import LeaveReason, Mode
from visavis.room.media import RouterFactory
from visavis.room.names import is_participant_name, is_room_name
from visavis.room.participant import Dismissal, Outlet, Participant
from visavis.room.refused import Code, RefusedError
from visavis.room.room import Room, RoomServices

_ID_BYTES = 9
_TOKEN_BYTES = 24


class Membership(NamedTuple):
    """Who takes part in what."""

    room: Room
    participant: Participant


class Rooms:
    """Creates a room for the first who joins it and forgets it with the last who leaves.

    Args:
        clock: times the grace of participants without a socket.
        new_router: makes the media of a room that goes through the server.
        max_rooms: how many rooms may exist.
        max_participants: how many may be in one.
        wall_time: seconds since 1970, for chat.
        random_bytes: ids and resume tokens are drawn from it.
    """

    def __init__(
        self,
        clock: Clock,
        new_router: RouterFactory,
        *,
        max_rooms: int = 1000,
        max_participants: int = 100,
        wall_time: Callable[[], float] = time.time,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._new_router = new_router
        self._max_rooms = max_rooms
        self._random_bytes = random_bytes
        self._services = RoomServices(clock, wall_time, max_participants, self._forget)
        self._rooms: dict[str, Room] = {}
        self._by_token: dict[str, Membership] = {}

    @property
    def rooms(self) -> Sequence[Room]:
        """The rooms that exist."""
        return tuple(self._rooms.values())

    @property
    def participant_count(self) -> int:
        """How many participants there are in all rooms."""
        return len(self._by_token)

    def join(self, room_name: str, name: str, mode: Mode, resume: str | None, outlet: Outlet) -> Membership:
        """Lets somebody in, or back in; `outlet` is told `Joined` before this returns.

        Raises:
            RefusedError: a name does not fit, the room is full, or there are too many rooms.
        """
        if not is_room_name(room_name):
            hint = "Use 1 to 64 of a-z A-Z 0-9 _ and -; healthz, signal and static are taken by the server."
            raise RefusedError(Code.BAD_ROOM, "A room cannot have this name.", hint)
        returning = self._by_token.get(resume) if resume else None
        if returning is not None and returning.room.name == room_name and returning.participant.can_resume:
            returning.room.resume(returning.participant, outlet)
            return returning
        if not is_participant_name(name):
            raise RefusedError(Code.BAD_NAME, "This name cannot be used.", "Use 1 to 64 visible characters.")
        if returning is not None:
            returning.room.leave(returning.participant, LeaveReason.LOST, Dismissal.LOST)
        room = self._rooms.get(room_name) or self._create(room_name, mode)
        try:
            participant = room.join(
                self._random_text(_ID_BYTES), name, self._random_text(_TOKEN_BYTES), outlet
            )
        except BaseException:
            if not room.participants:
                del self._rooms[room_name]
                room.close()
            raise
        membership = self._by_token[participant.token] = Membership(room, participant)
        return membership

    def close(self) -> None:
        """Ends all rooms without a word; signaling has told the participants."""
        rooms, self._rooms = self._rooms, {}
        self._by_token.clear()
        for room in rooms.values():
            room.close()

    def _create(self, name: str, mode: Mode) -> Room:
        if len(self._rooms) >= self._max_rooms:
            message = f"This server has {self._max_rooms} rooms, and no place for another."
            raise RefusedError(Code.TOO_MANY_ROOMS, message, "Try again later, or join a room that exists.")
        room = Room(name, mode, self._new_router() if mode is Mode.SFU else None, self._services)
        self._rooms[name] = room
        return room

    def _forget(self, room: Room, participant: Participant) -> None:
        self._by_token.pop(participant.token, None)
        if not room.participants and self._rooms.get(room.name) is room:
            del self._rooms[room.name]

    def _random_text(self, size_bytes: int) -> str:
        return base64.urlsafe_b64encode(self._random_bytes(size_bytes)).decode("ascii").rstrip("=")
