"""Entry point: from the command line to an exit status, without a traceback for what the user can mend."""

import os
import sys
from collections.abc import Sequence

from rich.console import Console

from visavis.cli.arguments import EXIT_FAILED, EXIT_OK, EXIT_USAGE, parse_arguments
from visavis.cli.banner import print_banner
from visavis.cli.show import show_as_json, show_as_table
from visavis.cli.transfer import transfer
from visavis.config import Resolved, load
from visavis.errors import ConfigError, VisavisError
from visavis.server import Server, logs, run


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status (0, 1, 2 or 130; see `visavis --help`)."""
    arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
    console = Console()
    try:
        if arguments.transfer is not None:
            return transfer(console, arguments.transfer)
        resolved = load(arguments.flags, os.environ, arguments.file)
        if arguments.verb == "config show":
            (show_as_json if arguments.as_json else show_as_table)(console, resolved)
            return EXIT_OK
        return _serve(console, resolved)
    except ConfigError as error:
        sys.stderr.write(f"visavis: {error}\n")
        return EXIT_USAGE
    except VisavisError as error:
        sys.stderr.write(f"visavis: {error}\n")
        return EXIT_FAILED


def _serve(console: Console, resolved: Resolved) -> int:
    config = resolved.config
    logs.set_up(config.log_format, config.log_level)
    return run(Server(config), lambda server: print_banner(console, server))
