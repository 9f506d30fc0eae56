import pytest

from visavis.errors import ConfigError
from visavis.server.addresses import (
    in_url,
    interface_addresses,
    is_loopback,
    machine_names,
    media_addresses,
    page_hosts,
    resolve,
)


def machine() -> list[str]:
    return ["127.0.0.1", "192.0.2.7", "10.0.0.7", "::1", "2001:db8::7"]


def offline() -> list[str]:
    return ["127.0.0.1"]


def test_media_of_a_wildcard_is_on_each_address_that_others_can_reach() -> None:
    assert media_addresses(["0.0.0.0"], machine) == ["192.0.2.7", "10.0.0.7"]
    assert media_addresses(["0.0.0.0", "::"], machine) == ["192.0.2.7", "10.0.0.7", "2001:db8::7"]


def test_media_of_a_wildcard_on_a_machine_without_a_network_is_on_loopback() -> None:
    assert media_addresses(["0.0.0.0"], offline) == ["127.0.0.1"]


def test_media_of_localhost_is_also_on_the_machine_s_addresses_for_browsers_without_loopback() -> None:
    assert media_addresses(["127.0.0.1"], machine) == ["127.0.0.1", "192.0.2.7", "10.0.0.7"]
    assert media_addresses(["127.0.0.1", "::1"], machine)[-2:] == ["::1", "2001:db8::7"]


def test_media_of_one_address_is_there_only() -> None:
    assert media_addresses(["192.0.2.7"], machine) == ["192.0.2.7"]


def test_the_page_of_a_wildcard_is_opened_by_an_address_that_a_phone_can_reach() -> None:
    assert page_hosts("0.0.0.0", ["0.0.0.0"], machine) == ["192.0.2.7", "10.0.0.7", "localhost"]
    assert page_hosts("::", ["::"], machine) == ["2001:db8::7", "localhost"]
    assert page_hosts("0.0.0.0", ["0.0.0.0"], offline) == ["localhost"]


def test_the_page_of_a_name_is_opened_by_that_name() -> None:
    assert page_hosts("localhost", ["127.0.0.1", "::1"], machine) == ["localhost"]
    assert page_hosts("call.example", ["192.0.2.7"], machine) == ["call.example"]


def test_loopback_is_known_in_both_families() -> None:
    assert is_loopback(["127.0.0.1", "::1"])
    assert not is_loopback(["127.0.0.1", "192.0.2.7"])


def test_ipv6_stands_in_brackets_in_a_url() -> None:
    assert [in_url(host) for host in ("::1", "a.example")] == ["[::1]", "a.example"]


def test_a_name_that_means_nothing_is_an_error_that_names_the_option() -> None:
    with pytest.raises(ConfigError, match=r"host = nowhere\.invalid cannot be resolved"):
        resolve("nowhere.invalid")


def test_a_machine_is_called_by_its_whole_name_by_its_label_and_by_multicast_dns() -> None:
    assert machine_names(lambda: "den.example.org") == ["den.example.org", "den", "den.local"]
    assert machine_names(lambda: "den") == ["den", "den.local"]
    assert machine_names(lambda: "") == []


def test_this_machine_has_loopback() -> None:
    assert "127.0.0.1" in interface_addresses()
    assert "127.0.0.1" in resolve("localhost")
