"""Two ends in one process, over the real data plane on loopback."""

import asyncio
import os
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from visavis.errors import StartError
from visavis.transfer import exchange
from visavis.transfer.access import WrongCodeError
from visavis.transfer.channel import ConnectionLostError
from visavis.transfer.exchange import Place
from visavis.transfer.messages import FileInfo
from visavis.transfer.opening import HostOptions, Opened
from visavis.transfer.secret import Code, Link
from visavis.transfer.sending import Outgoing
from visavis.transfer.signals import RefusedError
from visavis.transfer.source_file import SourceFile

GUARD_S = 60.0
OPTIONS = HostOptions(host="127.0.0.1")
CONTENT = b"".join(number.to_bytes(4) for number in range(2_500_000))


@dataclass
class Heard:
    """A watch that writes down what it hears; `on_moved` may act in the middle of a file."""

    said: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    moved_once: asyncio.Event = field(default_factory=asyncio.Event)

    def met(self) -> None:
        self.said.append(("met",))

    def lost(self) -> None:
        self.said.append(("lost",))

    def checking(self, file: FileInfo, there_bytes: int) -> None:
        self.said.append(("checking", file.name, there_bytes))

    def begun(self, file: FileInfo, offset: int) -> None:
        self.said.append(("begun", file.name, offset))

    def moved(self, file: FileInfo, position: int) -> None:
        self.moved_once.set()

    def finished(self, file: FileInfo, path: Path | None, *, was_there: bool = False) -> None:
        self.said.append(("finished", file.name, was_there))

    def failed(self, file: FileInfo, reason: str) -> None:
        self.said.append(("failed", file.name, reason))


class Waiting:
    """A host that runs beside a test, from where it is announced."""

    def __init__(self) -> None:
        self._opened: asyncio.Future[Opened] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None

    def announce(self, opened: Opened, code: Code | None) -> None:
        self._opened.set_result(opened)

    async def runs(self, host: Coroutine[Any, Any, None]) -> Link:
        self._task = asyncio.create_task(host)
        await asyncio.wait((self._task, self._opened), return_when=asyncio.FIRST_COMPLETED)
        return self._opened.result().links[0]

    async def ended(self) -> None:
        assert self._task is not None
        await asyncio.wait_for(self._task, GUARD_S)

    async def stop(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def files(directory: Path, **contents: bytes) -> Outgoing:
    found: list[SourceFile] = []
    for name, content in contents.items():
        (directory / name).write_bytes(content)
        found.append(SourceFile.find(directory / name))
    return Outgoing(found)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "into")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "from").mkdir()
    return tmp_path / "from"


async def test_files_are_fetched_from_a_link_and_both_ends_know(here: Path, place: Place) -> None:
    outgoing, host = files(here, large=CONTENT, empty=b"", small=b"x"), Waiting()
    theirs, ours = Heard(), Heard()
    link = await host.runs(exchange.offer(outgoing, OPTIONS, theirs, host.announce))
    async with asyncio.timeout(GUARD_S):
        await exchange.take(place, link, ours)
    await host.ended()
    assert [path.read_bytes() for path in place.received] == [CONTENT, b"", b"x"]
    assert sorted(os.listdir(place.directory)) == ["empty", "large", "small"]
    assert (outgoing.delivered, outgoing.failed, place.failed) == ({0, 1, 2}, {}, [])
    finished = [("finished", name, False) for name in ("large", "empty", "small")]
    assert [said for said in ours.said if said[0] == "finished"] == finished
    assert [said for said in theirs.said if said[0] == "finished"] == finished


async def test_files_are_brought_to_a_link(here: Path, place: Place) -> None:
    outgoing, host = files(here, large=CONTENT, small=b"x"), Waiting()
    link = await host.runs(exchange.await_files(place, OPTIONS, Heard(), host.announce))
    async with asyncio.timeout(GUARD_S):
        await exchange.give(outgoing, link, Heard())
    await host.ended()
    assert [path.read_bytes() for path in place.received] == [CONTENT, b"x"]
    assert outgoing.delivered == {0, 1}


async def test_another_start_goes_on_where_the_first_was_stopped(here: Path, place: Place) -> None:
    outgoing, host, first, second = files(here, large=CONTENT), Waiting(), Heard(), Heard()
    link = await host.runs(exchange.offer(outgoing, OPTIONS, Heard(), host.announce))
    stopped = asyncio.create_task(exchange.take(place, link, first))
    await asyncio.wait_for(first.moved_once.wait(), GUARD_S)
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)
    there = (place.directory / "large.part").stat().st_size
    assert 0 < there < len(CONTENT)
    async with asyncio.timeout(GUARD_S):
        await exchange.take(place, link, second)
    await host.ended()
    assert ("begun", "large", there) in second.said
    assert [path.read_bytes() for path in place.received] == [CONTENT]
    assert os.listdir(place.directory) == ["large"]


async def test_a_receiver_comes_back_by_itself_when_the_sender_was_away(here: Path, place: Place) -> None:
    outgoing, host, heard = files(here, large=CONTENT), Waiting(), Heard()
    link = await host.runs(exchange.offer(outgoing, OPTIONS, Heard(), host.announce))
    again = Waiting()
    pauses: list[float] = []

    async def pause(duration_s: float) -> None:
        pauses.append(duration_s)
        if len(pauses) == 1:
            options = HostOptions("127.0.0.1", port(link), secret=link.secret)
            await again.runs(exchange.offer(outgoing, options, Heard(), again.announce))

    taking = asyncio.create_task(exchange.take(place, link, heard, pause))
    await asyncio.wait_for(heard.moved_once.wait(), GUARD_S)
    await host.stop()
    async with asyncio.timeout(GUARD_S):
        await taking
    await again.ended()
    begun = [said[2] for said in heard.said if said[0] == "begun"]
    assert begun[0] == 0
    assert 0 < int(str(begun[1])) < len(CONTENT)
    assert [path.read_bytes() for path in place.received] == [CONTENT]


async def test_a_file_that_is_there_already_is_not_sent_again(here: Path, place: Place) -> None:
    outgoing, host, heard = files(here, large=CONTENT), Waiting(), Heard()
    place.directory.mkdir()
    (place.directory / "large").write_bytes(CONTENT)
    link = await host.runs(exchange.offer(outgoing, OPTIONS, Heard(), host.announce))
    async with asyncio.timeout(GUARD_S):
        await exchange.take(place, link, heard)
    await host.ended()
    assert heard.said[1:] == [
        ("checking", "large", len(CONTENT)),
        ("begun", "large", len(CONTENT)),
        ("finished", "large", True),
    ]


async def test_a_file_that_was_changed_is_not_sent_and_both_ends_know(here: Path, place: Place) -> None:
    outgoing, host = files(here, changed=b"old", same=b"x"), Waiting()
    (here / "changed").write_bytes(b"newer")
    link = await host.runs(exchange.offer(outgoing, OPTIONS, Heard(), host.announce))
    async with asyncio.timeout(GUARD_S):
        await exchange.take(place, link, Heard())
    await host.ended()
    assert "changed was changed since it was offered" in outgoing.failed[0]
    assert len(place.failed) == 1
    assert "was changed since it was offered" in place.failed[0]
    assert [path.name for path in place.received] == ["same"]


async def test_where_nothing_can_be_stored_both_ends_know(here: Path, tmp_path: Path) -> None:
    outgoing, host = files(here, small=b"x"), Waiting()
    (tmp_path / "file").write_bytes(b"")
    place = Place(tmp_path / "file" / "into")
    link = await host.runs(exchange.offer(outgoing, OPTIONS, Heard(), host.announce))
    async with asyncio.timeout(GUARD_S):
        await exchange.take(place, link, Heard())
    await host.ended()
    assert "choose another directory" in place.failed[0]
    assert outgoing.failed == {0: "the receiver cannot store it"}


async def test_a_wrong_code_is_refused_and_after_three_nobody_there_is_asked(
    here: Path, place: Place
) -> None:
    outgoing, host = files(here, small=b"x"), Waiting()
    link = await host.runs(exchange.offer(outgoing, OPTIONS, Heard(), host.announce))
    wrong = Link(link.url, "0000-0000-0000")
    async with asyncio.timeout(GUARD_S):
        for _ in range(3):
            with pytest.raises(WrongCodeError, match="the code is wrong"):
                await exchange.take(place, wrong, Heard())
        with pytest.raises(RefusedError, match="no more codes"):
            await exchange.take(place, link, Heard())
    await host.stop()
    assert outgoing.delivered == set()
    assert not place.directory.exists()


async def test_whoever_comes_for_the_other_thing_is_told(here: Path, place: Place) -> None:
    outgoing, host = files(here, small=b"x"), Waiting()
    link = await host.runs(exchange.offer(outgoing, OPTIONS, Heard(), host.announce))
    async with asyncio.timeout(GUARD_S):
        with pytest.raises(StartError, match="visavis receive LINK"):
            await exchange.give(outgoing, link, Heard())
    await host.stop()


async def test_where_nobody_listens_it_is_said_at_once(here: Path, place: Place) -> None:
    outgoing, host = files(here, small=b"x"), Waiting()
    link = await host.runs(exchange.offer(outgoing, OPTIONS, Heard(), host.announce))
    await host.stop()
    async with asyncio.timeout(GUARD_S):
        with pytest.raises(ConnectionLostError, match="does not answer"):
            await exchange.take(place, link, Heard())


def port(link: Link) -> int:
    return int(link.url.rpartition(":")[2])
