"""A file's name as a stranger gives it, made one that can do no harm here."""

import itertools
import re
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath

LONGEST_BYTES = 200
"""Of the 255 that file systems take; ` (99)` and `.part` come behind it."""
UNNAMED = "file"

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
"""What Windows takes for devices, whatever the extension."""
_FORBIDDEN = re.compile(r'[<>:"|?*]')


def safe_name_untrusted(name: str) -> str:
    """The last component of a path of any system, as a visible file of this directory.

    Control characters and those that turn the direction of writing are dropped, characters that Windows
    refuses and a leading dot become underscores, names of devices get one in front.
    """
    name = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    name = "".join(character for character in name if not unicodedata.category(character).startswith("C"))
    name = _FORBIDDEN.sub("_", name).strip().rstrip(". ")
    if name.startswith("."):
        name = "_" + name[1:]
    if _RESERVED.fullmatch(name.partition(".")[0].rstrip()):
        name = "_" + name
    return _shortened(name) or UNNAMED


def alternatives(name: str) -> Iterator[str]:
    """The name itself, then `name (1).ext`, `name (2).ext` and so on."""
    yield name
    stem, suffix = _split(name)
    for number in itertools.count(1):
        yield f"{stem} ({number}){suffix}"


def _shortened(name: str) -> str:
    """Cuts the stem, so that the extension stays."""
    if len(name.encode()) <= LONGEST_BYTES:
        return name
    stem, suffix = _split(name)
    suffix_bytes = suffix.encode()[:32]
    stem_bytes = stem.encode()[: LONGEST_BYTES - len(suffix_bytes)]
    return stem_bytes.decode(errors="ignore").rstrip(". ") + suffix_bytes.decode(errors="ignore")


def _split(name: str) -> tuple[str, str]:
    """`archive.tar.gz` is `archive` and `.tar.gz`."""
    path = PurePosixPath(name)
    suffix = path.suffix
    if PurePosixPath(path.stem).suffix == ".tar":
        suffix = ".tar" + suffix
    return name[: len(name) - len(suffix)], suffix
