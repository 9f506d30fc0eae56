"""The four ways of a transfer: who has the files, and who waits at the link."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from visavis.transfer.channel import Messages
from visavis.transfer.host import Host, Serve
from visavis.transfer.messages import Direction
from visavis.transfer.nearby import nearby
from visavis.transfer.opening import HostOptions, Opened, open_host
from visavis.transfer.peer import Peer
from visavis.transfer.receiving import Incoming, Receiver
from visavis.transfer.secret import Code, Link
from visavis.transfer.sending import Outgoing, Sender
from visavis.transfer.visitor import Pause, Visitor
from visavis.transfer.watch import Watch

_MOST_REMEMBERED = 64
"""Of so many visitors it is known, when they come again, what has come of their files."""

Announce = Callable[[Opened, Code | None], None]
"""Shows where the host can be found, and by which code if machines nearby can ask for it."""


@dataclass(slots=True)
class Place:
    """Where files go, and what came of them: `failed` has the reasons."""

    directory: Path
    force: bool = False
    received: list[Path] = field(default_factory=list[Path])
    failed: list[str] = field(default_factory=list[str])

    def take_stock(self, incoming: Incoming) -> None:
        """What one sender has brought so far, beside what others have."""
        self.received += [path for path in incoming.received.values() if path not in self.received]
        self.failed += [reason for reason in incoming.failed.values() if reason not in self.failed]


async def offer(
    outgoing: Outgoing, options: HostOptions, watch: Watch, announce: Announce, *, stays: bool = False
) -> None:
    """Waits at a link and gives files to whoever comes, until all of them have been delivered.

    Args:
        outgoing: the files, and what comes of them.
        options: of the host.
        watch: is told how it goes.
        announce: shows the link.
        stays: whether it goes on after that, until it is cancelled.

    Raises:
        ConfigError: see `open_host`.
        StartError: see `open_host`.
    """
    over = asyncio.Event()

    async def serve(peer: Peer, messages: Messages, _visitor: str) -> None:
        watch.met()
        try:
            await Sender(outgoing, peer.channel, watch, peer.message_bytes, stays=stays).run(messages)
        finally:
            watch.lost()
            if outgoing.is_over and not stays:
                over.set()

    await _host(Direction.SENDS, serve, options, announce, over)


async def await_files(
    place: Place, options: HostOptions, watch: Watch, announce: Announce, *, stays: bool = False
) -> None:
    """Waits at a link and takes files of whoever comes, until one has brought some and left.

    Args:
        place: where they go, and what comes of them.
        options: of the host.
        watch: is told how it goes.
        announce: shows the link.
        stays: whether it goes on after that, until it is cancelled.

    Raises:
        ConfigError: see `open_host`.
        StartError: see `open_host`.
    """
    over = asyncio.Event()
    known: dict[str, Incoming] = {}

    async def serve(peer: Peer, messages: Messages, visitor: str) -> None:
        watch.met()
        incoming = known.pop(visitor, None) or Incoming(place.directory, place.force)
        known[visitor] = incoming
        while len(known) > _MOST_REMEMBERED:
            known.pop(next(iter(known))).close()
        try:
            await Receiver(incoming, peer.channel, watch, stays=True).run(messages)
        finally:
            watch.lost()
            place.take_stock(incoming)
        if not stays and (incoming.received or incoming.failed):
            over.set()

    try:
        await _host(Direction.RECEIVES, serve, options, announce, over)
    finally:
        for incoming in known.values():
            incoming.close()


async def give(outgoing: Outgoing, link: Link, watch: Watch, pause: Pause = asyncio.sleep) -> None:
    """Brings files to a link where somebody waits for them. Raises as `Visitor.run` does.

    Args:
        outgoing: the files, and what comes of them.
        link: where to.
        watch: is told how it goes.
        pause: waits before another attempt.
    """

    async def visit(peer: Peer, messages: Messages) -> None:
        await Sender(outgoing, peer.channel, watch, peer.message_bytes).run(messages)

    await Visitor(link, Direction.RECEIVES, visit, watch, pause).run()


async def take(place: Place, link: Link, watch: Watch, pause: Pause = asyncio.sleep) -> None:
    """Fetches all files of a link. Raises as `Visitor.run` does.

    Args:
        place: where they go, and what comes of them.
        link: where from.
        watch: is told how it goes.
        pause: waits before another attempt.
    """
    incoming = Incoming(place.directory, place.force)

    async def visit(peer: Peer, messages: Messages) -> None:
        await Receiver(incoming, peer.channel, watch).run(messages)

    try:
        await Visitor(link, Direction.SENDS, visit, watch, pause).run()
    finally:
        place.take_stock(incoming)
        incoming.close()


async def _host(
    direction: Direction,
    serve: Serve,
    options: HostOptions,
    announce: Announce,
    over: asyncio.Event,
) -> None:
    opened = open_host(options)
    try:
        async with Host(opened.links[0].secret, direction, serve) as host:
            pem = opened.authority.read_bytes() if opened.authority is not None else None
            await host.start(opened.sockets, opened.names, opened.context, pem)
            with nearby(opened) as code:
                announce(opened, code)
                await over.wait()
    finally:
        opened.close()
