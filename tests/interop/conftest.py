"""The server as a process and real browsers in front of it.

The browsers are the system's own (Debian: chromium, firefox-esr). Playwright drives Chromium, and
downloads none; Firefox is driven by WebDriver BiDi.
"""

import http.server
import shutil
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from tests.interop import peers
from tests.interop.browser_end import BrowserEnd
from tests.interop.ends import End, Pair
from tests.interop.firefox import Firefox, FirefoxContext
from tests.interop.loops import LoopThread
from tests.interop.namespaces import inside
from tests.interop.our_end import OurEnd
from tests.interop.pages import OpenPage, Page
from tests.interop.process_end import ProcessEnd
from tests.interop.serving import ServerProcess

MakeEnd = Callable[[str], End]

CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-device-for-media-stream=fps=30",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--host-resolver-rules=MAP visavis.test 127.0.0.1",
)
ON_LOOPBACK = "--allow-loopback-in-peer-connection"
FAKE_CONSENT = "--use-fake-ui-for-media-stream"


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    """A server of the test's own."""
    running = ServerProcess()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def named_server() -> Iterator[ServerProcess]:
    """One that knows that it is called visavis.test, which is no secure context."""
    running = ServerProcess(options=("--allow-origin", "http://visavis.test"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Lives as long as this package's tests: other tests want event loops of their own."""
    with sync_playwright() as running:
        yield running


def chromium_path() -> str:
    """The system's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("no Chromium found; on Debian: apt-get install chromium")
    return path


@contextmanager
def launched_chromium(
    playwright: Playwright, *arguments: str, program: Path | None = None
) -> Generator[Browser]:
    """The system's Chromium until the block ends; or the program that starts it elsewhere than on loopback,
    where it would wait for servers that it does not reach from there."""
    where = (ON_LOOPBACK,) if program is None else ()
    browser = playwright.chromium.launch(
        executable_path=program or chromium_path(), args=[*CHROMIUM_ARGUMENTS, *where, *arguments]
    )
    try:
        yield browser
    finally:
        browser.close()


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium with a fake camera, microphone and screen, and a user who grants them all."""
    with launched_chromium(playwright, FAKE_CONSENT) as running:
        yield running


@pytest.fixture(scope="package")
def refusing_chromium(playwright: Playwright) -> Iterator[Browser]:
    """The same with a user who grants nothing."""
    with launched_chromium(playwright) as running:
        yield running


@pytest.fixture(scope="package")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """The system's Firefox with a fake camera and microphone, and a user who grants them."""
    with LoopThread() as loop:
        running = Firefox(loop, tmp_path_factory.mktemp("firefox"))
        yield running
        running.close()


def _context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    context.close()
    assert errors == []


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser with no memory. An error that no script caught fails the test."""
    yield from _context(chromium)


@pytest.fixture
def firefox_context(firefox: Firefox) -> Iterator[FirefoxContext]:
    """A Firefox with no memory. An error that no script caught fails the test."""
    context = firefox.new_context()
    yield context
    context.close()
    assert context.errors == []


@pytest.fixture
def open_page(request: pytest.FixtureRequest) -> OpenPage:
    """Opens a page in "chromium" or "firefox"; the one not named is not started."""
    contexts = {"chromium": "context", "firefox": "firefox_context"}

    def opened(browser: str) -> Page:
        page: Page = request.getfixturevalue(contexts[browser]).new_page()
        return page

    return opened


@pytest.fixture
def refusing_context(refusing_chromium: Browser) -> Iterator[BrowserContext]:
    """The same where the user grants nothing."""
    yield from _context(refusing_chromium)


@pytest.fixture
def axe() -> str:
    """The script of axe-core, which `npm ci` puts beside the page's type checker."""
    path = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.fail("axe-core is missing; run: npm ci --prefix web")
    return path.read_text(encoding="utf-8")


class _EmptyPage(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Empty</title>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def empty_page(namespace: str | None = None) -> Generator[str]:
    """The address of an empty page on loopback, which may use a camera, until the block ends."""

    def bound() -> http.server.HTTPServer:
        return http.server.ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)

    server = bound() if namespace is None else inside(namespace, bound)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def secure_url() -> Iterator[str]:
    """An empty page."""
    with empty_page() as url:
        yield url


@pytest.fixture(scope="session")
def pion_program(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return peers.pion(tmp_path_factory.mktemp("pion"))


@pytest.fixture(scope="session")
def aiortc_program() -> list[str]:
    return peers.aiortc()


@pytest.fixture(scope="session")
def libdatachannel_program() -> list[str]:
    return peers.libdatachannel()


@pytest.fixture
def make_end(request: pytest.FixtureRequest, open_page: OpenPage) -> MakeEnd:
    """An end by the name of who plays it."""

    def made(name: str) -> End:
        if name in ("chromium", "firefox"):
            page = open_page(name)
            page.goto(request.getfixturevalue("secure_url"))
            return BrowserEnd(name, page)
        return ProcessEnd(name, request.getfixturevalue(f"{name}_program"))

    return made


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    """An event loop for what is in this process."""
    with LoopThread() as running:
        yield running


@pytest.fixture
def ours(loop: LoopThread) -> Iterator[OurEnd]:
    """Our end, not open yet."""
    end = OurEnd(loop)
    yield end
    end.close()


@pytest.fixture(params=peers.PEERS)
def theirs(request: pytest.FixtureRequest, make_end: MakeEnd) -> Iterator[End]:
    """The other end, not open yet."""
    end = make_end(request.param)
    yield end
    end.close()


@pytest.fixture(params=["we offer", "we answer"])
def pair(request: pytest.FixtureRequest, ours: OurEnd, theirs: End) -> Pair:
    """Both, in both roles."""
    for end in (ours, theirs):
        end.open({})
    return Pair(ours, theirs) if request.param == "we offer" else Pair(theirs, ours)
