"""`visavis send` and `visavis receive`."""

import asyncio
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from visavis.cli.banner import qr_code
from visavis.cli.transfer_arguments import TransferArguments
from visavis.cli.transfer_progress import TransferProgress
from visavis.clock import LoopClock
from visavis.config import LogFormat, LogLevel
from visavis.server import logs
from visavis.transfer import exchange, secret
from visavis.transfer.exchange import Place
from visavis.transfer.nearby import find
from visavis.transfer.opening import Opened
from visavis.transfer.progress import said_size
from visavis.transfer.secret import Code, Link
from visavis.transfer.sending import Outgoing
from visavis.transfer.source_file import SourceFile

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def transfer(console: Console, arguments: TransferArguments) -> int:
    """Sends or receives; returns the exit status.

    Raises:
        ConfigError: A file cannot be read, or the link is none.
        VisavisError: The other end cannot be reached, or does not know the secret.
    """
    logs.set_up(LogFormat.TEXT, LogLevel.WARNING)
    run = _send if arguments.files else _receive
    try:
        return asyncio.run(run(console, arguments))
    except KeyboardInterrupt:
        sys.stderr.write(f"visavis: stopped{'' if arguments.files else _KEPT}\n")
        return EXIT_INTERRUPTED


_KEPT = "; what has come is kept in .part files, and the same command goes on from there"


async def _send(console: Console, arguments: TransferArguments) -> int:
    outgoing = Outgoing([SourceFile.find(path) for path in arguments.files])
    watch = _watch(console, sends=True)
    if arguments.peer is not None:
        await exchange.give(outgoing, await _link(arguments.peer), watch)
    else:
        announce = _announce(console, _said(outgoing.files), "visavis receive")
        await exchange.offer(outgoing, arguments.options, watch, announce, stays=arguments.stays)
    return EXIT_OK if len(outgoing.delivered) == len(outgoing.files) else EXIT_FAILED


async def _receive(console: Console, arguments: TransferArguments) -> int:
    place = Place(arguments.into, arguments.force)
    watch = _watch(console, sends=False)
    if arguments.peer is not None:
        await exchange.take(place, await _link(arguments.peer), watch)
    else:
        announce = _announce(console, "Waiting for files", "visavis send FILE --to")
        await exchange.await_files(place, arguments.options, watch, announce, stays=arguments.stays)
    return EXIT_FAILED if place.failed else EXIT_OK


def _watch(console: Console, *, sends: bool) -> TransferProgress:
    clock = LoopClock(asyncio.get_running_loop())
    return TransferProgress(
        console.file, clock, is_terminal=console.is_terminal, width=console.width, sends=sends
    )


async def _link(text: str) -> Link:
    found = secret.read(text)
    return found if isinstance(found, Link) else await find(found)


def _said(files: Sequence[SourceFile]) -> str:
    total = said_size(sum(file.info.size for file in files))
    name = logs.escaped(files[0].info.name)
    return f"{name}, {total}" if len(files) == 1 else f"{len(files)} files, {total}"


def _announce(console: Console, what: str, command: str) -> Callable[[Opened, Code | None], None]:
    """Shows where this end can be found; the first line that holds a URL holds the one to open."""

    def show(opened: Opened, code: Code | None) -> None:
        link, *others = opened.links
        console.print()
        console.print(f"  [bold]{what}[/bold]. Open in a browser", highlight=False, soft_wrap=True)
        console.print(f"  [bold cyan]{link}[/bold cyan]", highlight=False, soft_wrap=True)
        console.print("  or run on the other machine", highlight=False)
        shown = str(code) if code is not None else f"'{link}'"
        console.print(f"  {command} {shown}", highlight=False, soft_wrap=True)
        if console.is_terminal:
            console.print()
            console.print(qr_code(str(link)), highlight=False, markup=False, soft_wrap=True)
        console.print()
        for other in others:
            console.print(f"  also {other}", highlight=False, soft_wrap=True)
        if opened.authority is not None:
            console.print(f"  Browsers warn of the certificate, unless they trust {link.url}/ca.pem")
        console.print("  Whoever has this has access. Stop with Ctrl-C.", highlight=False)
        console.print()
        console.file.flush()

    return show
