"""The examples, run as their readers run them, with a real browser at the other end."""

import ast
import asyncio
import importlib.util
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.interop.loops import LoopThread
from tests.interop.pages import OpenPage

_EXAMPLES = Path(__file__).parents[2] / "examples"
_README = Path(__file__).parents[2] / "README.md"

PIXELS = """() => {
    const video = document.querySelector('#remote');
    if (!video.videoWidth) return null;
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 64, 36);
    return context.getImageData(0, 0, 64, 36).data.join();
}"""
DIFFER = f"(before) => {{ const now = ({PIXELS})(); return now !== null && now !== before; }}"


def load(name: str) -> Any:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, _EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    return example


def run(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[web.Application, str]:
    """An example, run as a program up to where it serves: what it serves, and where it would."""
    served: list[tuple[web.Application, str]] = []

    def run_app(application: web.Application, *, host: str, port: int) -> None:
        served.append((application, f"http://{host}:{port}"))

    monkeypatch.setattr(web, "run_app", run_app)
    runpy.run_path(str(_EXAMPLES / f"{name}.py"), run_name="__main__")
    [one] = served
    return one


async def serve(application: web.Application) -> Any:
    server = TestServer(application, host="127.0.0.1")
    await server.start_server()
    return server


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    with LoopThread() as running:
        yield running


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_page_calls_the_program_and_both_see_each_other(
    browser: str,
    open_page: OpenPage,
    loop: LoopThread,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = loop.run(serve(run("answer_a_page", monkeypatch)[0]))
    page = open_page(browser)
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.wait_for_function(DIFFER, arg=page.wait_for_function(PIXELS).json_value())

    async def printed() -> str:
        said = ""
        async with asyncio.timeout(30):
            while "video" not in said or "audio" not in said:
                said += capfd.readouterr().out
                await asyncio.sleep(0)
        return said

    assert {line.split()[0] for line in loop.run(printed()).splitlines()} == {"audio", "video"}
    page.goto("about:blank")
    loop.run(server.close())


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_the_program_calls_a_page_and_the_page_sees_it(
    browser: str, open_page: OpenPage, loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = loop.run(serve(run("call_a_browser", monkeypatch)[0]))
    page = open_page(browser)
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.evaluate("() => document.querySelector('#take').click()")
    page.wait_for_function(DIFFER, arg=page.wait_for_function(PIXELS).json_value())
    page.goto("about:blank")
    loop.run(server.close())


@pytest.mark.parametrize("name", ["answer_a_page", "call_a_browser", "game_server"])
def test_an_example_serves_where_it_says_and_the_readme_says_how(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, url = run(name, monkeypatch)
    told = ast.get_docstring(ast.parse((_EXAMPLES / f"{name}.py").read_text())) or ""
    assert url in told
    assert f"python examples/{name}.py" in _README.read_text()


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_player_moves_where_the_server_says(browser: str, open_page: OpenPage, loop: LoopThread) -> None:
    example = load("game_server")

    server = loop.run(serve(example.game()))
    page = open_page(browser)
    page.goto(f"http://127.0.0.1:{server.port}/")
    text = "(id) => document.getElementById(id).textContent"
    page.wait_for_function(f"() => ({text})('latency').endsWith('ms') && Number(({text})('rate')) > 0")
    assert [player["x"] for player in example.players.values()] == [320]
    page.evaluate("() => { onkeydown(new KeyboardEvent('keydown', { key: 'ArrowRight' })); }")

    async def moved() -> None:
        async with asyncio.timeout(30):
            while True:
                await asyncio.sleep(0)
                if [player["x"] for player in example.players.values()] == [640]:
                    return

    loop.run(moved())
    page.goto("about:blank")
    loop.run(server.close())
