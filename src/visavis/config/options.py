"""The table of options: one row per field of `ServerConfig`, from which flags, variables and file keys
follow.
"""

from collections.abc import Callable
from dataclasses import dataclass

from visavis.config import values
from visavis.config.model import LogFormat, LogLevel


@dataclass(frozen=True, slots=True)
class Option:
    """One option. `fits` says in words what `read` accepts; `repeatable` ones may be given several times as a
    flag.
    """

    name: str
    read: Callable[[object], object]
    fits: str
    help: str
    metavar: str
    repeatable: bool = False

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The option in the environment."""
        return "VISAVIS_" + self.name.upper()


_PORT = "a number from 0 to 65535 (0: the system picks one)"

OPTIONS: tuple[Option, ...] = (
    Option(
        "host",
        values.host,
        "a host name or an IP address, such as localhost, 0.0.0.0 or 192.168.1.20",
        "where to listen; beyond localhost the server speaks HTTPS",
        "HOST",
    ),
    Option("port", values.integer(0, 65535), _PORT, "the TCP port of the page and of signaling", "PORT"),
    Option(
        "udp_port",
        values.integer(0, 65535),
        _PORT,
        "the one UDP port of all media; by default the number of the TCP port",
        "PORT",
    ),
    Option(
        "external_ip",
        values.listed(values.address),
        "IP addresses that browsers can reach, with commas between them",
        "addresses to announce beside the machine's own, when it is behind a NAT that forwards to it",
        "IP",
        repeatable=True,
    ),
    Option("cert", values.path, "the path of a PEM file", "certificate chain for HTTPS, with --key", "FILE"),
    Option(
        "key", values.path, "the path of a PEM file", "private key of --cert, without a passphrase", "FILE"
    ),
    Option(
        "allow_origin",
        values.listed(values.origin),
        "web origins such as https://example.org, or *",
        "other web origins whose pages may use this server's signaling, and whose names may lead to it",
        "ORIGIN",
        repeatable=True,
    ),
    Option(
        "threads",
        values.integer(1, 64),
        "a number from 1 to 64",
        "data plane threads; by default one per core",
        "N",
    ),
    Option(
        "max_participants",
        values.integer(1, 10_000),
        "a number from 1 to 10000",
        "how many may be in one room",
        "N",
    ),
    Option(
        "max_rooms",
        values.integer(1, 1_000_000),
        "a number from 1 to 1000000",
        "how many rooms may exist",
        "N",
    ),
    Option(
        "max_per_address",
        values.integer(0, 1_000_000),
        "a number from 0 to 1000000 (0: any number)",
        "how many may be connected from one address at once, and join from it in a minute",
        "N",
    ),
    Option(
        "log_format",
        values.choice(LogFormat),
        "text or json",
        "how log lines are written to stderr",
        "FORMAT",
    ),
    Option(
        "log_level",
        values.choice(LogLevel),
        "debug, info, warning or error",
        "the least important log line that is written",
        "LEVEL",
    ),
    Option(
        "data_dir",
        values.path,
        "the path of a directory",
        "where the server keeps its own certificate authority",
        "DIR",
    ),
)
