"""Binding the server's ports, with errors that say what to do."""

import errno
import socket
from collections.abc import Sequence

from visavis.errors import StartError

_BACKLOG = 512


def bind_tcp(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """One listening socket per address, all on one port; port 0 is picked by the system.

    An address that this machine does not have (::1 where IPv6 is off) is skipped while another one works.

    Raises:
        OSError: none could be bound, or one is in use.
    """
    sockets: list[socket.socket] = []
    missing: OSError | None = None
    try:
        for address in addresses:
            try:
                sockets.append(_bind_one(address, sockets[0].getsockname()[1] if sockets else port))
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                missing = error
        if not sockets:
            raise missing or OSError(errno.EADDRNOTAVAIL, "no address to listen on")
    except BaseException:
        for each in sockets:
            each.close()
        raise
    return sockets


def pick_udp_port(addresses: Sequence[str]) -> int:
    """A UDP port that was free on the first of `addresses` a moment ago."""
    address = addresses[0]
    with socket.socket(_family(address), socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def explain(error: OSError, option: str, port: int, protocol: str) -> StartError:
    """What `error` means for the one who starts the server."""
    flag = "--" + option.replace("_", "-")
    match error.errno:
        case errno.EADDRINUSE:
            what = f"{protocol} port {port} is in use by another program"
            advice = f"stop that one, or choose another port with {flag}"
        case errno.EACCES | errno.EPERM:
            what = f"{protocol} port {port} may not be opened by this user"
            advice = f"choose one from 1024 on with {flag}, or give the program the right to bind it"
        case errno.EADDRNOTAVAIL:
            what = f"this machine does not have the address for {protocol} port {port}"
            advice = "give --host an address of this machine, or 0.0.0.0 for all of them"
        case _:
            what = f"{protocol} port {port} cannot be opened: {error.strerror or error}"
            advice = f"choose another one with {flag}"
    return StartError(f"{what}; {advice}")


def _bind_one(address: str, port: int) -> socket.socket:
    bound = socket.socket(_family(address), socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if bound.family is socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        bound.listen(_BACKLOG)
        bound.setblocking(False)
    except BaseException:
        bound.close()
        raise
    return bound


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
