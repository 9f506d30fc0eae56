"""docs/configuration.md is true to the table of options."""

import re
from dataclasses import fields
from pathlib import Path

from visavis.config import OPTIONS, ServerConfig

DOCUMENT = Path(__file__).parents[3] / "docs" / "configuration.md"


def documented() -> list[list[str]]:
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `--")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_option_has_its_row_with_flag_variable_and_key_in_the_table_s_order() -> None:
    rows = [tuple(re.findall(r"`([^`]+)`", " ".join(row[:3]))) for row in documented()]
    assert rows == [(option.flag, option.variable, option.name) for option in OPTIONS]


def test_each_row_says_what_fits_and_what_it_is_for() -> None:
    assert [row[4] for row in documented()] == [option.fits for option in OPTIONS]
    assert [row[5] for row in documented()] == [option.help for option in OPTIONS]


def test_the_options_are_the_fields_of_the_configuration() -> None:
    assert [option.name for option in OPTIONS] == [field.name for field in fields(ServerConfig)]


def test_the_defaults_are_those_of_the_configuration() -> None:
    fixed = {"host", "port", "max_participants", "max_rooms", "max_per_address", "log_format", "log_level"}
    told = {option.name: row[3].strip("`") for option, row in zip(OPTIONS, documented(), strict=True)}
    assert {name: told[name] for name in fixed} == {
        name: str(getattr(ServerConfig(), name)) for name in fixed
    }
