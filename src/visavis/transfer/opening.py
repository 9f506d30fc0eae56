"""Opens the ports of a host, and says by which links it can be found."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket

from visavis.config.model import default_data_dir
from visavis.server import addresses, certificates, sockets
from visavis.server.certificates import CertificateFiles
from visavis.transfer.secret import Link, new_secret


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What may be decided about a host.

    It speaks plain HTTP unless `https` or a certificate asks for more. On a local network that is what works:
    no browser knows the certificate of a machine without a domain, and all of them warn of it. Nothing rests
    on it between programs: files travel by DTLS, and both ends prove the secret over its keys. A page that
    came by plain HTTP could have been changed by somebody who controls the network; HTTPS is for such ones.
    """

    host: str = "0.0.0.0"
    port: int = 0
    https: bool = False
    cert: Path | None = None
    key: Path | None = None
    data_dir: Path = field(default_factory=default_data_dir)
    secret: str | None = None
    """One that is known already; else a new one is drawn."""


@dataclass(frozen=True, slots=True)
class Opened:
    """Listening sockets, and what is needed to serve on them."""

    sockets: tuple[socket, ...]
    links: tuple[Link, ...]
    names: tuple[str, ...]
    context: ssl.SSLContext | None
    authority: Path | None
    reachable: tuple[str, ...]
    """IPv4 addresses at which others reach this machine."""

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Gives the port back."""
        for each in self.sockets:
            each.close()


def open_host(options: HostOptions) -> Opened:
    """Opens the port.

    Raises:
        ConfigError: An option cannot be used on this machine.
        StartError: The port cannot be opened.
    """
    listening = addresses.resolve(options.host)
    hosts = addresses.page_hosts(options.host, listening)
    files = _certificate(options, hosts)
    context = certificates.server_context(files) if files is not None else None
    try:
        bound = tuple(sockets.bind_tcp(listening, options.port))
    except OSError as error:
        raise sockets.explain(error, "port", options.port, "TCP") from None
    scheme, port = "https" if files is not None else "http", bound[0].getsockname()[1]
    secret = options.secret or new_secret()
    links = tuple(Link(f"{scheme}://{addresses.in_url(host)}:{port}", secret) for host in hosts)
    names = (*hosts, *addresses.machine_names(), *(certificates.names(files) if files is not None else ()))
    reachable = tuple(each for each in hosts if _is_reachable_ipv4(each))
    return Opened(bound, links, names, context, files.authority if files is not None else None, reachable)


def _is_reachable_ipv4(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.version == 4 and not address.is_loopback


def _certificate(options: HostOptions, hosts: list[str]) -> CertificateFiles | None:
    if options.cert is not None and options.key is not None:
        return CertificateFiles(options.cert, options.key)
    if not options.https:
        return None
    names = list(dict.fromkeys([*hosts, "localhost", "127.0.0.1", "::1"]))
    return certificates.ensure_certificate(options.data_dir, names, datetime.datetime.now(datetime.UTC))
