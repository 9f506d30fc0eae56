"""Structured logs on stderr: every record may carry `event` and what it is about."""

import datetime
import json
import logging
import sys
from typing import TextIO

from visavis.config import LogFormat, LogLevel

_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
"""Control characters (line ends, terminal escapes) from strangers do not reach the terminal."""

_FIELDS = ("event", "room", "participant", "code", "transport", "remote", "dtls", "srtp")


def escaped(text: str) -> str:
    """Text of a stranger, or with one's words in it, as it may be written to a terminal."""
    return text.translate(_ESCAPED).encode(errors="backslashreplace").decode()


class TextFormatter(logging.Formatter):
    """One line for people: time, level, what happened, and the fields as `key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats one record."""
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        said = f"{record.getMessage()}{fields}".translate(_ESCAPED)
        line = f"{_time(record):%H:%M:%S} {record.levelname.lower():7} {said}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats one record."""
        value: dict[str, object] = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            value["exception"] = self.formatException(record.exc_info)
        return json.dumps(value, ensure_ascii=False)


def set_up(log_format: LogFormat, level: LogLevel, stream: TextIO = sys.stderr) -> None:
    """Sends what `visavis` logs, and the warnings of everybody else, to `stream`."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if log_format is LogFormat.JSON else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("visavis").setLevel(level.upper())


def _time(record: logging.LogRecord) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(record.created, datetime.UTC).astimezone()


def _fields(record: logging.LogRecord) -> dict[str, object]:
    values = record.__dict__
    return {name: values[name] for name in _FIELDS if name in values}
