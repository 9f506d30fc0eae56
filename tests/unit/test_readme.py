"""The program in the README does what the README says."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
GUARD_S = 60.0


def test_the_program_in_the_readme_shows_a_picture_and_a_sound() -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", found.group(1)],
        capture_output=True,
        text=True,
        timeout=GUARD_S,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert {line.partition("(")[0] for line in run.stdout.splitlines()} == {"AudioFrame", "VideoFrame"}
