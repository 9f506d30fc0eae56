import io
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from visavis.cli import main
from visavis.cli.arguments import parse_arguments
from visavis.cli.transfer_arguments import TransferArguments
from visavis.cli.transfer_progress import TransferProgress
from visavis.testing.clock import ManualClock
from visavis.transfer.messages import FileInfo
from visavis.transfer.opening import HostOptions

GUARD_S = 120
FILE = FileInfo("big.iso", 1_000_000_000)


def run(argv: Sequence[str]) -> int:
    try:
        return main(argv)
    except SystemExit as ended:
        return int(ended.code or 0)


def test_what_is_asked_for_is_read() -> None:
    sending = parse_arguments(["send", "a", "b", "--port", "8123", "--keep"])
    assert sending.verb == "send"
    assert sending.transfer == TransferArguments(
        (Path("a"), Path("b")), None, HostOptions(port=8123), stays=True
    )
    receiving = parse_arguments(["receive", "LINK", "--into", "there", "--force"])
    assert receiving.transfer == TransferArguments((), "LINK", HostOptions(), into=Path("there"), force=True)


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["send"], 2, "the following arguments are required: FILE"),
        (["send", "missing"], 2, "missing cannot be read: No such file or directory"),
        (["send", "."], 2, "is a directory; pack it first"),
        (["send", "x", "--inot", "y"], 2, "unknown option --inot; did you mean --into?"),
        (["send", "x", "--port", "-1"], 2, "expected a number from 0 to 65535"),
        (["send", "x", "--cert", "y"], 2, "give both or neither"),
        (["send", "x", "--to", "y", "--port", "1"], 2, "are for the end that waits at a link"),
        (["receive", "nonsense"], 2, "nonsense' is no link and no code"),
        (["receive", "http://127.0.0.1:9/"], 2, "has no secret behind #"),
        (["receive", "http://127.0.0.1:1/#2mqp-9xhr-t4nb"], 1, "does not answer"),
        (["recieve"], 2, "unknown command recieve; did you mean receive?"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    argv: list[str], status: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(argv) == status
    said = capsys.readouterr().err
    assert words in said
    assert said.startswith("visavis: ")
    assert said.count("\n") == 1


def test_two_programs_pass_a_file_and_end_with_success(tmp_path: Path) -> None:
    content = b"0123456789" * 200_000
    (tmp_path / "a.bin").write_bytes(content)
    command = [sys.executable, "-W", "error", "-m", "visavis"]
    with subprocess.Popen(
        [*command, "send", "a.bin", "--host", "127.0.0.1"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as sender:
        assert sender.stdout is not None
        link = next(found[0] for line in sender.stdout if (found := re.search(r"http://\S+", line)))
        receiver = subprocess.run(
            [*command, "receive", link, "--into", "there"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=GUARD_S,
            check=False,
        )
        said, _ = sender.communicate(timeout=GUARD_S)
    assert (receiver.returncode, receiver.stderr, sender.returncode) == (0, "", 0)
    assert (tmp_path / "there" / "a.bin").read_bytes() == content
    assert re.search(r"there/a.bin: received, 2.0 MB at .*/s, checksum ok", receiver.stdout)
    assert re.search(r"a.bin: sent, 2.0 MB at .*/s, checksum ok", said)


def shown(clock: ManualClock, *, is_terminal: bool) -> tuple[TransferProgress, io.StringIO]:
    out = io.StringIO()
    return TransferProgress(out, clock, is_terminal=is_terminal, width=100, sends=False), out


def test_a_terminal_has_one_line_that_changes() -> None:
    clock = ManualClock()
    progress, out = shown(clock, is_terminal=True)
    progress.begun(FILE, 0)
    clock.advance(2)
    progress.moved(FILE, 250_000_000)
    progress.finished(FILE, Path("into/big.iso"))
    lines = out.getvalue().split("\r\x1b[K")
    assert lines[1] == "big.iso  25% ━━━━━━·················· 250 MB of 1.0 GB, 125 MB/s, 6 s left"
    assert lines[2] == "into/big.iso: received, 1.0 GB at 125 MB/s, checksum ok\n"


def test_elsewhere_a_plain_line_is_written_now_and_then() -> None:
    clock = ManualClock()
    progress, out = shown(clock, is_terminal=False)
    progress.begun(FILE, 100_000_000)
    for _ in range(25):
        clock.advance(1)
        progress.moved(FILE, 500_000_000)
    assert out.getvalue().splitlines() == [
        "big.iso: goes on from 100 MB of 1.0 GB",
        "big.iso: 50%, 500 MB of 1.0 GB, 0 B/s",
        "big.iso: 50%, 500 MB of 1.0 GB, 0 B/s",
    ]


def test_nothing_that_a_stranger_says_reaches_the_terminal_as_it_is() -> None:
    progress, out = shown(ManualClock(), is_terminal=False)
    progress.failed(FileInfo("\x1b[2J\u202ename", 1), "\x1b]0;title\x07\ud800")
    assert out.getvalue() == "[2Jname: not received: \\x1b]0;title\\x07\\ud800\n"
