"""The socket of multicast DNS: opened when a name is first asked for or published, and not before."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from visavis.clock import LoopClock
from visavis.dataplane.commands import Address
from visavis.ice.mdns import MDNS_PORT, Mdns
from visavis.ice.mdns_message import MAX_MESSAGE_BYTES
from visavis.ice.options import Interface

_log = logging.getLogger(__name__)

GROUP: Final = "224.0.0.251"
"""RFC 6762 section 3. Answers may be of either IP version; that of IPv6 (ff02::fb) is not joined."""

_TTL: Final = 255
_MAX_LINKS: Final = 32
_DATAGRAMS_PER_TURN: Final = 32


class MdnsSocket:
    """Multicast DNS on all links of this machine, beside what else answers there: the port is shared."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        interfaces: Callable[[], Sequence[Interface]],
        port: int = MDNS_PORT,
        new_label: Callable[[], str] | None = None,
    ) -> None:
        """Opens nothing. `port` is another one in tests only; `new_label` is as of `Mdns`."""
        self._loop = loop
        self._interfaces = interfaces
        self._port = port
        self._mdns = Mdns(LoopClock(loop), self._transmit, new_label, port)
        self._socket: socket.socket | None = None
        self._links: set[str] = set()
        self._refused = False

    def resolve(self, name: str, done: Callable[[Sequence[str]], None]) -> bool:
        """Asks for a name; False, and `done` is not called, when the system gives no socket."""
        if not self._ready():
            return False
        self._mdns.resolve(name, done)
        return True

    def publish(self, address: str) -> str | None:
        """A name for an address; None when there are too many, or the system gives no socket."""
        return self._mdns.publish(address) if self._ready() else None

    def withdraw(self, name: str) -> None:
        """Gives up a name that `publish` gave."""
        self._mdns.withdraw(name)

    def close(self) -> None:
        """Takes all names back; idempotent."""
        self._mdns.close()
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            self._links.clear()

    def _ready(self) -> bool:
        """Opens the socket, and joins the group on links that came since."""
        if self._socket is None:
            try:
                self._socket = _open(self._port)
            except OSError as error:
                if not self._refused:
                    _log.warning("no multicast DNS: %s", error.strerror or error)
                self._refused = True
                return False
            self._loop.add_reader(self._socket, self._read, self._socket)
        links = set(_ipv4_links(self._interfaces()))
        for link in sorted(links - self._links):
            _join(self._socket, link)
        self._links = links
        return True

    def _transmit(self, data: bytes, to: Address | None) -> None:
        """Best effort, as datagrams are: questions are repeated, answers asked for again."""
        if self._socket is None:
            return
        if to is not None:
            _send(self._socket, data, to)
            return
        for link in self._links:
            try:
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(link))
            except OSError as error:  # the address has gone
                _log.debug("no multicast DNS from %s: %s", link, error)
            else:
                _send(self._socket, data, (GROUP, self._port))

    def _read(self, bound: socket.socket) -> None:
        for _ in range(_DATAGRAMS_PER_TURN):
            if self._socket is not bound:
                return
            try:
                data, source = bound.recvfrom(MAX_MESSAGE_BYTES + 1)
            except OSError:  # nothing is there, or a router told of what was sent
                return
            self._mdns.handle_datagram_untrusted(data, (source[0], source[1]))


def _open(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _TTL)
        bound.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        bound.bind(("", port))
    except OSError:
        bound.close()
        raise
    return bound


def _ipv4_links(interfaces: Iterable[Interface]) -> list[str]:
    """One address of each interface; loopback only where there is nothing else."""
    first: dict[str, str] = {}
    for one in interfaces:
        if ":" not in one.address:
            first.setdefault(one.name, one.address)
    distant = [address for address in first.values() if not address.startswith("127.")]
    return (distant or list(first.values()))[:_MAX_LINKS]


def _join(bound: socket.socket, link: str) -> None:
    member = socket.inet_aton(GROUP) + socket.inet_aton(link)
    try:
        bound.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError as error:  # the link has no multicast, or is one of which another address has joined
        _log.debug("multicast DNS cannot listen on %s: %s", link, error)


def _send(bound: socket.socket, data: bytes, to: Address) -> None:
    try:
        bound.sendto(data, to)
    except OSError as error:
        _log.debug("multicast DNS cannot send to %s: %s", to[0], error)
