"""The page of `visavis send` and `visavis receive`, in a real browser, with the program at the other end."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.interop.loops import LoopThread
from visavis.transfer import exchange
from visavis.transfer.exchange import Place
from visavis.transfer.messages import FileInfo
from visavis.transfer.opening import HostOptions, Opened
from visavis.transfer.secret import Code, Link
from visavis.transfer.sending import Outgoing
from visavis.transfer.source_file import SourceFile

GUARD_S = 60.0
OPTIONS = HostOptions(host="127.0.0.1")
CONTENT = b"".join(number.to_bytes(4) for number in range(1_500_000))
WITHOUT_PICKER = "delete window.showSaveFilePicker"
WITHOUT_FILES = "if (window.StorageManager) delete StorageManager.prototype.getDirectory"
VIOLATIONS = """async () => (await axe.run()).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)"""


class Heard:
    """A watch that tells when something of a file has moved."""

    def __init__(self) -> None:
        self.moved_once = threading.Event()

    def met(self) -> None:
        pass

    def lost(self) -> None:
        pass

    def checking(self, file: FileInfo, there_bytes: int) -> None:
        pass

    def begun(self, file: FileInfo, offset: int) -> None:
        pass

    def moved(self, file: FileInfo, position: int) -> None:
        self.moved_once.set()

    def finished(self, file: FileInfo, path: Path | None, *, was_there: bool = False) -> None:
        pass

    def failed(self, file: FileInfo, reason: str) -> None:
        pass


class Host:
    """An end that waits, on an event loop of its own."""

    all: ClassVar[list["Host"]] = []

    def __init__(self, loop: LoopThread) -> None:
        self.all.append(self)
        self._loop = loop
        self._opened: Future[Opened] = Future()
        self._ended: Future[None] = Future()
        self._task: asyncio.Task[None] | None = None

    def announce(self, opened: Opened, code: Code | None) -> None:
        self._opened.set_result(opened)

    def runs(self, host: Coroutine[Any, Any, None]) -> Link:
        async def start() -> None:
            self._task = asyncio.create_task(host)
            self._task.add_done_callback(self._end)

        self._loop.run(start())
        return self._opened.result(GUARD_S).links[0]

    def _end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)

    def ended(self) -> None:
        self._ended.result(GUARD_S)

    def stop(self) -> None:
        async def cancel() -> None:
            if self._task is not None:
                self._task.cancel()

        self._loop.run(cancel())
        self.ended()


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """The page may be slow on a machine with much to do."""
    expect.set_options(timeout=GUARD_S * 1000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    with LoopThread() as running:
        yield running
        for host in Host.all:
            host.stop()
        Host.all.clear()


def outgoing(directory: Path, **contents: bytes) -> Outgoing:
    directory.mkdir(exist_ok=True)
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return Outgoing([SourceFile.find(directory / name) for name in contents])


def row(page: Page, name: str) -> Any:
    return page.locator(f"[data-file='{name}']")


@pytest.mark.parametrize(
    "missing", [WITHOUT_PICKER, f"{WITHOUT_PICKER}; {WITHOUT_FILES}"], ids=["files", "memory"]
)
def test_files_are_downloaded_from_a_terminal(
    context: BrowserContext, loop: LoopThread, tmp_path: Path, missing: str
) -> None:
    files, host = outgoing(tmp_path / "from", large=CONTENT, small=b"x", empty=b""), Host(loop)
    link = host.runs(exchange.offer(files, OPTIONS, Heard(), host.announce))
    context.add_init_script(missing)
    page = context.new_page()
    page.goto(str(link))
    expect(row(page, "large")).to_contain_text("6.0 MB")
    for name, content in (("large", CONTENT), ("small", b"x"), ("empty", b"")):
        with page.expect_download() as downloading:
            page.get_by_role("button", name=f"Download {name}").click()
        expect(row(page, name)).to_contain_text("checksum ok")
        assert downloading.value.suggested_filename == name
        assert Path(downloading.value.path()).read_bytes() == content
    expect(page.get_by_role("heading", name="All files are here")).to_be_visible()
    host.ended()
    assert files.delivered == {0, 1, 2}


def test_a_download_is_written_to_the_file_that_was_picked(
    context: BrowserContext, loop: LoopThread, tmp_path: Path
) -> None:
    files, host = outgoing(tmp_path / "from", large=CONTENT), Host(loop)
    link = host.runs(exchange.offer(files, OPTIONS, Heard(), host.announce))
    context.add_init_script(
        "window.showSaveFilePicker = async ({ suggestedName }) =>"
        " (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true })"
    )
    page = context.new_page()
    page.goto(str(link))
    page.get_by_role("button", name="Download large").click()
    expect(row(page, "large")).to_contain_text("checksum ok")
    size = page.evaluate(
        "async () => { const root = await navigator.storage.getDirectory();"
        " return (await (await root.getFileHandle('large')).getFile()).size; }"
    )
    assert size == len(CONTENT)
    host.ended()


def test_files_are_uploaded_to_a_terminal(context: BrowserContext, loop: LoopThread, tmp_path: Path) -> None:
    place, host = Place(tmp_path / "into"), Host(loop)
    link = host.runs(exchange.await_files(place, OPTIONS, Heard(), host.announce))
    outgoing(tmp_path / "from", large=CONTENT, small=b"x", later=b"y")
    page = context.new_page()
    page.goto(str(link))
    expect(page.get_by_role("heading", name="Send files")).to_be_visible()
    page.locator("#choose").set_input_files([tmp_path / "from" / "large", tmp_path / "from" / "small"])
    page.locator("#choose").set_input_files([tmp_path / "from" / "later"])
    for name in ("large", "small", "later"):
        expect(row(page, name)).to_contain_text("checksum ok")
    page.get_by_role("button", name="Finish").click()
    host.ended()
    assert {path.name: path.read_bytes() for path in place.received} == {
        "large": CONTENT,
        "small": b"x",
        "later": b"y",
    }


def test_a_download_goes_on_when_the_sender_was_away(
    context: BrowserContext, loop: LoopThread, tmp_path: Path
) -> None:
    files, host, heard = outgoing(tmp_path / "from", large=CONTENT * 10), Host(loop), Heard()
    link = host.runs(exchange.offer(files, OPTIONS, heard, host.announce))
    context.add_init_script(WITHOUT_PICKER)
    page = context.new_page()
    page.goto(str(link))
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download large").click()
        assert heard.moved_once.wait(GUARD_S)
        host.stop()
        expect(page.get_by_role("heading", name="Connection lost")).to_be_visible()
        again = Host(loop)
        options = HostOptions("127.0.0.1", int(link.url.rpartition(":")[2]), secret=link.secret)
        again.runs(exchange.offer(files, options, Heard(), again.announce))
        expect(row(page, "large")).to_contain_text("checksum ok")
    assert Path(downloading.value.path()).read_bytes() == CONTENT * 10
    again.ended()


@pytest.mark.parametrize(
    ("fragment", "title"),
    [("", "This link is incomplete"), ("#0000-0000-0000", "This link is not the right one")],
)
def test_a_wrong_link_is_said(
    context: BrowserContext, loop: LoopThread, tmp_path: Path, fragment: str, title: str
) -> None:
    files, host = outgoing(tmp_path / "from", small=b"x"), Host(loop)
    link = host.runs(exchange.offer(files, OPTIONS, Heard(), host.announce))
    page = context.new_page()
    page.goto(f"{link.url}/{fragment}")
    expect(page.get_by_role("heading", name=title)).to_be_visible()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_serious(
    context: BrowserContext, loop: LoopThread, axe: str, tmp_path: Path, scheme: str, width: int
) -> None:
    files, giving = outgoing(tmp_path / "from", **{"holiday.mp4": CONTENT, "notes.txt": b"x"}), Host(loop)
    place, taking = Place(tmp_path / "into"), Host(loop)
    page = context.new_page()
    page.emulate_media(color_scheme="light" if scheme == "light" else "dark", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 844})
    for link, heading in (
        (giving.runs(exchange.offer(files, OPTIONS, Heard(), giving.announce)), "Files for you"),
        (taking.runs(exchange.await_files(place, OPTIONS, Heard(), taking.announce)), "Send files"),
    ):
        page.goto(str(link))
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        page.evaluate(f"() => {{ {axe} }}")
        assert page.evaluate(VIOLATIONS) == []
        page.screenshot(path=str(tmp_path / f"{heading.replace(' ', '-')}-{scheme}-{width}.png"))
