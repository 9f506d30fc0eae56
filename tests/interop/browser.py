"""A real browser that evaluates JavaScript for a test: it fetches scripts and posts their results.

No driver is needed: the page's own loop is the remote control, the same for every browser.
"""

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_PAGE = b"""<!doctype html><meta charset="utf-8"><title>visavis</title><script>
(async () => {
  const AsyncFunction = (async () => {}).constructor;
  for (;;) {
    const script = await (await fetch("/script")).json();
    let outcome;
    try {
      outcome = {value: await new AsyncFunction("argument", script.source)(script.argument) ?? null};
    } catch (error) {
      outcome = {error: `${error.name}: ${error.message}`};
    }
    await fetch("/outcome", {method: "POST", body: JSON.stringify(outcome)});
  }
})();
</script>"""
_FIREFOX_PREFERENCES = """
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("app.update.enabled", false);
"""
_TIMEOUT_S = 60


class BrowserError(Exception):
    """What a script threw in the browser."""


class Browser:
    """A page in a running browser; `run` evaluates one script at a time."""

    def __init__(self) -> None:
        self._scripts: queue.Queue[dict[str, Any]] = queue.Queue()
        self._outcomes: queue.Queue[dict[str, Any]] = queue.Queue()

    def run(self, source: str, argument: object = None) -> Any:
        """Evaluates the body of an async function of `argument`; what it returns has to fit JSON."""
        self._scripts.put({"source": source, "argument": argument})
        outcome = self._outcomes.get(timeout=_TIMEOUT_S)
        if "error" in outcome:
            raise BrowserError(outcome["error"])
        return outcome["value"]

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The page's server."""
        scripts, outcomes = self._scripts, self._outcomes

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/script":
                    self._reply("application/json", json.dumps(scripts.get()).encode())
                else:
                    self._reply("text/html", _PAGE if self.path == "/" else b"")

            def do_POST(self) -> None:
                outcomes.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self._reply("text/plain", b"")

            def _reply(self, content_type: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return None

        return Handler


def chromium_command(profile: Path) -> list[str] | None:
    """How Chromium is started, None where it is not installed."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    flags = (
        "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run"
        " --disable-background-networking --disable-component-update --disable-sync"
        " --disable-features=WebRtcHideLocalIpsWithMdns"
    )
    return [program, *flags.split(), f"--user-data-dir={profile}"] if program else None


def firefox_command(profile: Path) -> list[str] | None:
    """How Firefox is started, None where it is not installed."""
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    (profile / "user.js").write_text(_FIREFOX_PREFERENCES)
    return [program, "--headless", "--no-remote", "--profile", str(profile)] if program else None


@contextmanager
def running(command: list[str]) -> Generator[Browser, None, None]:
    """A browser, for the life of the context."""
    browser = Browser()
    with ThreadingHTTPServer(("127.0.0.1", 0), browser.handler()) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        process = subprocess.Popen(
            [*command, f"http://127.0.0.1:{server.server_address[1]}/"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield browser
        finally:
            process.terminate()
            process.wait(timeout=_TIMEOUT_S)
            server.shutdown()
            thread.join()
