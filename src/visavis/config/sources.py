"""Where values come from, the later winning: defaults, TOML file, environment, flags."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from visavis.config.model import ServerConfig
from visavis.config.options import OPTIONS, Option
from visavis.errors import ConfigError

CONFIG_VARIABLE = "VISAVIS_CONFIG"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: `source` is `default`, `file`, `environment` or `flag`; `detail` is its name
    there.
    """

    source: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.source} {self.detail}".rstrip()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A configuration and, by option name, the origin of each value."""

    config: ServerConfig
    origins: Mapping[str, Origin]


def load(
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Resolved:
    """Merges all sources.

    Args:
        flags: raw values by option name; a repeatable one is joined with commas.
        environment: the process's variables; those of other programs are ignored.
        file: the TOML file that a flag names; else `VISAVIS_CONFIG` may.

    Raises:
        ConfigError: a value does not fit, a name is unknown, or the file cannot be read.
    """
    flags, environment = flags or {}, environment or {}
    if file is None and environment.get(CONFIG_VARIABLE):
        file = Path(environment[CONFIG_VARIABLE]).expanduser()
    values: dict[str, Any] = {}
    origins = {option.name: Origin("default") for option in OPTIONS}

    def take(option: Option, raw: object, origin: Origin) -> None:
        values[option.name] = _read(option, raw, origin)
        origins[option.name] = origin

    by_name = {option.name: option for option in OPTIONS}
    if file is not None:
        for key, raw in _read_file(file).items():
            option = by_name.get(key.replace("-", "_"))
            if option is None:
                raise ConfigError(_unknown(key, f"file {file}", list(by_name)))
            take(option, raw, Origin("file", str(file)))
    _refuse_misspelt_variables(environment)
    for option in OPTIONS:
        if environment.get(option.variable, "") != "":
            take(option, environment[option.variable], Origin("environment", option.variable))
    for option in OPTIONS:
        if option.name in flags:
            take(option, flags[option.name], Origin("flag", option.flag))
    config = ServerConfig(**values)
    _check_together(config, origins)
    return Resolved(config, origins)


def _read(option: Option, raw: object, origin: Origin) -> object:
    try:
        return option.read(raw)
    except ValueError:
        shown = raw if isinstance(raw, str) else repr(raw)
        message = f"{option.name} = {shown[:100]} (from {origin}) does not fit; expected {option.fits}"
        raise ConfigError(message) from None


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {file}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration file {file} is not TOML: {error}") from None


def _refuse_misspelt_variables(environment: Mapping[str, str]) -> None:
    """Refuses near misses only: container platforms set such as VISAVIS_SERVICE_HOST by themselves."""
    known = [option.variable for option in OPTIONS] + [CONFIG_VARIABLE]
    for name in environment:
        ours = name.startswith("VISAVIS_") and name not in known
        if ours and difflib.get_close_matches(name, known, n=1, cutoff=0.9):
            raise ConfigError(_unknown(name, "the environment", known))


def _unknown(name: str, where: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name.replace("-", "_"), known, n=1)
    advice = f"did you mean {near[0]}?" if near else "known are " + ", ".join(known)
    return f"unknown option {name} in {where}; {advice}"


def _check_together(config: ServerConfig, origins: Mapping[str, Origin]) -> None:
    assert {field.name for field in fields(config)} == set(origins)
    for one, other in (("cert", "key"), ("key", "cert")):
        if getattr(config, one) is not None and getattr(config, other) is None:
            raise ConfigError(f"{one} (from {origins[one]}) needs {other} as well: give both or neither")
