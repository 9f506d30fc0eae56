"""What has come of a file so far: `NAME.part`, until it is whole and gets its name.

Nothing that exists is ever overwritten unless that is asked for: neither a file of the final name, nor a
`.part` that is not the beginning of this very file.
"""

import errno
import fcntl
import hashlib
import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from visavis.errors import VisavisError
from visavis.transfer.messages import MAX_POINTS, ResumePoint
from visavis.transfer.names import alternatives

SUFFIX = ".part"
_BLOCK_BYTES = 4 << 20
_MOST_NAMES = 10_000


class StorageError(VisavisError):
    """The file cannot be stored; the message says why and what to do. `told` is what the sender may know."""

    def __init__(self, message: str, told: str = "the receiver cannot store it") -> None:
        super().__init__(message)
        self.told = told


class ChecksumError(VisavisError):
    """What came is not what was sent."""


@dataclass(slots=True)
class _Beginning:
    """A file that may be what we want the rest of, opened and locked."""

    path: Path
    descriptor: int
    size: int
    hash: "hashlib._Hash"


class PartFile:
    """Where one file goes. All of it blocks: it is for a thread.

    In order: `look`, which finds what is there already; `begin`; `write`, again and again; `finish`.
    `close` keeps what has come for another time.
    """

    def __init__(self, directory: Path, name: str, size: int, *, force: bool = False) -> None:
        """`name` is a safe one; `force` overwrites files of its name, and beginnings of others."""
        self.is_there_already = False
        """Whether the whole file is in the directory, and nothing was missing."""
        self._directory, self._name, self._size, self._force = directory, name, size, force
        self._beginnings: list[_Beginning] = []
        self._open: _Beginning | None = None

    @property
    def written(self) -> int:
        """How much of the file is stored."""
        return self._open.size if self._open is not None else 0

    @property
    def path(self) -> Path | None:
        """Where it is stored until it is whole."""
        return self._open.path if self._open is not None else None

    def look(self, is_wanted: Callable[[], bool] = lambda: True) -> tuple[ResumePoint, ...]:
        """Reads what may be beginnings of the file, and the file itself where one of its name and size is.

        Once begun, that is what was written.

        Args:
            is_wanted: asked now and then; when it is no more the reading ends.

        Raises:
            StorageError: The directory cannot be used.
        """
        if self._open is not None:
            return (ResumePoint(self._open.size, self._open.hash.hexdigest()),) if self._open.size else ()
        self._close_beginnings()
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            whole = self._directory / self._name
            if whole.is_file() and whole.stat().st_size == self._size:
                self._take(whole, is_wanted)
            for name in itertools.islice(alternatives(self._name), MAX_POINTS - 1):
                part = self._directory / (name + SUFFIX)
                if not part.is_file():
                    break
                self._take(part, is_wanted)
        except OSError as error:
            raise self._explained(error) from None
        return tuple(ResumePoint(one.size, one.hash.hexdigest()) for one in self._beginnings if one.size)

    def begin(self, offset: int) -> None:
        """What is written now belongs at `offset`: 0, or that of a point of `look`.

        Raises:
            StorageError: There is no room for the rest, or no file can be made.
        """
        if self._open is not None and offset == self._open.size:
            return
        if self._open is not None:
            self._restart()
            return
        try:
            self._open = next((one for one in self._beginnings if one.size == offset), None)
            self._close_beginnings()
            if self._open is None:
                self._open = self._new()
        except OSError as error:
            raise self._explained(error) from None
        self.is_there_already = self._open.path.name == self._name
        self._check_room()

    def write(self, data: bytes) -> int:
        """Stores the next bytes; returns how much of the file is stored.

        Raises:
            StorageError: The disk is full, or fails.
        """
        assert self._open is not None
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._open.descriptor, rest) :]
        except OSError as error:
            stored = len(data) - len(rest)
            self._open.hash.update(data[:stored])
            self._open.size += stored
            raise self._explained(error) from None
        self._open.hash.update(data)
        self._open.size += len(data)
        return self._open.size

    def finish(self, sha256: str) -> Path:
        """Checks the digest, has the disk keep what was written, and gives the file its name.

        Returns:
            Where it is: at its name, or at the next one that is free.

        Raises:
            ChecksumError: It is not what was sent; it is removed.
            StorageError: It cannot be renamed, or the disk fails.
        """
        done = self._open
        assert done is not None
        if done.hash.hexdigest() != sha256:
            if not self.is_there_already:
                done.path.unlink(missing_ok=True)
            self.close()
            raise ChecksumError(
                f"{self._name}: the checksum is wrong: this is not what was sent. It was removed; try again"
            )
        try:
            if self.is_there_already:
                return done.path
            os.fsync(done.descriptor)
            target = self._target()
            done.path.replace(target)
        except OSError as error:
            raise self._explained(error) from None
        finally:
            self.close()
        return target

    def close(self) -> None:
        """Lets go of the file; what has come stays, an empty beginning does not."""
        self._close_beginnings()
        if self._open is not None:
            opened, self._open = self._open, None
            if opened.size == 0 and not self.is_there_already:
                opened.path.unlink(missing_ok=True)
            os.close(opened.descriptor)

    def _take(self, path: Path, is_wanted: Callable[[], bool]) -> None:
        """Opens what may be a beginning; what is locked is another transfer's.

        Of two that are equally long only the first counts: the sender answers with a length.
        """
        flags = (
            os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC if path.suffix == SUFFIX else os.O_RDONLY | os.O_CLOEXEC
        )
        try:
            descriptor = os.open(path, flags)
        except OSError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = os.fstat(descriptor).st_size
            digest, read = hashlib.sha256(), 0
            is_candidate = size <= self._size and all(one.size != size for one in self._beginnings)
            while is_candidate and read < size and is_wanted():
                block = os.read(descriptor, _BLOCK_BYTES)
                if not block:
                    break
                digest.update(block)
                read += len(block)
        except OSError:
            os.close(descriptor)
            return
        if not is_candidate or read < size:
            os.close(descriptor)
            return
        self._beginnings.append(_Beginning(path, descriptor, size, digest))

    def _new(self) -> _Beginning:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        for name in itertools.islice(alternatives(self._name), _MOST_NAMES):
            path = self._directory / (name + SUFFIX)
            try:
                descriptor = os.open(path, flags | (0 if self._force else os.O_EXCL), 0o666)
            except FileExistsError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            os.ftruncate(descriptor, 0)
            return _Beginning(path, descriptor, 0, hashlib.sha256())
        raise FileExistsError(errno.EEXIST, "there are too many files of this name")

    def _restart(self) -> None:
        """The sender has another file by now than that of which this is the beginning."""
        assert self._open is not None
        self._open.size, self._open.hash = 0, hashlib.sha256()
        os.lseek(self._open.descriptor, 0, os.SEEK_SET)
        os.ftruncate(self._open.descriptor, 0)

    def _target(self) -> Path:
        if self._force:
            return self._directory / self._name
        for name in itertools.islice(alternatives(self._name), _MOST_NAMES):
            path = self._directory / name
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            except FileExistsError:
                continue
            return path
        raise FileExistsError(errno.EEXIST, "there are too many files of this name")

    def _check_room(self) -> None:
        assert self._open is not None
        missing = self._size - self._open.size
        free = shutil.disk_usage(self._directory).free
        if missing > free:
            raise StorageError(
                f"{self._name} needs {missing:,} more bytes, and {self._directory} has {free:,} free; "
                "make room, or choose another directory with --into",
                "the receiver has no room for it",
            )

    def _explained(self, error: OSError) -> StorageError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            kept = f"; what came is kept in {self._open.path.name}" if self._open is not None else ""
            return StorageError(
                f"no room is left in {self._directory} for {self._name}{kept}. Make room and try again: "
                "it goes on from there",
                "the receiver has no room for it",
            )
        return StorageError(
            f"{self._name} cannot be stored in {self._directory}: {error.strerror or error}; "
            "choose another directory with --into"
        )

    def _close_beginnings(self) -> None:
        """All but the one that is used."""
        for one in self._beginnings:
            if one is not self._open:
                os.close(one.descriptor)
        self._beginnings.clear()
