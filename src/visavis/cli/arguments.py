"""The command line: verbs, flags made from the table of options, errors of one line."""

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Never, cast

from visavis.cli.transfer_arguments import (
    TRANSFER_FLAGS,
    TransferArguments,
    add_receive,
    add_send,
    read_transfer,
)
from visavis.config import OPTIONS
from visavis.errors import ConfigError
from visavis.server import version

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2

_EXIT_CODES = """\
exit status:
  0    it did what was asked: every file has arrived, and its checksum is right; a server was stopped by
       Ctrl-C or SIGTERM and has drained
  1    it could not: a port is in use, for instance, or a file did not arrive
  2    the command line, a VISAVIS_* variable or the configuration file is wrong
  130  Ctrl-C ended a transfer, or a second one a server before it had drained
"""

_VERBS = ("serve", "send", "receive", "config")
_FORMAT = argparse.RawDescriptionHelpFormatter


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was asked: `verb` is `serve`, `config show`, `send` or `receive`; `flags` are raw values by option
    name.
    """

    verb: str
    flags: Mapping[str, str]
    file: Path | None
    as_json: bool = False
    transfer: TransferArguments | None = None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Never:
        """Says what is wrong in one line, and exits with 2."""
        sys.stderr.write(f"visavis: {message}; see {self.prog} --help\n")
        raise SystemExit(EXIT_USAGE)


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Reads the command line; `serve` is meant when no verb is named. Exits with 2 on a mistake."""
    argv = list(argv)
    if not argv or argv[0] not in (*_VERBS, "-h", "--help", "--version"):
        if argv and not argv[0].startswith("-"):
            _top().error(f"unknown command {argv[0]}{_near(argv[0], _VERBS)}")
        argv.insert(0, "serve")
    parser = _top()
    found, unknown = parser.parse_known_args(argv)
    if unknown:
        known = [option.flag for option in OPTIONS] + ["--config", "--json"]
        known = list(TRANSFER_FLAGS) if argv[0] in ("send", "receive") else known
        parser.error(f"unknown option {unknown[0]}{_near(unknown[0].split('=')[0], known)}")
    values = cast("dict[str, object]", vars(found))
    if values["verb"] in ("send", "receive"):
        try:
            return Arguments(str(values["verb"]), {}, None, transfer=read_transfer(values))
        except ConfigError as error:
            parser.error(str(error))
    flags: dict[str, str] = {}
    for option in OPTIONS:
        value = values.get(option.name)
        if isinstance(value, list):
            flags[option.name] = ",".join(cast("list[str]", value))
        elif isinstance(value, str):
            flags[option.name] = value
    file = values.get("config")
    return Arguments(
        verb="serve" if values["verb"] == "serve" else "config show",
        flags=flags,
        file=Path(file).expanduser() if isinstance(file, str) else None,
        as_json=values.get("json") is True,
    )


def _top() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="visavis",
        description="WebRTC, complete: calls in the browser, files from one machine to another.",
        epilog=_EXIT_CODES,
        formatter_class=_FORMAT,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"visavis {version()}")
    verbs = parser.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    help_text = "start the server (what is done when no command is named)"
    _add_options(verbs.add_parser("serve", help=help_text, formatter_class=_FORMAT, allow_abbrev=False))
    for add in (add_send, add_receive):
        add(verbs, _EXIT_CODES)
    config = verbs.add_parser(
        "config", help="look at the configuration", formatter_class=_FORMAT, allow_abbrev=False
    )
    config_verbs = config.add_subparsers(dest="config_verb", metavar="COMMAND", required=True)
    show = config_verbs.add_parser(
        "show", help="print each value and where it came from", formatter_class=_FORMAT, allow_abbrev=False
    )
    _add_options(show)
    show.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _EXIT_CODES
    help_text = "a TOML file with the options below, named as here without the dashes (VISAVIS_CONFIG)"
    parser.add_argument("--config", metavar="FILE", help=help_text)
    for option in OPTIONS:
        help_text = f"{option.help} ({option.variable})"
        action = "append" if option.repeatable else "store"
        parser.add_argument(
            option.flag, dest=option.name, metavar=option.metavar, help=help_text, action=action
        )


def _near(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
