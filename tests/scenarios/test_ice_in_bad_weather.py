"""Agents behind random NATs, over a network that loses packets, with restarts at any moment: in the end they
agree."""

from random import Random

import pytest

from visavis.ice import IceOptions, IceState, ice_servers
from visavis.testing.clock import ManualClock
from visavis.testing.icepeer import IcePeer, introduce, meet
from visavis.testing.nat import Behaviour, Nat
from visavis.testing.network import Host, Internet, Realm
from visavis.testing.turnserver import FakeTurnServer

SERVER = "198.51.100.2"
OPTIONS = IceOptions(servers=ice_servers([f"turn:{SERVER}"], "ada", "secret"))
CONNECTED = (IceState.CONNECTED, IceState.COMPLETED)


class Weather:
    """Two peers, each behind a NAT of a random kind or none."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.clock = ManualClock()
        self.internet = Internet(self.clock, loss=0.2, random=self.random)
        self.turn = FakeTurnServer(self.clock, self.internet, SERVER, {"ada": "secret"})
        self.ada = self._peer("a", 1)
        self.bob = self._peer("b", 2)

    def _peer(self, name: str, number: int) -> IcePeer:
        public = f"203.0.113.{number}"
        realm: Realm = self.internet
        addresses = [public]
        if self.random.random() < 0.75:
            kind = (Behaviour(self.random.randrange(3)), Behaviour(self.random.randrange(3)))
            realm = Nat(self.clock, self.internet, public, *kind)
            addresses = [f"192.168.{number}.2", f"10.{number}.0.2"][: self.random.randint(1, 2)]
        host = Host(self.clock, realm, *addresses)
        return IcePeer(
            name,
            host,
            controlling=number == 1 or self.random.random() < 0.2,
            options=OPTIONS,
            tie_breaker=number,
        )

    def restart(self) -> None:
        """Both sides, as an offer and its answer have it; the new candidates follow through the same
        channel."""
        introduce(self.ada, self.bob, self.clock, self.random.uniform(0.0, 0.1))
        self.ada.restart()
        self.bob.restart()
        for one, other in ((self.ada, self.bob), (self.bob, self.ada)):
            one.start(other.agent.credentials)

    def check_agreement(self) -> None:
        """Each sends over the pair that the other sends over: no agent is connected alone."""
        assert self.ada.agent.state in CONNECTED
        assert self.bob.agent.state in CONNECTED
        assert self.ada.agent.controlling is not self.bob.agent.controlling
        for peer in (self.ada, self.bob):
            selected = peer.agent.selected
            assert selected is not None
            assert peer.plane.selected == selected.path


@pytest.mark.parametrize("seed", range(40))
def test_they_connect_whatever_is_lost(seed: int) -> None:
    weather = Weather(seed)
    meet(weather.ada, weather.bob, weather.clock, 0.05)
    weather.clock.advance(30.0)
    weather.check_agreement()


@pytest.mark.parametrize("seed", range(40))
def test_restarts_at_any_moment_end_in_a_connection(seed: int) -> None:
    weather = Weather(seed)
    meet(weather.ada, weather.bob, weather.clock, 0.05)
    for _ in range(weather.random.randint(1, 4)):
        weather.clock.advance(weather.random.choice((0.12, 0.3, 1.0, 5.0)) + weather.random.random())
        weather.restart()
    weather.clock.advance(30.0)
    weather.check_agreement()
    generations = {one.candidate.ufrag for one in weather.ada.agent.local_candidates}
    assert generations == {weather.ada.agent.credentials.ufrag}


@pytest.mark.parametrize("seed", range(20))
def test_an_outage_of_half_a_minute_is_survived_or_healed_by_a_restart(seed: int) -> None:
    weather = Weather(seed)
    meet(weather.ada, weather.bob, weather.clock, 0.05)
    weather.clock.advance(20.0)
    weather.internet.cut.add("203.0.113.1")
    weather.clock.advance(weather.random.uniform(2.0, 60.0))
    weather.internet.cut.clear()
    weather.clock.advance(10.0)
    if not {weather.ada.agent.state, weather.bob.agent.state} <= set(CONNECTED):
        weather.restart()
        weather.clock.advance(30.0)
    weather.check_agreement()


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left_when_they_are_closed_at_any_moment(seed: int) -> None:
    weather = Weather(seed)
    meet(weather.ada, weather.bob, weather.clock, 0.05)
    weather.clock.advance(weather.random.uniform(0.2, 3.0))
    weather.ada.close()
    weather.bob.close()
    assert weather.ada.host.open_ports == weather.bob.host.open_ports == []
    weather.clock.advance(700.0)
    assert weather.turn.allocations == {} or all(
        allocation.expires_s <= weather.clock.monotonic() for allocation in weather.turn.allocations.values()
    )
    assert weather.clock.pending() == 0


def test_the_same_seed_gives_the_same_run() -> None:
    def run(seed: int) -> str:
        weather = Weather(seed)
        meet(weather.ada, weather.bob, weather.clock, 0.05)
        weather.clock.advance(5.0)
        return repr(weather.ada.plane.commands)

    assert run(3) == run(3)
    assert run(3) != run(4)
