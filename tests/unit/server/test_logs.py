import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from visavis.config import LogFormat, LogLevel
from visavis.server import logs


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("visavis")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:], level, our_level = before
    root.setLevel(level)
    ours.setLevel(our_level)


def test_json_lines_have_the_fields_of_the_record() -> None:
    out = io.StringIO()
    logs.set_up(LogFormat.JSON, LogLevel.INFO, out)
    extra = {"event": "participant-attached", "room": "den", "participant": "p1"}
    logging.getLogger("visavis.room").info("participant %s", "attached", extra=extra)
    logging.getLogger("visavis.room").debug("not written")
    logging.getLogger("other").info("not written")
    (line,) = out.getvalue().splitlines()
    value = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", value.pop("time"))
    assert value == {
        "level": "info", "logger": "visavis.room", "message": "participant attached", **extra,
    }  # fmt: skip


def test_a_line_break_in_a_value_cannot_forge_a_line() -> None:
    for log_format in LogFormat:
        out = io.StringIO()
        logs.set_up(log_format, LogLevel.INFO, out)
        logging.getLogger("visavis").info("said %s", "a\nb", extra={"event": "x\r\ny"})
        assert len(out.getvalue().splitlines()) == 1


def test_an_exception_is_in_the_record() -> None:
    for log_format in LogFormat:
        out = io.StringIO()
        logs.set_up(log_format, LogLevel.INFO, out)
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            logging.getLogger("visavis").exception("failed")
        assert "ZeroDivisionError" in out.getvalue()
