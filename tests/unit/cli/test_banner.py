import io
from pathlib import Path

import pytest
from rich.console import Console

from visavis.cli.banner import print_banner
from visavis.config import ServerConfig
from visavis.server import Server
from visavis.testing.media import RecordingMedia


async def banner(config: ServerConfig, *, terminal: bool) -> tuple[str, Server]:
    out = io.StringIO()
    async with Server(config, media=RecordingMedia) as server:
        print_banner(Console(file=out, width=200, force_terminal=terminal, color_system=None), server)
        return out.getvalue(), server


async def test_on_localhost_it_says_where_what_listens_how_to_stop_and_how_to_let_others_in() -> None:
    out = io.StringIO()
    async with Server(ServerConfig(host="127.0.0.1", port=0), media=RecordingMedia) as server:
        print_banner(Console(file=out, width=200), server)
        lines = [line.strip() for line in out.getvalue().splitlines()]
        assert lines[2] == server.url
        assert f"http   127.0.0.1:{server.port}/tcp" in lines
        assert f"media  127.0.0.1:{server.port}/udp" in lines
    assert "Stop with Ctrl-C." in lines
    assert "visavis serve --host 0.0.0.0" in out.getvalue()
    assert "█" not in out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
async def test_beyond_localhost_it_has_a_qr_code_on_a_terminal_and_says_how_to_trust_it(
    tmp_path: Path, terminal: bool
) -> None:
    text, _ = await banner(ServerConfig(host="0.0.0.0", port=0, data_dir=tmp_path), terminal=terminal)
    assert ("█" in text) is terminal
    assert f"{tmp_path / 'ca.pem'}" in text
    assert "/ca.pem there" in text
    assert "Only this machine" not in text
