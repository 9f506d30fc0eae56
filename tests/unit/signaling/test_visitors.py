import pytest

from visavis.signaling.visitors import JOINS_WINDOW_S, Visit, Visitors, network_of
from visavis.testing.clock import ManualClock


def entered(visitors: Visitors, address: str) -> Visit:
    visit = visitors.enter(address)
    assert visit is not None
    return visit


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff::", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::7", "2001:db8:0:2::/64"),
        ("fe80::7%eth0", "fe80::/64"),
        ("127.0.0.2", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("", None),
        (None, None),
        ("unix", None),
    ],
)
def test_an_ipv6_host_is_its_64_bits_and_loopback_is_nobody(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


def test_an_address_has_as_many_sockets_as_allowed_and_others_have_their_own() -> None:
    visitors = Visitors(2, ManualClock())
    first, _ = entered(visitors, "192.0.2.7"), entered(visitors, "192.0.2.7")
    assert visitors.enter("192.0.2.7") is None
    assert visitors.refused == 1
    entered(visitors, "192.0.2.8")
    first.leave()
    entered(visitors, "192.0.2.7")
    assert visitors.enter("192.0.2.7") is None


def test_addresses_of_one_ipv6_host_share_its_limit() -> None:
    visitors = Visitors(1, ManualClock())
    entered(visitors, "2001:db8::1")
    assert visitors.enter("2001:db8::ffff:2") is None


def test_joins_come_back_evenly_and_a_refused_one_does_not_count() -> None:
    clock = ManualClock()
    visitors = Visitors(4, clock)
    visit = entered(visitors, "192.0.2.7")
    assert [visit.may_join() for _ in range(6)] == [True, True, True, True, False, False]
    clock.advance(JOINS_WINDOW_S / 4)
    assert [visit.may_join() for _ in range(2)] == [True, False]


def test_who_leaves_and_comes_again_is_known_until_a_minute_has_passed() -> None:
    clock = ManualClock()
    visitors = Visitors(1, clock)
    visit = entered(visitors, "192.0.2.7")
    assert visit.may_join()
    visit.leave()
    again = entered(visitors, "192.0.2.7")
    assert not again.may_join()
    again.leave()
    clock.advance(JOINS_WINDOW_S)
    assert entered(visitors, "192.0.2.7").may_join()


def test_networks_that_are_gone_for_a_minute_are_forgotten_and_those_that_are_here_are_not() -> None:
    clock = ManualClock()
    visitors = Visitors(1, clock)
    here = entered(visitors, "198.51.100.1")
    for number in range(200):
        entered(visitors, f"192.0.2.{number}").leave()
        clock.advance(1)
    entered(visitors, "198.51.100.2")
    assert len(visitors) <= JOINS_WINDOW_S + 2
    assert visitors.enter("198.51.100.1") is None
    here.leave()


def test_zero_and_loopback_are_without_a_limit() -> None:
    unlimited, visitors = Visitors(0, ManualClock()), Visitors(1, ManualClock())
    for _ in range(5):
        assert entered(unlimited, "192.0.2.7").may_join()
        assert entered(visitors, "127.0.0.1").may_join()
    assert len(unlimited) == len(visitors) == 0
