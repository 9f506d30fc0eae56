"""Rooms: who is in one, what each is told, and for how long anything lives.

Lifetimes: what ends, what ends with it, and who is told.

| ends                        | ends with it                         | is told                            |
|-----------------------------|--------------------------------------|------------------------------------|
| a socket                    | nothing: its participant is detached | nobody                             |
| the grace of a detached one | the participant (`lost`)             | the others in the room             |
| a participant               | its peer, its socket, its token      | the others, and its socket         |
| the last participant        | the room and its router              | `Rooms`, which forgets the name    |
| a room                      | its participants and timers          | nobody: `closing` was said before  |
| a peer's transport          | nothing: the browser restarts ICE    | the log                            |

Nothing here reads a clock, a socket or randomness; all calls come from one thread.
"""

from visavis.room.events import Event, Mode
from visavis.room.participant import Dismissal, Outlet, Participant
from visavis.room.refused import Code, RefusedError
from visavis.room.room import Room
from visavis.room.rooms import Membership, Rooms

__all__ = [
    "Code",
    "Dismissal",
    "Event",
    "Membership",
    "Mode",
    "Outlet",
    "Participant",
    "RefusedError",
    "Room",
    "Rooms",
]
