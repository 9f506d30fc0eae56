"""TCP candidates (RFC 6544) on the virtual network, and what a relay policy leaves unanswered."""

from dataclasses import replace

import pytest

from visavis.dataplane.commands import (
    AddSocket,
    AddTcpSocket,
    AnswerByRelaysOnly,
    RemoveSocket,
    SendStun,
    SetPairs,
    SocketId,
)
from visavis.ice import Candidate, CandidateType, Credentials, IceOptions, IceState, ice_servers
from visavis.ice.candidate import TCP_TYPES
from visavis.testing.clock import ManualClock
from visavis.testing.icepeer import IcePeer, meet
from visavis.testing.nat import Behaviour, Nat
from visavis.testing.network import Host, Internet
from visavis.testing.turnserver import FakeTurnServer

BOTH = IceOptions(tcp=TCP_TYPES)
TURN = ice_servers(["turn:198.51.100.2"], "ada", "secret")
HOST, SRFLX = CandidateType.HOST, CandidateType.SERVER_REFLEXIVE


class Site:
    """A host that nobody talks to yet."""

    def __init__(self, *addresses: str, options: IceOptions = BOTH) -> None:
        self.clock = ManualClock()
        self.internet = Internet(self.clock)
        self.host = Host(self.clock, self.internet, *addresses)
        self.peer = IcePeer("a", self.host, controlling=True, options=options)

    def gather(self) -> list[Candidate]:
        self.peer.agent.gather()
        self.clock.advance(1.0)
        return [one.candidate for one in self.peer.candidates]

    def submitted(self, kind: type) -> list[object]:
        return [command for command in self.peer.plane.commands if isinstance(command, kind)]


def remote(tcp_type: str | None, port: int = 4000, address: str = "203.0.113.9") -> Candidate:
    return Candidate("1", 1_000, address, port, HOST, protocol="tcp", tcp_type=tcp_type)


def test_each_address_has_an_active_and_a_passive_one_below_all_of_udp() -> None:
    found = Site("192.0.2.1", "192.0.2.2").gather()
    told = [(one.protocol, one.tcp_type, one.address) for one in sorted(found, key=lambda one: -one.priority)]
    assert told == [
        ("udp", None, "192.0.2.1"),
        ("udp", None, "192.0.2.2"),
        ("tcp", "active", "192.0.2.1"),
        ("tcp", "active", "192.0.2.2"),
        ("tcp", "passive", "192.0.2.1"),
        ("tcp", "passive", "192.0.2.2"),
    ]
    assert len({one.priority for one in found}) == len(found)
    # RFC 6544 section 4.2: the direction is in the upper three bits of the local preference.
    assert [one.priority >> 21 & 7 for one in found if one.protocol == "tcp"] == [6, 4, 6, 4]
    assert {one.port == 9 for one in found if one.tcp_type == "active"} == {True}


def test_foundations_tell_tcp_from_udp() -> None:
    udp, active, passive = Site("192.0.2.1").gather()
    assert udp.foundation != active.foundation == passive.foundation


def test_a_one_to_one_nat_and_a_port_range_are_those_of_udp() -> None:
    options = replace(BOTH, port_range=(7000, 7001), address_mapping={"192.0.2.1": "203.0.113.99"})
    found = [one for one in Site("192.0.2.1", options=options).gather() if one.protocol == "tcp"]
    assert [(one.tcp_type, one.type, one.address) for one in found] == [
        ("active", HOST, "192.0.2.1"),
        ("active", SRFLX, "203.0.113.99"),
        ("passive", HOST, "192.0.2.1"),
        ("passive", SRFLX, "203.0.113.99"),
    ]
    assert {one.port for one in found if one.tcp_type == "passive"} == {7001}


def test_where_no_port_can_listen_the_active_one_is_left() -> None:
    site = Site("192.0.2.1", options=replace(BOTH, port_range=(7000, 7000)))
    assert [one.tcp_type for one in site.gather()] == [None, "active"]


def test_bases_outlive_a_generation_and_go_with_their_address() -> None:
    site = Site("192.0.2.1", "192.0.2.2")
    site.gather()
    opened = site.submitted(AddTcpSocket)
    assert len(opened) == 4
    site.host.remove("192.0.2.2")
    site.peer.restart()
    assert site.submitted(AddTcpSocket) == opened
    gone = {one.socket for one in opened if isinstance(one, AddTcpSocket) and one.host == "192.0.2.2"}
    removed = {one.socket for one in site.submitted(RemoveSocket) if isinstance(one, RemoveSocket)}
    assert gone <= removed
    assert len(removed) == 3


def test_a_base_that_accepts_no_more_is_replaced_by_the_next_gathering() -> None:
    site = Site("192.0.2.1")
    _, _, passive = site.gather()
    (base,) = [one for one in site.submitted(AddTcpSocket) if getattr(one, "descriptor", None) is not None]
    assert isinstance(base, AddTcpSocket)
    site.peer.agent.socket_lost(base.socket)
    assert passive not in [one.candidate for one in site.peer.agent.local_candidates]
    site.peer.restart()
    assert len(site.submitted(AddTcpSocket)) == 3


def test_only_an_active_one_is_paired_and_only_with_a_passive_one() -> None:
    site = Site("192.0.2.1")
    site.gather()
    site.peer.start(Credentials("bob1", "b" * 22))
    for tcp_type, port in (("active", 9), ("passive", 4000), ("so", 4001), (None, 4002)):
        site.peer.agent.add_remote(remote(tcp_type, port))
    site.clock.advance(1.0)
    (pair,) = site.peer.agent.pairs
    assert (pair.local.candidate.tcp_type, pair.remote.port) == ("active", 4000)
    assert site.peer.agent.dropped["tcp"] == 2
    assert [one.port for one in site.peer.agent.remote_candidates] == [9, 4000]


def test_the_name_of_an_active_one_is_not_looked_up() -> None:
    site = Site("192.0.2.1")
    site.gather()
    site.peer.start(Credentials("bob1", "b" * 22))
    site.peer.agent.add_remote(remote("active", 9, "1b2c.local"))
    site.peer.agent.add_remote(remote("passive", 4000, "3d4e.local"))
    assert site.host.resolver.asked == ["3d4e.local"]


def test_candidates_of_udp_and_tcp_may_be_at_one_address() -> None:
    site = Site("192.0.2.1")
    site.gather()
    site.peer.start(Credentials("bob1", "b" * 22))
    site.peer.agent.add_remote(replace(remote(None), protocol="udp"))
    site.peer.agent.add_remote(remote("passive"))
    site.clock.advance(1.0)
    assert sorted(pair.remote.protocol for pair in site.peer.agent.pairs) == ["tcp", "udp"]


def peers(clock: ManualClock, options: IceOptions) -> tuple[IcePeer, IcePeer, Internet]:
    internet = Internet(clock)
    FakeTurnServer(clock, internet, "198.51.100.2", {"ada": "secret"})
    firewall = Nat(clock, internet, "203.0.113.1", Behaviour(0), Behaviour(0), passes_udp=False)
    ada = IcePeer("a", Host(clock, firewall, "192.168.1.2"), controlling=True, options=options)
    bob = IcePeer("b", Host(clock, internet, "192.0.2.2"), controlling=False, options=options, tie_breaker=2)
    return ada, bob, internet


def test_tcp_has_its_turn_when_no_datagram_has_found_a_way_in_a_quarter_of_a_second() -> None:
    clock = ManualClock()
    ada, bob, _ = peers(clock, BOTH)
    meet(ada, bob, clock)
    clock.advance(0.25)
    assert not any(pair.is_tcp for pair in ada.agent.pairs)
    clock.advance(2.0)
    for peer, ours, theirs in ((ada, "active", "passive"), (bob, "passive", "active")):
        assert peer.agent.state is IceState.CONNECTED, "datagrams are tried still"
        assert peer.agent.selected is not None
        local, other = peer.agent.selected.local.candidate, peer.agent.selected.remote
        assert (local.tcp_type, other.tcp_type) == (ours, theirs)
    selected = bob.agent.selected
    assert selected is not None
    assert selected.remote.type is CandidateType.PEER_REFLEXIVE


def test_when_the_datagrams_way_is_lost_before_it_is_used_tcp_has_its_turn() -> None:
    """A direct pair that was valid, and fails later, held it back."""
    clock = ManualClock()
    internet = Internet(clock)
    ada, bob = (
        IcePeer(name, Host(clock, internet, f"192.0.2.{number}"), controlling=number == 1, options=BOTH,
                tie_breaker=number)
        for number, name in enumerate("ab", 1)
    )  # fmt: skip
    meet(ada, bob, clock)
    clock.advance(1.0)
    assert not any(pair.is_tcp for pair in ada.agent.pairs)
    (pair,) = ada.agent.pairs
    ada.agent.pair_state(pair.id, "failed", "", 0.0, "no answer for 30 s")
    clock.advance(0.1)
    assert any(pair.is_tcp for pair in ada.agent.pairs)


def test_an_active_ones_own_address_is_no_peer_reflexive_one_whatever_its_port() -> None:
    site = Site("192.0.2.1")
    site.gather()
    site.peer.start(Credentials("bob1", "b" * 22))
    site.peer.agent.add_remote(remote("passive"))
    site.clock.advance(1.0)
    (pair,) = site.peer.agent.pairs
    site.peer.agent.pair_state(pair.id, "succeeded", "192.0.2.1:51234", 0.01, "answered")
    assert pair.local.candidate.type is HOST
    site.peer.agent.pair_state(pair.id, "succeeded", "203.0.113.1:51234", 0.01, "answered")
    assert pair.local.candidate.type is CandidateType.PEER_REFLEXIVE
    assert (pair.local.candidate.protocol, pair.local.candidate.tcp_type) == ("tcp", "active")
    assert pair.local.candidate.priority >> 24 == 80


def test_a_relay_policy_opens_no_stream_and_listens_nowhere() -> None:
    site = Site("192.0.2.1", options=replace(BOTH, relay_only=True))
    assert site.gather() == []
    assert site.submitted(AddTcpSocket) == []


@pytest.mark.parametrize("relay_only", [False, True])
def test_with_a_relay_policy_a_check_that_comes_to_the_host_itself_is_not_answered(relay_only: bool) -> None:
    """The other side knows the host's address, as an earlier call may have told it."""
    clock = ManualClock()
    internet = Internet(clock)
    FakeTurnServer(clock, internet, "198.51.100.2", {"ada": "secret"})
    hides = IceOptions(servers=TURN, relay_only=relay_only)
    ada = IcePeer("a", Host(clock, internet, "192.0.2.1"), controlling=False, options=hides)
    bob = IcePeer("b", Host(clock, internet, "192.0.2.2"), controlling=True, tie_breaker=2)
    ada.agent.gather()
    bob.agent.gather()
    clock.advance(1.0)
    bob.start(ada.agent.credentials)
    ada.start(bob.agent.credentials)
    bob.agent.add_remote(Candidate("1", 1_000, "192.0.2.1", 50_000, HOST))
    clock.advance(5.0)
    told = [command.only for command in ada.plane.commands if isinstance(command, AnswerByRelaysOnly)]
    assert told == ([True] if relay_only else [])
    assert (bob.agent.state is IceState.CHECKING) is relay_only
    assert (ada.agent.selected is None) is relay_only


def test_a_policy_that_changes_counts_with_the_next_generation() -> None:
    site = Site("192.0.2.1")
    site.gather()
    site.peer.agent.set_options(IceOptions(relay_only=True))
    assert site.submitted(AnswerByRelaysOnly) == []
    site.peer.restart()
    site.peer.agent.set_options(BOTH)
    site.peer.restart()
    told = [one.only for one in site.submitted(AnswerByRelaysOnly) if isinstance(one, AnswerByRelaysOnly)]
    assert told == [True, False]
    assert site.submitted(SetPairs) == []


def test_at_a_shared_port_servers_are_asked_by_it_and_relays_have_sockets_of_their_own() -> None:
    """RFC 8656 section 5: by one socket there is one allocation."""
    clock = ManualClock()
    internet = Internet(clock)
    host = Host(clock, internet, "192.0.2.1", "192.0.2.9")
    shared = {"192.0.2.1": (SocketId(0), 3478)}
    peer = IcePeer(
        "a",
        host,
        controlling=True,
        options=IceOptions(servers=ice_servers(["stun:198.51.100.1"]) + TURN),
        machine=replace(host.machine, shared_ports=shared),
    )
    peer.agent.gather()
    clock.advance(0.2)
    assert [one.candidate.transport_address for one in peer.candidates] == [("192.0.2.1", 3478)]
    asked = [command for command in peer.plane.commands if isinstance(command, SendStun)]
    (own,) = [command.socket for command in peer.plane.commands if isinstance(command, AddSocket)]
    assert [(command.server[0], command.socket) for command in asked[:2]] == [
        ("198.51.100.1", SocketId(0)),
        ("198.51.100.2", own),
    ]
