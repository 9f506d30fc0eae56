"""Who is told how a transfer goes."""

from pathlib import Path
from typing import Protocol

from visavis.transfer.messages import FileInfo


class Watch(Protocol):
    """Hears of one session after the other; called on the event loop, so it must be quick."""

    def met(self) -> None:
        """The other end is here, and knows the secret."""

    def lost(self) -> None:
        """It is not any more."""

    def checking(self, file: FileInfo, there_bytes: int) -> None:
        """So much of a file that is there already is compared."""

    def begun(self, file: FileInfo, offset: int) -> None:
        """The file is on its way, from `offset` on."""

    def moved(self, file: FileInfo, position: int) -> None:
        """It is stored up to there."""

    def finished(self, file: FileInfo, path: Path | None, *, was_there: bool = False) -> None:
        """It is whole, and its checksum is right; `path` is where, None where the other end has it."""

    def failed(self, file: FileInfo, reason: str) -> None:
        """It will not come."""
