"""The receiving end of one session, sans-IO: what is expected next, and never more than was accepted."""

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

ACK_BYTES = 1 << 20
"""After so much that was written the sender is told."""


class Phase(StrEnum):
    """What is expected of the sender."""

    WAITING = "waiting"
    """An offer."""
    IDLE = "idle"
    """Nothing: it is up to us to ask for a file."""
    ASKED = "asked"
    RECEIVING = "receiving"
    CHECKING = "checking"
    """All is here; say whether it is right."""
    GIVING_UP = "giving up"
    """The sender is to say that no more of the file comes; until then what comes is dropped."""


_UNDER_WAY = (Phase.ASKED, Phase.RECEIVING, Phase.CHECKING, Phase.GIVING_UP)


@dataclass(frozen=True, slots=True)
class Offered:
    """These files can be had: in the place of those that could be had before."""

    files: tuple[FileInfo, ...]


@dataclass(frozen=True, slots=True)
class Begun:
    """What comes now belongs at `offset`."""

    file: int
    offset: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The file is whole if it has this digest; say so with `Sink.done` or `Sink.give_up`."""

    file: int
    sha256: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The sender gave up, or has heard that we did."""

    file: int
    reason: str


@dataclass(frozen=True, slots=True)
class Left:
    """The sender has nothing more."""


Event = Offered | Begun | Ended | NotSent | Left


class Sink:
    """What one end is to be given. Who drives it writes files, and sends what it returns."""

    def __init__(self) -> None:
        self._phase = Phase.WAITING
        self._files: tuple[FileInfo, ...] = ()
        self._file = 0
        self._points: tuple[int, ...] = ()
        self._received = self._acked = 0

    @property
    def phase(self) -> Phase:
        """What is expected."""
        return self._phase

    def handle_untrusted(self, message: Message) -> Event | None:
        """A message of the sender; None: nothing follows from it.

        Raises:
            RemoteProtocolError: It has no place here.
        """
        match message:
            case Offer(files):
                if self._phase not in (Phase.WAITING, Phase.IDLE):
                    if files[: len(self._files)] != self._files:
                        raise RemoteProtocolError("an offer without what is under way")
                else:
                    self._phase = Phase.IDLE
                self._files = files
                return Offered(files)
            case Begin(file, offset) if self._phase is Phase.ASKED and file == self._file:
                if offset != 0 and offset not in self._points:
                    raise RemoteProtocolError("a file begins where nobody asked for")
                self._phase = Phase.RECEIVING
                self._received = self._acked = offset
                return Begun(file, offset)
            case Begin(file) | End(file) if self._phase is Phase.GIVING_UP and file == self._file:
                return None
            case End(file, sha256) if self._phase is Phase.RECEIVING and file == self._file:
                if self._received != self._files[file].size:
                    raise RemoteProtocolError("a file ends before its size")
                self._phase = Phase.CHECKING
                return Ended(file, sha256)
            case Failed(file, reason) if file == self._file and self._phase in _UNDER_WAY:
                self._phase = Phase.IDLE
                return NotSent(file, reason)
            case Bye():
                return Left()
            case _:
                raise RemoteProtocolError(f"{type(message).__name__} has no place while {self._phase}")

    def handle_data_untrusted(self, size_bytes: int) -> bool:
        """So many bytes came; whether they are to be written.

        Raises:
            RemoteProtocolError: They are more than the file has, or nobody asked for them.
        """
        if self._phase is Phase.GIVING_UP:
            return False
        if self._phase is not Phase.RECEIVING:
            raise RemoteProtocolError("bytes of a file that nobody asked for")
        self._received += size_bytes
        if self._received > self._files[self._file].size:
            raise RemoteProtocolError("more bytes than the file was said to have")
        return True

    def get(self, file: int, points: tuple[ResumePoint, ...] = ()) -> Get:
        """Asks for a file, of which there is so much already."""
        assert self._phase is Phase.IDLE
        assert file < len(self._files)
        self._phase, self._file = Phase.ASKED, file
        self._points = tuple(point.offset for point in points)
        return Get(file, points)

    def written(self, received: int) -> Ack | None:
        """The file is written up to there; what to tell the sender, if anything."""
        is_last = received == self._files[self._file].size
        if self._phase not in (Phase.RECEIVING, Phase.CHECKING) or received == self._acked:
            return None
        if received - self._acked < ACK_BYTES and not is_last:
            return None
        self._acked = received
        return Ack(self._file, received)

    def done(self) -> Done:
        """The digest was right."""
        assert self._phase is Phase.CHECKING
        self._phase = Phase.IDLE
        return Done(self._file)

    def give_up(self, reason: str) -> Failed:
        """No more of the file is wanted."""
        assert self._phase in _UNDER_WAY
        self._phase = Phase.GIVING_UP
        return Failed(self._file, reason[:MAX_REASON])
