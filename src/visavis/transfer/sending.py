"""Drives a `Source`: reads and hashes files on a thread, sends them as the receiver's window permits."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar, assert_never

from visavis.errors import RemoteProtocolError
from visavis.transfer import source
from visavis.transfer.channel import Channel, ConnectionLostError, Messages, farewell, say, send
from visavis.transfer.messages import Bye, FileInfo, parse_untrusted
from visavis.transfer.source import Source
from visavis.transfer.source_file import SourceChangedError, SourceFile, SourceReader
from visavis.transfer.watch import Watch

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Outgoing:
    """What is to be delivered, and what came of it, by place in the list; it outlives sessions."""

    files: Sequence[SourceFile]
    delivered: set[int] = field(default_factory=set[int])
    failed: dict[int, str] = field(default_factory=dict[int, str])

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be delivered."""
        return len(self.delivered | self.failed.keys()) == len(self.files)


class Sender:
    """One session with one receiver."""

    def __init__(
        self, outgoing: Outgoing, channel: Channel, watch: Watch, message_bytes: int, *, stays: bool = False
    ) -> None:
        """Prepares it.

        Args:
            outgoing: the files.
            channel: to the receiver.
            watch: is told how it goes.
            message_bytes: no message may be longer.
            stays: whether it goes on when all is delivered, until the receiver leaves.
        """
        self._outgoing = outgoing
        self._channel = channel
        self._watch = watch
        self._message_bytes = message_bytes
        self._stays = stays
        self._source = Source([file.info for file in outgoing.files])
        self._thread = ThreadPoolExecutor(1, "visavis-read")
        self._sending: asyncio.Task[None] | None = None
        self._acked = asyncio.Event()
        self._is_wanted = True

    async def run(self, messages: Messages) -> None:
        """The whole session, until either end says that it was the last.

        Raises:
            ConnectionLostError: The receiver is gone.
            RemoteProtocolError: It does not keep to the protocol.
        """
        try:
            await say(self._channel, self._source.offer())
            async for data in messages:
                if not isinstance(data, str):
                    raise RemoteProtocolError("a receiver sends no bytes")
                event = self._source.handle_untrusted(parse_untrusted(data))
                if isinstance(event, source.Left):
                    return
                if event is not None:
                    await self._handle(event)
                if self._outgoing.is_over and not self._stays and self._source.phase is source.Phase.IDLE:
                    await farewell(self._channel, messages)
                    return
            if not self._outgoing.is_over:
                raise ConnectionLostError("the receiver is gone")
        finally:
            await self._stop()
            self._thread.shutdown(wait=False)

    async def _handle(self, event: source.Asked | source.Written | source.Delivered | source.GivenUp) -> None:
        match event:
            case source.Asked():
                await self._stop()
                self._sending = asyncio.create_task(self._send(event))
            case source.Written(file, received):
                self._acked.set()
                self._watch.moved(self._info(file), received)
            case source.Delivered(file):
                self._outgoing.failed.pop(file, None)
                self._outgoing.delivered.add(file)
                self._watch.finished(self._info(file), None)
            case source.GivenUp(file, reason):
                await self._stop()
                await self._fail(file, reason)
            case _:
                assert_never(event)

    async def _send(self, asked: source.Asked) -> None:
        """A file from beginning to end, or a reason."""
        file = self._outgoing.files[asked.file]
        try:
            reader = await self._in_thread(SourceReader, file)
            try:
                await self._send_from(reader, asked, file.info)
            finally:
                self._thread.submit(reader.close)
        except SourceChangedError as error:
            await self._fail(asked.file, f"{error}; send it again as it is now")
        except OSError as error:
            await self._fail(asked.file, f"it cannot be read: {error.strerror or error}")
        except ConnectionLostError:
            return  # the session hears of it by itself

    async def _send_from(self, reader: SourceReader, asked: source.Asked, info: FileInfo) -> None:
        there_bytes = max((point.offset for point in asked.resume), default=0)
        if there_bytes:
            self._watch.checking(info, there_bytes)
        offset = await self._in_thread(reader.seek, asked.resume, lambda: self._is_wanted)
        await say(self._channel, self._source.begin(offset))
        self._watch.begun(info, offset)
        ahead = self._in_thread(reader.read)
        try:
            while block := await ahead:
                ahead = self._in_thread(reader.read)
                await self._send_block(block)
        finally:
            ahead.cancel()
        await say(self._channel, self._source.end(await self._in_thread(reader.finish)))

    async def _send_block(self, block: bytes) -> None:
        for start in range(0, len(block), self._message_bytes):
            piece = block[start : start + self._message_bytes]
            while self._source.window < len(piece):
                self._acked.clear()
                await self._acked.wait()
            self._source.sent(len(piece))
            await send(self._channel, piece)

    async def _fail(self, file: int, reason: str) -> None:
        self._outgoing.failed[file] = reason
        self._watch.failed(self._info(file), reason)
        try:
            await say(self._channel, self._source.fail(reason))
            if self._outgoing.is_over and not self._stays:
                await say(self._channel, Bye())
        except ConnectionLostError:
            return  # the session hears of it by itself

    async def _stop(self) -> None:
        """Nothing is sent any more, once this returns."""
        task, self._sending = self._sending, None
        if task is not None:
            self._is_wanted = False
            task.cancel()
            for outcome in await asyncio.gather(task, return_exceptions=True):
                if isinstance(outcome, Exception):
                    raise outcome
            self._is_wanted = True

    def _info(self, file: int) -> FileInfo:
        return self._outgoing.files[file].info

    def _in_thread(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._thread, lambda: call(*args, **kwargs))
