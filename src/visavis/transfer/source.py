"""The sending end of one session, sans-IO: what may be said when, and how much may be on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from visavis.errors import RemoteProtocolError
from visavis.transfer.messages import (
    MAX_REASON,
    Ack,
    Begin,
    Bye,
    Done,
    End,
    Failed,
    FileInfo,
    Get,
    Message,
    Offer,
    ResumePoint,
)

WINDOW_BYTES = 16 << 20
"""So much may be sent and not written by the peer yet: browsers have no other way to slow a sender."""


class Phase(StrEnum):
    """What is done about the file that was asked for last."""

    IDLE = "idle"
    CHECKING = "checking"
    SENDING = "sending"
    AWAITING = "awaiting"
    """All is sent, and the receiver checks it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Check the points against the file, then call `Source.begin`."""

    file: int
    resume: tuple[ResumePoint, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The receiver has written so many bytes of the file."""

    file: int
    received: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has the whole file, and it is right."""

    file: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The receiver does not want the rest; stop, and send what `Source.fail` returns."""

    file: int
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """The receiver wants nothing more."""


Event = Asked | Written | Delivered | GivenUp | Left


class Source:
    """What one end has to give. Who drives it reads files, and sends what it returns."""

    def __init__(self, files: Sequence[FileInfo]) -> None:
        self._files = tuple(files)
        self._phase = Phase.IDLE
        self._file = 0
        self._sent = self._acked = 0

    @property
    def phase(self) -> Phase:
        """What is done at present."""
        return self._phase

    @property
    def window(self) -> int:
        """How many bytes may be sent at once."""
        return max(0, WINDOW_BYTES - (self._sent - self._acked))

    def offer(self) -> Offer:
        """The first message."""
        return Offer(self._files)

    def handle_untrusted(self, message: Message) -> Event | None:
        """A message of the receiver; None: nothing follows from it.

        Raises:
            RemoteProtocolError: It has no place here.
        """
        match message:
            case Get(file, resume):
                return self._asked(file, resume)
            case Ack(file, received):
                return self._written(file, received)
            case Done(file):
                if self._phase is not Phase.AWAITING or file != self._file:
                    raise RemoteProtocolError("done with a file that was not sent")
                self._phase = Phase.IDLE
                return Delivered(file)
            case Failed(file, reason):
                if self._phase is Phase.IDLE or file != self._file:
                    return None  # it crossed our own
                return GivenUp(file, reason)
            case Bye():
                return Left()
            case _:
                raise RemoteProtocolError(f"{type(message).__name__} is not for a sender")

    def begin(self, offset: int) -> Begin:
        """The file is sent from `offset` on."""
        assert self._phase is Phase.CHECKING
        self._phase = Phase.SENDING
        self._sent = self._acked = offset
        return Begin(self._file, offset)

    def sent(self, size_bytes: int) -> None:
        """So much more of the file was sent."""
        assert self._phase is Phase.SENDING
        self._sent += size_bytes
        assert self._sent <= self._files[self._file].size

    def end(self, sha256: str) -> End:
        """All of it was."""
        assert self._phase is Phase.SENDING
        assert self._sent == self._files[self._file].size
        self._phase = Phase.AWAITING
        return End(self._file, sha256)

    def fail(self, reason: str) -> Failed:
        """The file is not sent, or not to its end."""
        self._phase = Phase.IDLE
        return Failed(self._file, reason[:MAX_REASON])

    def _asked(self, file: int, resume: tuple[ResumePoint, ...]) -> Asked:
        if self._phase is not Phase.IDLE:
            raise RemoteProtocolError("a file was asked for while another is under way")
        if file >= len(self._files):
            raise RemoteProtocolError("a file was asked for that is not offered")
        self._phase, self._file = Phase.CHECKING, file
        size = self._files[file].size
        return Asked(file, tuple(point for point in resume if point.offset <= size))

    def _written(self, file: int, received: int) -> Written | None:
        if file != self._file or self._phase not in (Phase.SENDING, Phase.AWAITING):
            return None  # of a file that was given up
        if not self._acked <= received <= self._sent:
            raise RemoteProtocolError("more was acknowledged than was sent, or less than before")
        self._acked = received
        return Written(file, received)
