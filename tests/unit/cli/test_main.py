import json
from collections.abc import Sequence

import pytest

from visavis.cli import main
from visavis.cli.arguments import parse_arguments
from visavis.config import OPTIONS


def run(argv: Sequence[str]) -> int:
    try:
        return main(argv)
    except SystemExit as ended:
        return int(ended.code or 0)


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)
    monkeypatch.setenv("COLUMNS", "200")


def test_serve_is_meant_when_no_command_is_named() -> None:
    assert parse_arguments([]).verb == "serve"
    assert parse_arguments(["--port", "1"]).flags == {"port": "1"}
    assert parse_arguments(["serve", "--port=1"]) == parse_arguments(["--port=1"])


def test_a_repeated_flag_adds_to_the_list() -> None:
    flags = parse_arguments(["--external-ip", "192.0.2.1", "--external-ip", "192.0.2.2,192.0.2.3"]).flags
    assert flags == {"external_ip": "192.0.2.1,192.0.2.2,192.0.2.3"}


def test_config_show_prints_each_option_its_value_and_where_it_came_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_HOST", "0.0.0.0")
    assert run(["config", "show", "--port", "9000"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[0] for row in rows[1:]] == [option.name for option in OPTIONS]
    assert ["host", "0.0.0.0", "environment", "VISAVIS_HOST"] in rows
    assert ["port", "9000", "flag", "--port"] in rows
    assert ["udp_port", "9000", "(as", "port)", "default"] in rows


def test_config_show_as_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "show", "--json", "--external-ip", "192.0.2.1"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert set(value) == {option.name for option in OPTIONS}
    assert value["external_ip"] == {"value": ["192.0.2.1"], "source": "flag", "detail": "--external-ip"}
    assert value["udp_port"] == {"value": None, "source": "default", "detail": ""}


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["srve"], "unknown command srve; did you mean serve?"),
        (["--prot", "1"], "unknown option --prot; did you mean --port?"),
        (["--por", "1"], "unknown option --por"),
        (["--port"], "argument --port: expected one argument"),
        (["--port", "x"], "port = x (from flag --port) does not fit"),
        (["config"], "COMMAND"),
        (["--config", "/nowhere.toml"], "cannot read the configuration file /nowhere.toml"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_status_2(
    capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    assert run(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert captured.err.startswith("visavis: ")
    assert words in captured.err


def test_help_names_every_option_its_variable_and_the_exit_statuses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["serve", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(option.flag in text and option.variable in text for option in OPTIONS)
    assert "exit status:" in text


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("visavis ")
