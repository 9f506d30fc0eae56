"""Which visavis this is."""

from importlib import metadata


def version() -> str:
    """The installed version; `0+source` when it runs from a source tree."""
    try:
        return metadata.version("visavis")
    except metadata.PackageNotFoundError:
        return "0+source"
