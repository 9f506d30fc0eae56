"""The command line of `visavis send` and `visavis receive`."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from visavis.errors import ConfigError
from visavis.transfer.opening import HostOptions

if TYPE_CHECKING:
    Verbs = argparse._SubParsersAction[Any]

TRANSFER_FLAGS = ("--to", "--into", "--force", "--keep", "--host", "--port", "--https", "--cert", "--key")

_SEND = """\
examples:
  visavis send holiday.mp4               prints a link and a code: open the link in a browser, or give
                                         visavis receive either
  visavis send a.txt b.txt --to LINK     brings files to a visavis receive that waits
"""
_RECEIVE = """\
examples:
  visavis receive LINK                   fetches the files of a visavis send; the same command goes on where
                                         it was stopped
  visavis receive                        prints a link: files are dropped on its page, or sent by
                                         visavis send FILE --to LINK
"""


@dataclass(frozen=True, slots=True)
class TransferArguments:
    """What was asked: `files` are to be sent, without any some are to be received; `peer` is a link or code
    of the other end, without one this end waits.
    """

    files: tuple[Path, ...]
    peer: str | None
    options: HostOptions
    into: Path = Path()
    force: bool = False
    stays: bool = False


def add_send(verbs: "Verbs", epilog: str) -> None:
    """Adds `send`."""
    parser = _parser(verbs, "send", "send files to a browser or a terminal", _SEND + "\n" + epilog)
    parser.add_argument("files", metavar="FILE", nargs="+", help="what to send")
    parser.add_argument("--to", dest="peer", metavar="LINK", help="the link or code of a visavis receive")
    _add_host(parser)


def add_receive(verbs: "Verbs", epilog: str) -> None:
    """Adds `receive`."""
    parser = _parser(verbs, "receive", "receive files from a browser or a terminal", _RECEIVE + "\n" + epilog)
    parser.add_argument("peer", metavar="LINK", nargs="?", help="the link or code of a visavis send")
    parser.add_argument("--into", metavar="DIR", default=".", help="where files go; here, unless named")
    parser.add_argument("--force", action="store_true", help="overwrite files that have the same names")
    _add_host(parser)


def read_transfer(values: Mapping[str, object]) -> TransferArguments:
    """What was parsed.

    Raises:
        ConfigError: Values do not fit, or do not fit together.
    """
    peer = cast("str | None", values["peer"])
    options = _options(values)
    if peer is not None and (options != HostOptions() or values["keep"]):
        raise ConfigError(
            "--host, --port, --https, --cert, --key and --keep are for the end that waits at a link"
        )
    return TransferArguments(
        files=tuple(Path(name).expanduser() for name in cast("list[str]", values.get("files", []))),
        peer=peer,
        options=options,
        into=Path(cast("str", values.get("into", "."))).expanduser(),
        force=values.get("force") is True,
        stays=values["keep"] is True,
    )


def _parser(verbs: "Verbs", name: str, help: str, epilog: str) -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=help, epilog=epilog, formatter_class=formatter, allow_abbrev=False
    )
    return parser


def _add_host(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--keep", action="store_true", help="go on after the first transfer, until Ctrl-C")
    add("--host", metavar="HOST", help="where to listen; on all networks of this machine, unless named")
    add("--port", metavar="PORT", help="the TCP port; any that is free, unless named")
    add("--https", action="store_true", help="serve the page by HTTPS; browsers warn of its certificate")
    add("--cert", metavar="FILE", help="certificate chain for HTTPS, with --key")
    add("--key", metavar="FILE", help="private key of --cert, without a passphrase")


def _options(values: Mapping[str, object]) -> HostOptions:
    host, port = cast("str | None", values["host"]), cast("str | None", values["port"])
    cert, key = cast("str | None", values["cert"]), cast("str | None", values["key"])
    if (cert is None) != (key is None):
        raise ConfigError("--cert needs --key, and --key --cert: give both or neither")
    if port is not None and not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ConfigError(f"--port {port} does not fit; expected a number from 0 to 65535")
    defaults = HostOptions()
    return HostOptions(
        host=host or defaults.host,
        port=int(port) if port is not None else defaults.port,
        https=values["https"] is True,
        cert=Path(cert).expanduser() if cert else None,
        key=Path(key).expanduser() if key else None,
    )
