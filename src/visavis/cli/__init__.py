"""The `visavis` command."""

from visavis.cli.main import main

__all__ = ["main"]
