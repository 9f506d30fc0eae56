"""Which addresses a server listens on, and which it tells browsers."""

import ipaddress
import socket
from collections.abc import Callable, Iterable

import ifaddr

from visavis.errors import ConfigError


def interface_addresses() -> list[str]:
    """The machine's addresses, IPv4 first; link-local ones are left out, since they need a zone to be
    reached.
    """
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for item in adapter.ips:
            text = item.ip if isinstance(item.ip, str) else item.ip[0]
            if not ipaddress.ip_address(text).is_link_local:
                found.append(text)
    return sorted(dict.fromkeys(found), key=lambda text: ":" in text)


def resolve(host: str) -> list[str]:
    """The addresses that `host` means on this machine.

    Raises:
        ConfigError: the name means nothing here.
    """
    try:
        results = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(f"host = {host} cannot be resolved: {error.strerror or error}") from None
    found = [str(result[4][0]) for result in results]
    return sorted(dict.fromkeys(text for text in found if "%" not in text), key=lambda text: ":" in text)


def is_loopback(addresses: Iterable[str]) -> bool:
    """Whether only this machine can reach all of `addresses`."""
    return all(ipaddress.ip_address(text).is_loopback for text in addresses)


def media_addresses(
    listening: Iterable[str], machine: Callable[[], list[str]] = interface_addresses
) -> list[str]:
    """Where the UDP port is opened for a server that listens for HTTP on `listening`, best first.

    One socket per concrete address, so that an answer leaves from where the question came to; a wildcard
    means all addresses of its family. A server on loopback opens its media port on the machine's other
    addresses as well: browsers gather no loopback candidates (RFC 8445 section 5.1.1.1), and Firefox finds no
    way to 127.0.0.1 without one.
    """
    own = machine()
    found: list[str] = []
    for text in listening:
        address = ipaddress.ip_address(text)
        family = [other for other in own if ipaddress.ip_address(other).version == address.version]
        reachable = [other for other in family if not ipaddress.ip_address(other).is_loopback]
        if address.is_unspecified:
            found += reachable or family
        elif address.is_loopback:
            found += [text, *reachable]
        else:
            found.append(text)
    return list(dict.fromkeys(found))


def page_hosts(
    host: str, listening: Iterable[str], machine: Callable[[], list[str]] = interface_addresses
) -> list[str]:
    """By which names and addresses the page can be opened, the best first."""
    listening = list(listening)
    names = [host] if not _is_wildcard(host) else []
    for text in listening:
        address = ipaddress.ip_address(text)
        if address.is_unspecified:
            own = [ipaddress.ip_address(other) for other in machine()]
            names += [
                str(other) for other in own if other.version == address.version and not other.is_loopback
            ]
            names.append("localhost")
    return list(dict.fromkeys(names)) or ["localhost"]


def machine_names(host_name: Callable[[], str] = socket.gethostname) -> list[str]:
    """What the machine calls itself: its whole name, its first label, and that by multicast DNS (RFC 6762
    section 3). No name server is asked.
    """
    whole = host_name()
    label = whole.partition(".")[0]
    return list(dict.fromkeys((whole, label, f"{label}.local"))) if label else []


def in_url(host: str) -> str:
    """A host as it stands in a URL (RFC 3986 section 3.2.2: IPv6 in brackets)."""
    return f"[{host}]" if ":" in host else host


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
