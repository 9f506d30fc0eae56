"""A file that is offered: read once from where the receiver stands, with a digest over the whole."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from visavis.errors import ConfigError, LocalProtocolError
from visavis.transfer.messages import FileInfo, ResumePoint

BLOCK_BYTES = 4 << 20


class SourceChangedError(LocalProtocolError):
    """The file is not what it was when it was offered."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was found. `state` tells it from a later one: device, inode, size, time of change."""

    path: Path
    info: FileInfo
    state: tuple[int, int, int, int]

    @classmethod
    def find(cls, path: Path) -> Self:
        """Looks at a file.

        Raises:
            ConfigError: It is none, or cannot be read.
        """
        try:
            with path.open("rb") as opened:
                found = os.fstat(opened.fileno())
        except IsADirectoryError:
            raise ConfigError(
                f"{path} is a directory; pack it first: tar czf {path.name}.tgz {path}"
            ) from None
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is no file but a device or pipe; store it in a file first")
        return cls(path, FileInfo(path.name, found.st_size), _state(found))


class SourceReader:
    """Reads one file for one receiver. All of it blocks: it is for a thread."""

    def __init__(self, file: SourceFile) -> None:
        """Opens it.

        Raises:
            OSError: It cannot be opened.
            SourceChangedError: It is another one by now.
        """
        self._file = file
        self._opened: BinaryIO = file.path.open("rb", buffering=0)
        self._hash = hashlib.sha256()
        self._offset = 0
        try:
            self._check_unchanged()
        except BaseException:
            self._opened.close()
            raise

    @property
    def offset(self) -> int:
        """How much is read."""
        return self._offset

    def seek(self, points: Iterable[ResumePoint], is_wanted: Callable[[], bool] = lambda: True) -> int:
        """Goes to the furthest point whose digest is that of the file up to there; in one reading.

        Args:
            points: what the receiver has.
            is_wanted: asked now and then; when it is no more the reading ends.

        Returns:
            The offset, 0 when no point is right.
        """
        right, right_hash = 0, hashlib.sha256()
        for point in sorted(points, key=lambda one: one.offset):
            while self._offset < point.offset and is_wanted():
                self.read(min(BLOCK_BYTES, point.offset - self._offset))
            if self._offset == point.offset and self._hash.hexdigest() == point.sha256:
                right, right_hash = point.offset, self._hash.copy()
        self._opened.seek(right)
        self._offset, self._hash = right, right_hash
        return right

    def read(self, most: int = BLOCK_BYTES) -> bytes:
        """The next bytes: fewer only at the end, which is where it was when the file was offered.

        Raises:
            OSError: The medium fails.
            SourceChangedError: The file has ended before.
        """
        wanted = min(most, self._file.info.size - self._offset)
        block = bytearray(wanted)
        view, filled = memoryview(block), 0
        while filled < wanted:
            count = self._opened.readinto(view[filled:])  # type: ignore[attr-defined]
            if not count:
                raise SourceChangedError(f"{self._file.path.name} became shorter while it was sent")
            filled += count
        self._hash.update(block)
        self._offset += wanted
        return bytes(block)

    def finish(self) -> str:
        """The digest of all that was read.

        Raises:
            SourceChangedError: The file was changed meanwhile, and the digest is of a mixture.
        """
        self._check_unchanged()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Closes the file."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _check_unchanged(self) -> None:
        if _state(os.fstat(self._opened.fileno())) != self._file.state:
            raise SourceChangedError(f"{self._file.path.name} was changed since it was offered")


def _state(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
