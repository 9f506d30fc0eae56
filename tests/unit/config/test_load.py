from pathlib import Path

import pytest

from visavis.config import LogFormat, ServerConfig, load
from visavis.errors import ConfigError


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "visavis.toml"
    file.write_text(text)
    return file


def test_without_any_source_all_values_are_defaults() -> None:
    resolved = load()
    assert resolved.config == ServerConfig()
    assert {origin.source for origin in resolved.origins.values()} == {"default"}


def test_a_flag_wins_over_a_variable_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = written(tmp_path, 'port = 1\nudp-port = 1\nhost = "a.example"\n')
    environment = {"VISAVIS_PORT": "2", "VISAVIS_UDP_PORT": "2"}
    resolved = load({"port": "3"}, environment, file)
    assert (resolved.config.port, resolved.config.udp_port, resolved.config.host) == (3, 2, "a.example")
    assert str(resolved.origins["port"]) == "flag --port"
    assert str(resolved.origins["udp_port"]) == "environment VISAVIS_UDP_PORT"
    assert str(resolved.origins["host"]) == f"file {file}"
    assert str(resolved.origins["threads"]) == "default"


def test_a_variable_may_name_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 81\n")
    assert load(environment={"VISAVIS_CONFIG": str(file)}).config.port == 81


def test_lists_are_arrays_in_the_file_and_have_commas_elsewhere(tmp_path: Path) -> None:
    file = written(tmp_path, 'external_ip = ["192.0.2.1", "2001:db8::1"]\n')
    assert load(file=file).config.external_ip == ("192.0.2.1", "2001:db8::1")
    assert load({"external_ip": "192.0.2.1, 192.0.2.1,192.0.2.2"}).config.external_ip == (
        "192.0.2.1",
        "192.0.2.2",
    )


def test_origins_lose_their_default_port_and_their_slash() -> None:
    given = "https://Example.org:443/,http://[::1]:8080,*"
    assert load({"allow_origin": given}).config.allow_origin == (
        "https://example.org",
        "http://[::1]:8080",
        "*",
    )


def test_words_are_read_in_either_case() -> None:
    assert load({"log_format": "JSON"}).config.log_format is LogFormat.JSON


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("port", "tcp://10.0.0.1:80"),
        ("port", ""),
        ("threads", "0"),
        ("threads", "65"),
        ("host", "999.1.1.1"),
        ("host", "a b"),
        ("host", "x" * 300),
        ("external_ip", "0.0.0.0"),
        ("external_ip", "224.0.0.1"),
        ("external_ip", "localhost"),
        ("allow_origin", "example.org"),
        ("allow_origin", "https://example.org/path"),
        ("allow_origin", "https://user@example.org"),
        ("allow_origin", "https://example.org:port"),
        ("log_format", "xml"),
        ("data_dir", "a\0b"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name_and_origin(name: str, raw: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({name: raw})
    assert str(caught.value).startswith(f"{name} = ")
    assert f"from flag --{name.replace('_', '-')}" in str(caught.value)
    assert "does not fit; expected " in str(caught.value)


@pytest.mark.parametrize(
    "text", ["port = true\n", "port = 80.5\n", 'host = ["a"]\n', "external_ip = [1]\n", "key = 1\n"]
)
def test_a_toml_value_of_the_wrong_type_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="does not fit; expected"):
        load(file=written(tmp_path, text))


def test_an_unknown_key_of_the_file_is_refused_with_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown option prot in file .*; did you mean port\?"):
        load(file=written(tmp_path, "prot = 1\n"))


def test_an_unknown_key_far_from_all_is_answered_with_the_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="known are host, port"):
        load(file=written(tmp_path, "zzzzzz = 1\n"))


def test_a_misspelt_variable_is_refused_and_a_platform_s_own_is_not() -> None:
    with pytest.raises(ConfigError, match="did you mean VISAVIS_PORT"):
        load(environment={"VISAVIS_PROT": "80"})
    platform = {"VISAVIS_SERVICE_HOST": "10.0.0.1", "VISAVIS_PORT_8080_TCP_PROTO": "tcp"}
    assert load(environment=platform).config == ServerConfig()


def test_a_file_that_cannot_be_read_or_is_not_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read the configuration file .*nowhere.toml: No such file"):
        load(file=tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(file=written(tmp_path, "port = = 1\n"))
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(file=binary)


def test_a_certificate_without_a_key_is_refused_with_its_origin() -> None:
    with pytest.raises(ConfigError, match=r"cert \(from flag --cert\) needs key as well"):
        load({"cert": "/tmp/a.pem"})
    with pytest.raises(ConfigError, match=r"key \(from environment VISAVIS_KEY\) needs cert as well"):
        load(environment={"VISAVIS_KEY": "/tmp/a.pem"})
