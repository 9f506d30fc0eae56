"""The machine that agents gather on: its addresses, its ports, its resolver."""

import asyncio
import errno
import ipaddress
import math
import os
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import ifaddr

from visavis.dataplane.commands import Address
from visavis.ice.mdns import is_mdns_name
from visavis.ice.mdns_socket import MdnsSocket
from visavis.ice.options import Interface, Machine

_LINUX_IPV6: Final = Path("/proc/net/if_inet6")
_TEMPORARY: Final = 0x01
_DEPRECATED: Final = 0x20
"""Flags of an address (Linux, `ip-address(8)`)."""

_BACKLOG: Final = 16
"""Streams that wait to be accepted."""

_MAX_LOOKUPS: Final = 8
_LOOKUP_TIMEOUT_S: Final = 5.0


def machine_interfaces() -> list[Interface]:
    """The machine's addresses, without deprecated ones (RFC 4862 section 5.5.4)."""
    flags = _ipv6_flags(_LINUX_IPV6)
    found: list[Interface] = []
    for adapter in ifaddr.get_adapters():
        for item in adapter.ips:
            address = item.ip if isinstance(item.ip, str) else item.ip[0]
            flag = flags.get(address, 0)
            if not flag & _DEPRECATED:
                found.append(Interface(adapter.name, address, bool(flag & _TEMPORARY)))
    return found


def _ipv6_flags(path: Path) -> dict[str, int]:
    """The flags of IPv6 addresses, where the system tells them so."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    rows = [line.split() for line in lines]
    return {str(ipaddress.IPv6Address(int(row[0], 16))): int(row[4], 16) for row in rows if len(row) == 6}


def open_udp_socket(host: str, port_range: tuple[int, int] | None) -> tuple[int, int]:
    """Binds UDP on an address of this machine: a descriptor, which the caller owns, and its port.

    Raises:
        OSError: No port of the range is free, or the address is not this machine's.
    """
    return _bind(host, port_range, socket.SOCK_DGRAM)


def open_tcp_listener(host: str, port_range: tuple[int, int] | None) -> tuple[int, int]:
    """Has TCP listen on an address of this machine; else as `open_udp_socket`."""
    return _bind(host, port_range, socket.SOCK_STREAM)


def _bind(host: str, port_range: tuple[int, int] | None, kind: socket.SocketKind) -> tuple[int, int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    low, high = port_range or (0, 0)
    refused: OSError | None = None
    for port in range(low, high + 1):
        bound = socket.socket(family, kind)
        try:
            bound.setblocking(False)
            bound.bind((host, port))
            if kind is socket.SOCK_STREAM:
                bound.listen(_BACKLOG)
        except OSError as error:
            bound.close()
            refused = error
            continue
        name = bound.getsockname()
        return bound.detach(), int(name[1])
    raise refused if refused is not None else OSError(f"port range {low}-{high} is empty")


def open_tcp_stream(host: str, server: Address) -> int:
    """Starts to connect to a server from an address of this machine: a descriptor, which the caller owns.

    Raises:
        OSError: The address is not this machine's, or no way leads from it to the server.
    """
    stream = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        stream.setblocking(False)
        stream.bind((host, 0))
        code = stream.connect_ex(server)
        if code not in (0, errno.EINPROGRESS):
            raise OSError(code, os.strerror(code))
    except OSError:
        stream.close()
        raise
    return stream.detach()


class LoopResolver:
    """Resolves on an event loop, a few names at a time; what takes too long means nothing.

    Names of multicast DNS go to `mdns`, where there is one; the system resolves them where it is set up to
    (`nss-mdns`, macOS, Windows), and asks unicast DNS where it is not.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        lookup: Callable[[str], Awaitable[Sequence[str]]] | None = None,
        timeout_s: float = _LOOKUP_TIMEOUT_S,
        mdns: MdnsSocket | None = None,
    ) -> None:
        """`lookup` raises OSError for a name that means nothing; None is the system's `getaddrinfo`."""
        self.loop = loop
        self._lookup = lookup if lookup is not None else self._system
        self._timeout_s = timeout_s
        self._mdns = mdns
        self._slots = asyncio.Semaphore(_MAX_LOOKUPS)
        self._tasks: set[asyncio.Task[Sequence[str]]] = set()

    def resolve(self, name: str, done: Callable[[Sequence[str]], None]) -> None:
        """Calls `done` from the loop, with no address when the name means nothing or takes too long."""
        if self._mdns is not None and is_mdns_name(name) and self._mdns.resolve(name, done):
            return
        task = self.loop.create_task(self._resolve(name))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, done))

    def close(self) -> None:
        """Lookups under way end, and nobody hears of them."""
        for task in self._tasks:
            task.cancel()

    def _ended(self, done: Callable[[Sequence[str]], None], task: asyncio.Task[Sequence[str]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            done(task.result())

    async def _resolve(self, name: str) -> Sequence[str]:
        async with self._slots:
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._lookup(name)
            except (OSError, TimeoutError, UnicodeError):
                return ()

    async def _system(self, name: str) -> Sequence[str]:
        results = await self.loop.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
        return list(dict.fromkeys(str(result[4][0]) for result in results))


class InterfaceCache:
    """Addresses that are at most `age_s` old: the system takes a millisecond to list them, and a connection
    with several transports, or a hundred connections at once, ask for the same."""

    def __init__(
        self,
        interfaces: Callable[[], Sequence[Interface]],
        monotonic: Callable[[], float],
        age_s: float = 1.0,
    ) -> None:
        self._monotonic = monotonic
        self._interfaces = interfaces
        self._age_s = age_s
        self._listed_s = -math.inf
        self._known: Sequence[Interface] = ()

    def __call__(self) -> Sequence[Interface]:
        """The addresses."""
        now = self._monotonic()
        if now - self._listed_s > self._age_s:
            self._known = tuple(self._interfaces())
            self._listed_s = now
        return self._known


_known_interfaces: Final = InterfaceCache(machine_interfaces, time.monotonic)


def this_machine(resolver: LoopResolver) -> Machine:
    """The real one, for agents on the resolver's loop."""
    return Machine(_known_interfaces, open_udp_socket, open_tcp_stream, open_tcp_listener, resolver)
