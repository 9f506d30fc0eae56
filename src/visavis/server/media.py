"""What a server needs of its media, and how it is opened."""

from collections.abc import Callable, Sequence
from typing import Protocol

from visavis.room import Code, RefusedError
from visavis.room.media import Router

Address = tuple[str, int]


class Media(Protocol):
    """The open media plane of a server."""

    @property
    def local_addresses(self) -> Sequence[Address]:
        """Where it listens (UDP), with real ports."""
        ...

    def new_router(self) -> Router:
        """The media of one more room."""
        ...

    def close(self) -> None:
        """Ends everything; may take a moment, in bounded time."""


OpenMedia = Callable[[Sequence[Address], int, Sequence[str]], Media]
"""Called with the addresses to bind, the number of threads and the external addresses to announce. Raises
OSError.
"""


class DirectRoomsOnly:
    """No media at all: rooms that go through the server are refused."""

    local_addresses: Sequence[Address] = ()

    def new_router(self) -> Router:
        """Refuses."""
        message = "This server has no media plane."
        raise RefusedError(Code.INTERNAL, message, "Use a direct room.")

    def close(self) -> None:
        """Nothing to end."""


def open_media(_addresses: Sequence[Address], _threads: int, _external: Sequence[str]) -> Media:
    """Opens the media plane."""
    return DirectRoomsOnly()
