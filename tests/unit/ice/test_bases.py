import pytest

from visavis.ice import IceOptions, Interface
from visavis.ice.bases import host_addresses


def names(*addresses: str) -> list[Interface]:
    return [Interface("eth0", address) for address in addresses]


def test_link_local_and_other_useless_addresses_are_left_out() -> None:
    """RFC 8445 section 5.1.1.1."""
    useless = ("169.254.1.1", "fe80::1", "fec0::1", "::ffff:192.0.2.1", "0.0.0.0", "ff02::1", "no address")
    assert host_addresses(names(*useless, "192.0.2.1"), IceOptions()) == ["192.0.2.1"]


def test_ip_versions_take_turns() -> None:
    """RFC 8421 section 4."""
    found = host_addresses(names("192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"), IceOptions())
    assert found == ["2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"]


def test_stable_addresses_are_hidden_where_there_are_temporary_ones() -> None:
    interfaces = [
        Interface("eth0", "192.0.2.1"),
        Interface("eth0", "2001:db8::1"),
        Interface("eth0", "2001:db8::abcd", temporary=True),
        Interface("eth1", "2001:db8:1::1"),
    ]
    assert host_addresses(interfaces, IceOptions()) == ["2001:db8::abcd", "192.0.2.1", "2001:db8:1::1"]


@pytest.mark.parametrize(
    ("addresses", "loopback", "found"),
    [
        (("127.0.0.1", "::1"), False, ["::1", "127.0.0.1"]),
        (("127.0.0.1", "192.0.2.1"), False, ["192.0.2.1"]),
        (("127.0.0.1", "192.0.2.1"), True, ["192.0.2.1", "127.0.0.1"]),
    ],
)
def test_loopback_is_used_where_there_is_nothing_else_or_on_request(
    addresses: tuple[str, ...], loopback: bool, found: list[str]
) -> None:
    assert host_addresses(names(*addresses), IceOptions(loopback=loopback)) == found


def test_interfaces_can_be_filtered() -> None:
    interfaces = [Interface("eth0", "192.0.2.1"), Interface("docker0", "172.17.0.1")]
    options = IceOptions(accept=lambda interface: not interface.name.startswith("docker"))
    assert host_addresses(interfaces, options) == ["192.0.2.1"]
