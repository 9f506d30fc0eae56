"""Drives a `Sink`: writes and hashes on a thread what comes, and keeps it when the peer is gone."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar, assert_never

from visavis.transfer import sink
from visavis.transfer.channel import Channel, ConnectionLostError, Messages, farewell, say
from visavis.transfer.messages import FileInfo, parse_untrusted
from visavis.transfer.names import safe_name_untrusted
from visavis.transfer.part_file import ChecksumError, PartFile, StorageError
from visavis.transfer.sink import Sink
from visavis.transfer.watch import Watch

_MOST_WAITING_BYTES = 32 << 20
"""Twice the window of a sender that keeps to it; one that does not has its packets wait."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class _UnderWay:
    index: int
    info: FileInfo
    part: PartFile


@dataclass(slots=True)
class Incoming:
    """Where files go, and what came of them; it outlives sessions, so that another one goes on.

    `close` keeps what has come of a file for another time.
    """

    directory: Path
    force: bool = False
    received: dict[tuple[int, FileInfo], Path] = field(default_factory=dict[tuple[int, FileInfo], Path])
    failed: dict[tuple[int, FileInfo], str] = field(default_factory=dict[tuple[int, FileInfo], str])
    under_way: _UnderWay | None = None
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "visavis-write"))

    def begin(self, index: int, info: FileInfo) -> PartFile:
        """The file to write to: what there is of it, when the last session broke off in it."""
        last = self.under_way
        if last is not None and (last.index, last.info) == (index, info):
            return last.part
        if last is not None:
            self.thread.submit(last.part.close)
        part = PartFile(self.directory, safe_name_untrusted(info.name), info.size, force=self.force)
        self.under_way = _UnderWay(index, info, part)
        return part

    def forget(self) -> None:
        """The file that was under way is whole, or given up; of the latter stays what has come."""
        if self.under_way is not None:
            self.thread.submit(self.under_way.part.close)
            self.under_way = None

    def close(self) -> None:
        """Nothing more comes."""
        self.forget()
        self.thread.shutdown()


class Receiver:
    """One session with one sender."""

    def __init__(self, incoming: Incoming, channel: Channel, watch: Watch, *, stays: bool = False) -> None:
        """Prepares it.

        Args:
            incoming: where files go.
            channel: to the sender.
            watch: is told how it goes.
            stays: whether it waits for more when all has come, until the sender leaves.
        """
        self._incoming = incoming
        self._channel = channel
        self._watch = watch
        self._stays = stays
        self._sink = Sink()
        self._files: tuple[FileInfo, ...] = ()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._storing: asyncio.Task[None] | None = None
        self._is_wanted = True

    async def run(self, messages: Messages) -> None:
        """The whole session, until either end says that it was the last.

        Raises:
            ConnectionLostError: The sender is gone; what has come is kept in the `Incoming`.
            RemoteProtocolError: It does not keep to the protocol.
        """
        try:
            async for data in messages:
                if isinstance(data, bytes):
                    if self._sink.handle_data_untrusted(len(data)):
                        await self._store(data)
                    continue
                event = self._sink.handle_untrusted(parse_untrusted(data))
                if isinstance(event, sink.Left):
                    return
                if event is not None:
                    await self._handle(event)
                if self._sink.phase is sink.Phase.IDLE and not await self._next() and not self._stays:
                    await farewell(self._channel, messages)
                    return
            raise ConnectionLostError("the sender is gone")
        finally:
            self._is_wanted = False
            await self._stored()

    async def _next(self) -> bool:
        """Asks for the next file that is neither here nor given up; False: there is none."""
        for index, info in enumerate(self._files):
            if (index, info) not in self._incoming.received and (index, info) not in self._incoming.failed:
                await self._get(index, info)
                return True
        return False

    async def _get(self, index: int, info: FileInfo) -> None:
        part = self._incoming.begin(index, info)
        try:
            points = await self._in_thread(part.look, lambda: self._is_wanted)
        except StorageError as error:
            await say(self._channel, self._sink.get(index))
            await self._give_up(str(error), error.told)
            return
        there_bytes = max((point.offset for point in points), default=0)
        if there_bytes:
            self._watch.checking(info, there_bytes)
        await say(self._channel, self._sink.get(index, points))

    async def _handle(self, event: sink.Offered | sink.Begun | sink.Ended | sink.NotSent) -> None:
        match event:
            case sink.Offered(files):
                self._files = files
            case sink.Begun(_, offset):
                await self._begin(offset)
            case sink.Ended(_, sha256):
                await self._finish(sha256)
            case sink.NotSent(file, reason):
                self._waiting.clear()
                await self._stored()
                self._incoming.forget()
                if (file, self._files[file]) not in self._incoming.failed:
                    self._failed(file, f"the sender gave up: {reason}")
            case _:
                assert_never(event)

    async def _begin(self, offset: int) -> None:
        under_way = self._under_way
        try:
            await self._in_thread(under_way.part.begin, offset)
        except StorageError as error:
            await self._give_up(str(error), error.told)
            return
        self._watch.begun(under_way.info, offset)

    async def _store(self, data: bytes) -> None:
        """Has the thread write it: what comes meanwhile is written at once after that."""
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._storing is None or self._storing.done():
            await self._stored()
            self._storing = asyncio.create_task(self._write_waiting())
        elif self._waiting_bytes > _MOST_WAITING_BYTES:
            await self._stored()

    async def _write_waiting(self) -> None:
        under_way = self._under_way
        while self._waiting:
            data = b"".join(self._waiting)
            self._waiting.clear()
            self._waiting_bytes = 0
            try:
                position = await self._in_thread(under_way.part.write, data)
            except StorageError as error:
                await self._give_up(str(error), error.told)
                return
            self._watch.moved(under_way.info, position)
            ack = self._sink.written(position)
            if ack is not None:
                await say(self._channel, ack)

    async def _stored(self) -> None:
        """All that has come is written. Raises what was raised meanwhile."""
        task, self._storing = self._storing, None
        if task is not None:
            try:
                await task
            except ConnectionLostError:
                return  # the session hears of it by itself

    async def _finish(self, sha256: str) -> None:
        await self._stored()
        if self._sink.phase is not sink.Phase.CHECKING:
            return
        under_way = self._under_way
        try:
            path = await self._in_thread(under_way.part.finish, sha256)
        except ChecksumError as error:
            await self._give_up(str(error), "the checksum is wrong")
            return
        except StorageError as error:
            await self._give_up(str(error), error.told)
            return
        self._incoming.received[under_way.index, under_way.info] = path
        was_there = under_way.part.is_there_already
        self._incoming.forget()
        self._watch.finished(under_way.info, path, was_there=was_there)
        await say(self._channel, self._sink.done())

    async def _give_up(self, reason: str, told: str) -> None:
        self._failed(self._under_way.index, reason)
        self._waiting.clear()
        await say(self._channel, self._sink.give_up(told))

    def _failed(self, index: int, reason: str) -> None:
        info = self._files[index]
        self._incoming.failed[index, info] = reason
        self._watch.failed(info, reason)

    @property
    def _under_way(self) -> _UnderWay:
        assert self._incoming.under_way is not None
        return self._incoming.under_way

    def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        thread = self._incoming.thread
        return asyncio.get_running_loop().run_in_executor(thread, lambda: call(*args, **kwargs))
