"""The server's configuration as a value."""

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class LogFormat(StrEnum):
    """How log records are written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important record that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def default_threads() -> int:
    """One data plane thread per core that this process may use, 64 at most."""
    if hasattr(os, "sched_getaffinity"):
        return min(64, len(os.sched_getaffinity(0)))
    return min(64, os.cpu_count() or 1)


def default_data_dir() -> Path:
    """`$XDG_DATA_HOME/visavis`, or `~/.local/share/visavis` (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "share") / "visavis"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Everything that `visavis serve` can be told; `visavis.config.OPTIONS` describes each field."""

    host: str = "localhost"
    port: int = 8080
    udp_port: int | None = None
    external_ip: tuple[str, ...] = ()
    cert: Path | None = None
    key: Path | None = None
    allow_origin: tuple[str, ...] = ()
    threads: int = field(default_factory=default_threads)
    max_participants: int = 100
    max_rooms: int = 1000
    max_per_address: int = 200
    log_format: LogFormat = LogFormat.TEXT
    log_level: LogLevel = LogLevel.INFO
    data_dir: Path = field(default_factory=default_data_dir)
