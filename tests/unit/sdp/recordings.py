"""Descriptions that browsers wrote, byte for byte; those `after-…-layout` are written by hand after it."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "recorded"


def recorded(name: str) -> str:
    """A recording's text, with its CRLF."""
    return (_FOLDER / f"{name}.sdp").read_bytes().decode()


def names() -> list[str]:
    """All recordings, in a fixed order."""
    return sorted(path.stem for path in _FOLDER.glob("*.sdp"))
