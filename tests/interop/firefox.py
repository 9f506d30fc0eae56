"""The system's Firefox by WebDriver BiDi, without a driver beside it.

A page offers the part of Playwright's page that the steps of `tests.interop.tabs` need.
"""

import asyncio
import json
import re
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.interop.bidi import BidiConnection, BidiError
from tests.interop.loops import LoopThread
from tests.interop.namespaces import inside, within

_PREFERENCES: dict[str, bool | int | str] = {
    # Fake devices, a user who grants them, and sound without a click.
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    # Without the first, Firefox does not send to 127.0.0.1; without the second it says .local names.
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    # A window that never had the focus still takes keys.
    "focusmanager.testmode": True,
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# What a script threw, "TypeError: ..."; Firefox's own errors, of a server that is gone, are sentences.
_UNCAUGHT = re.compile(r"(uncaught exception|\w+): ")
_KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004"}
_WAIT_MS = 30_000
# As in Playwright: an expression, or a function that takes the argument. Values cross as JSON.
_EVALUATE = """async (json) => {{
  const evaluated = ({expression});
  const value = typeof evaluated === 'function' ? await evaluated(JSON.parse(json)) : await evaluated;
  return JSON.stringify(value) ?? 'null';
}}"""
_WAIT = """async ([argument, limit_ms]) => {{
  const end = performance.now() + limit_ms;
  for (;;) {{
    const evaluated = ({expression});
    const value = typeof evaluated === 'function' ? await evaluated(argument) : await evaluated;
    if (value) return value;
    if (performance.now() > end) throw new Error(`not within ${{limit_ms}} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }}
}}"""
_CENTRE = """(name) => {
  const named = (button) => (button.ariaLabel ?? button.innerText).trim() === name;
  const button = [...document.querySelectorAll('button')].find(named);
  if (!button || button.disabled) return null;
  button.scrollIntoView({ block: 'nearest' });
  const { x, y, width, height } = button.getBoundingClientRect();
  return { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
}"""


@dataclass(frozen=True)
class JsonValue:
    """What `wait_for_function` waited for."""

    value: Any

    def json_value(self) -> Any:
        """The value itself."""
        return self.value


class FirefoxPage:
    """A window of its own, so that it is visible and its timers run at full speed."""

    def __init__(self, firefox: "Firefox", context: str) -> None:
        self._firefox = firefox
        self._context = context
        self.keyboard = FirefoxKeyboard(self)

    def add_init_script(self, script: str) -> None:
        """Runs a script before those of each page that is opened here from now on."""
        self._firefox.command(
            "script.addPreloadScript",
            functionDeclaration=f"() => {{ {script} }}",
            contexts=[self._context],
        )

    def goto(self, url: str) -> None:
        """Opens an address and waits until it is loaded."""
        self._firefox.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression: str, arg: object = None) -> Any:
        """The value of an expression, or of a function of `arg`.

        Raises:
            BidiError: what the page threw.
        """
        outcome = self._firefox.command(
            "script.callFunction",
            functionDeclaration=_EVALUATE.format(expression=expression),
            arguments=[{"type": "string", "value": json.dumps(arg)}],
            target={"context": self._context},
            awaitPromise=True,
        )
        if outcome["type"] == "exception":
            raise BidiError(outcome["exceptionDetails"]["text"])
        return json.loads(outcome["result"]["value"])

    def wait_for_function(self, expression: str, *, arg: object = None) -> JsonValue:
        """Waits until an expression, or a function of `arg`, gives something true."""
        return JsonValue(self.evaluate(_WAIT.format(expression=expression), [arg, _WAIT_MS]))

    def get_by_role(self, role: Literal["button"], *, name: str, exact: Literal[True]) -> "FirefoxButton":
        """A button by its name, to be found when it is clicked."""
        return FirefoxButton(self, name)

    def perform(self, kind: str, actions: list[dict[str, object]]) -> None:
        """Real input, by one device."""
        sources = [{"type": kind, "id": kind, "actions": actions}]
        self._firefox.command("input.performActions", context=self._context, actions=sources)


@dataclass(frozen=True)
class FirefoxButton:
    """A button of a page."""

    page: FirefoxPage
    name: str

    def click(self) -> None:
        """Waits until it is there and clicks into its middle."""
        centre = self.page.wait_for_function(_CENTRE, arg=self.name).json_value()
        self.page.perform(
            "pointer",
            [
                {"type": "pointerMove", **centre},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerUp", "button": 0},
            ],
        )


@dataclass(frozen=True)
class FirefoxKeyboard:
    """The keyboard of a page."""

    page: FirefoxPage

    def press(self, key: str) -> None:
        """Presses and releases a key: a character, or Enter, Escape, Tab."""
        value = _KEYS.get(key, key)
        self.page.perform("key", [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}])

    def type(self, text: str) -> None:
        """Presses one key after the other."""
        for character in text:
            self.press(character)


@dataclass
class FirefoxContext:
    """A browser with no memory; its pages end with it. `errors` are those that no script caught."""

    firefox: "Firefox"
    identifier: str
    errors: list[str] = field(default_factory=list[str])

    def new_page(self) -> FirefoxPage:
        """One more window."""
        made = self.firefox.command("browsingContext.create", type="window", userContext=self.identifier)
        return FirefoxPage(self.firefox, made["context"])

    def close(self) -> None:
        """Closes its windows and forgets what they stored."""
        self.firefox.command("browser.removeUserContext", userContext=self.identifier)


class Firefox:
    """A running Firefox."""

    def __init__(self, loop: LoopThread, profile: Path, namespace: str | None = None) -> None:
        self._loop = loop
        self._namespace = namespace
        lines = [f'user_pref("{name}", {json.dumps(value)});\n' for name, value in _PREFERENCES.items()]
        (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        self._errors: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        try:
            self._loop.run(self._start(profile))
        except BaseException:
            self._loop.run(self._kill())
            raise

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of WebDriver BiDi."""
        return self._loop.run(self._bidi.command(method, **params))

    def new_context(self) -> FirefoxContext:
        """A browser with no memory."""
        self._errors = []
        identifier = self.command("browser.createUserContext")["userContext"]
        return FirefoxContext(self, identifier, self._errors)

    def close(self) -> None:
        """Ends the process."""
        self._loop.run(self._stop())

    def _socket(self) -> socket.socket:
        """What reaches the loopback of its network."""
        return socket.socket() if self._namespace is None else inside(self._namespace, socket.socket)

    async def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _start(self, profile: Path) -> None:
        path = shutil.which("firefox-esr") or shutil.which("firefox")
        if path is None:
            raise FileNotFoundError("no Firefox found; on Debian: apt-get install firefox-esr")
        arguments = ("--headless", "--no-remote", "--remote-debugging-port=0", "--profile", str(profile))
        command = [path, *arguments] if self._namespace is None else within(self._namespace, path, *arguments)
        process = self._process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        said = ""
        while not (found := _LISTENING.search(said)):
            line = await process.stderr.readline()
            if not line:
                raise AssertionError(f"Firefox ended with {await process.wait()}:\n{said}")
            said += line.decode(errors="replace")
        self._drain = asyncio.create_task(process.stderr.read())
        self._bidi = await BidiConnection.open(found[1], self._socket)
        await self._bidi.on("log.entryAdded", self._logged)

    async def _stop(self) -> None:
        assert self._process is not None
        await self._bidi.close()
        self._process.terminate()
        await self._process.wait()
        await self._drain

    def _logged(self, entry: dict[str, Any]) -> None:
        if entry["type"] == "javascript" and entry["level"] == "error" and _UNCAUGHT.match(entry["text"]):
            self._errors.append(entry["text"])
