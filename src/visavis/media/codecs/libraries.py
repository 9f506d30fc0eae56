"""Where libopus and libvpx come from.

PyAV's wheels carry both for every platform, and they are loaded with PyAV anyway; so they need no compiler
and no system package, and follow PyAV's security updates. Where PyAV was built from source, the system's are
taken.
"""

import ctypes
import ctypes.util
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from visavis.errors import VisavisError

_log = logging.getLogger(__name__)


class CodecLibraryError(VisavisError):
    """A codec's library is missing, or not one that visavis can call; the message says what to do."""


def load_library(name: str) -> ctypes.CDLL:
    """The library `name` ("opus", "vpx"), PyAV's before the system's; calls release the GIL.

    Raises:
        CodecLibraryError: There is none, or it cannot be loaded.
    """
    failures: list[str] = []
    for candidate in _candidates(name):
        try:
            library = ctypes.CDLL(candidate)
        except OSError as error:
            failures.append(str(error))
            continue
        _log.debug("lib%s is %s", name, candidate)
        return library
    tried = f" Tried: {'; '.join(failures)}." if failures else ""
    raise CodecLibraryError(
        f"lib{name} was not found, neither in PyAV's wheel nor in the system: install PyAV from its wheel "
        f"(pip install --force-reinstall --only-binary av av), or lib{name} by the system's packages.{tried}"
    )


def declare(library: ctypes.CDLL, functions: dict[str, tuple[Any, list[Any]]]) -> None:
    """Gives a library's functions their types. Raises CodecLibraryError when one is missing."""
    for name, (result, arguments) in functions.items():
        try:
            function: Any = getattr(library, name)
        except AttributeError as error:
            raise CodecLibraryError(f"{library} has no {name}; reinstall PyAV") from error
        function.restype = result
        function.argtypes = arguments


def _candidates(name: str) -> Iterator[str]:
    package = Path(av.__file__).parent
    match sys.platform:
        case "darwin":
            folder, pattern = package / ".dylibs", f"lib{name}*.dylib"
        case "win32":
            folder, pattern = package.parent / "av.libs", f"*{name}*.dll"
        case _:
            folder, pattern = package.parent / "av.libs", f"lib{name}-*.so*"
    yield from (str(path) for path in sorted(folder.glob(pattern)))
    if found := ctypes.util.find_library(name):
        yield found
