"""Gathering on the virtual network (RFC 8445 section 5.1.1)."""

from visavis.dataplane.commands import OpenStream, RemoveSocket, SendStun
from visavis.ice import (
    CandidateError,
    CandidateType,
    Credentials,
    GatheringState,
    IceOptions,
    IceServer,
    LocalCandidate,
    ice_servers,
)
from visavis.stun import Method
from visavis.testing.clock import ManualClock
from visavis.testing.icepeer import IcePeer
from visavis.testing.nat import Behaviour, Nat
from visavis.testing.network import Host, Internet
from visavis.testing.turnserver import FakeTurnServer

HOST, SRFLX, RELAY = CandidateType.HOST, CandidateType.SERVER_REFLEXIVE, CandidateType.RELAYED
STUN = ice_servers(["stun:198.51.100.1"])
TURN = ice_servers(["turn:198.51.100.2"], "ada", "secret")


class Site:
    """A host behind a NAT, with a STUN and a TURN server outside."""

    def __init__(
        self, *addresses: str, servers: tuple[IceServer, ...] = (), options: IceOptions | None = None
    ) -> None:
        self.clock = ManualClock()
        self.internet = Internet(self.clock)
        self.stun = FakeTurnServer(self.clock, self.internet, "198.51.100.1")
        self.turn = FakeTurnServer(self.clock, self.internet, "198.51.100.2", {"ada": "secret"})
        nat = Nat(self.clock, self.internet, "203.0.113.1", Behaviour(0), Behaviour(2))
        self.host = Host(self.clock, nat, *(addresses or ("192.168.1.2",)))
        self.peer = IcePeer("a", self.host, controlling=True, options=options or IceOptions(servers=servers))

    def gather(self, duration_s: float = 1.0) -> list[LocalCandidate]:
        self.peer.agent.gather()
        self.clock.advance(duration_s)
        return self.peer.candidates


def types(candidates: list[LocalCandidate]) -> list[CandidateType]:
    return [one.candidate.type for one in candidates]


def test_host_candidates_are_told_at_once_and_no_server_is_asked() -> None:
    site = Site("192.168.1.2", "10.0.0.2")
    site.peer.agent.gather()
    assert types(site.peer.candidates) == [HOST, HOST]
    assert site.peer.gathering == [GatheringState.GATHERING, GatheringState.COMPLETE]
    site.clock.advance(1.0)
    assert (site.stun.requests, site.turn.requests) == ([], [])


def test_a_server_reflexive_candidate_names_its_base_and_its_server() -> None:
    host, srflx = Site(servers=STUN).gather()
    assert srflx.candidate.type is SRFLX
    assert srflx.candidate.transport_address == ("203.0.113.1", 40001)
    assert srflx.candidate.related == ("192.168.1.2", 50000)
    assert (srflx.socket, srflx.base, srflx.url) == (host.socket, host.base, "stun:198.51.100.1")
    assert host.candidate.priority > srflx.candidate.priority
    assert host.candidate.foundation != srflx.candidate.foundation


def test_a_turn_server_brings_a_server_reflexive_and_a_relayed_candidate() -> None:
    _, srflx, relay = Site(servers=TURN).gather()
    assert srflx.candidate.transport_address == relay.candidate.related == ("203.0.113.1", 40001)
    assert relay.candidate.type is RELAY
    assert relay.candidate.transport_address == ("198.51.100.2", 49152)
    assert (relay.url, relay.relay_protocol) == ("turn:198.51.100.2", "udp")
    assert relay.socket != srflx.socket


def test_a_reflexive_candidate_that_is_known_is_not_told_again() -> None:
    """RFC 8445 section 5.1.3: two servers see one address, and without a NAT they see the host's."""
    assert types(Site(servers=STUN + TURN).gather()) == [HOST, SRFLX, RELAY]
    clock = ManualClock()
    internet = Internet(clock)
    FakeTurnServer(clock, internet, "198.51.100.1")
    peer = IcePeer(
        "a", Host(clock, internet, "203.0.113.7"), controlling=True, options=IceOptions(servers=STUN)
    )
    peer.agent.gather()
    clock.advance(1.0)
    assert types(peer.candidates) == [HOST]
    assert peer.agent.gathering is GatheringState.COMPLETE


def test_all_candidates_have_priorities_of_their_own() -> None:
    servers = (*STUN, *TURN, *ice_servers(["turn:198.51.100.3"], "ada", "secret"))
    site = Site("192.168.1.2", "10.0.0.2", "172.16.0.2", servers=servers)
    FakeTurnServer(site.clock, site.internet, "198.51.100.3", {"ada": "secret"})
    candidates = site.gather()
    assert len(candidates) == 12
    assert len({one.candidate.priority for one in candidates}) == 12


def test_requests_are_paced() -> None:
    """RFC 8445 section 14.2: one new transaction each 50 ms."""
    site = Site("192.168.1.2", "10.0.0.2", "172.16.0.2", servers=STUN)
    site.peer.agent.gather()
    sent: list[int] = []
    for _ in range(4):
        sent.append(sum(isinstance(command, SendStun) for command in site.peer.plane.commands))
        site.clock.advance(0.045)
    assert sent == [1, 1, 2, 3]


def test_a_server_is_asked_only_from_addresses_of_its_ip_version() -> None:
    site = Site("192.168.1.2", "2001:db8::2", servers=STUN)
    site.gather()
    assert site.stun.counted(Method.BINDING) == 1


def test_a_server_that_no_address_can_reach_is_an_error_of_its_url() -> None:
    site = Site("2001:db8::2", servers=STUN)
    site.gather()
    (error,) = site.peer.errors
    assert (error.url, error.code) == ("stun:198.51.100.1", 701)
    assert site.peer.agent.gathering is GatheringState.COMPLETE


def test_a_silent_server_is_one_error_and_does_not_hold_up_gathering_for_long() -> None:
    site = Site("192.168.1.2", "10.0.0.2", servers=STUN)
    site.stun.deaf = True
    site.gather(9.9)
    assert site.peer.gathering == [GatheringState.GATHERING]
    site.clock.advance(0.2)
    assert site.peer.errors == [CandidateError("stun:198.51.100.1", 701, "the server does not answer")]
    assert site.peer.agent.gathering is GatheringState.COMPLETE
    site.clock.advance(60.0)
    assert len(site.peer.errors) == 1


def test_what_a_turn_server_refuses_is_an_error_with_its_code_and_our_address() -> None:
    site = Site(servers=ice_servers(["turn:198.51.100.2"], "ada", "wrong"))
    site.gather()
    assert site.peer.errors == [CandidateError("turn:198.51.100.2", 401, "No", ("192.168.1.2", 50000))]
    assert types(site.peer.candidates) == [HOST]


def test_an_error_tells_no_address_that_a_policy_hides() -> None:
    servers = ice_servers(["turn:198.51.100.2"], "ada", "wrong")
    site = Site(options=IceOptions(servers=servers, relay_only=True))
    site.gather()
    assert [error.host for error in site.peer.errors] == [None]
    assert site.peer.candidates == []


def test_servers_are_found_by_name() -> None:
    site = Site(servers=ice_servers(["stun:stun.example.org"]))
    site.host.resolver.names["stun.example.org"] = ["2001:db8::1", "198.51.100.1"]
    assert types(site.gather()) == [HOST, SRFLX]


def test_a_name_that_means_nothing_is_an_error() -> None:
    site = Site(servers=ice_servers(["stun:stun.example.org"]))
    site.gather()
    (error,) = site.peer.errors
    assert (error.code, error.text) == (701, "the name stun.example.org cannot be resolved")
    assert site.peer.agent.gathering is GatheringState.COMPLETE


def test_a_name_that_is_never_resolved_does_not_hold_up_gathering_for_long() -> None:
    site = Site(servers=ice_servers(["stun:stun.example.org"]))
    site.host.resolver.delay_s = 100.0
    site.gather(11.0)
    assert site.peer.agent.gathering is GatheringState.COMPLETE
    assert [error.code for error in site.peer.errors] == [701]


def test_a_turn_server_over_a_stream_brings_a_relayed_candidate_alone() -> None:
    """How TCP's mapping looks from outside says nothing of UDP's."""
    url = "turns:198.51.100.2:3478"
    site = Site(servers=ice_servers([url, "turn:198.51.100.2?transport=tcp"], "ada", "secret"))
    host, tcp, tls = site.gather()
    assert types([host, tcp, tls]) == [HOST, RELAY, RELAY]
    assert (tls.url, tls.relay_protocol, tcp.relay_protocol) == (url, "tls", "tcp")
    assert tls.candidate.priority < tcp.candidate.priority
    streams = [command for command in site.peer.plane.commands if isinstance(command, OpenStream)]
    server = ("198.51.100.2", 3478)
    assert [(one.server, one.tls_name) for one in streams] == [(server, None), (server, "198.51.100.2")]
    assert not {one.socket for one in streams} & {host.socket, tls.socket, tcp.socket}


def test_a_server_whose_stream_ends_takes_its_relay_along_and_is_asked_anew_next_time() -> None:
    site = Site(servers=ice_servers(["turn:198.51.100.2?transport=tcp"], "ada", "secret"))
    _, relay = site.gather()
    (stream,) = (command for command in site.peer.plane.commands if isinstance(command, OpenStream))
    site.peer.agent.socket_lost(stream.socket)
    assert RemoveSocket(stream.transport, stream.socket) in site.peer.plane.commands
    site.peer.agent.restart(Credentials("efgh", "q" * 24))
    site.clock.advance(1.0)
    assert site.peer.candidates[-1].candidate.type is RELAY
    assert site.peer.candidates[-1].socket != relay.socket


def test_a_redirection_over_a_stream_opens_one_to_the_other_server_and_closes_the_first() -> None:
    """RFC 8489 section 10: the certificate is still to be for the name in the URL."""
    site = Site(servers=ice_servers(["turns:198.51.100.2:3478"], "ada", "secret"))
    other = FakeTurnServer(site.clock, site.internet, "198.51.100.3", {"ada": "secret"})
    site.turn.alternate = other.address
    _, relay = site.gather()
    assert relay.candidate.address == "198.51.100.3"
    commands = site.peer.plane.commands
    first, second = (command for command in commands if isinstance(command, OpenStream))
    assert (second.server, second.tls_name) == (other.address, "198.51.100.2")
    assert RemoveSocket(first.transport, first.socket) in commands
    assert RemoveSocket(second.transport, second.socket) not in commands
    site.peer.agent.close()
    assert commands[-1] == RemoveSocket(second.transport, second.socket)


def test_what_cannot_be_asked_says_what_to_do() -> None:
    urls = ["turns:198.51.100.2?transport=udp", "stuns:198.51.100.1"]
    site = Site(servers=ice_servers(urls, "ada", "secret"))
    assert types(site.gather()) == [HOST]
    assert [(error.code, error.text.split(": ")[1]) for error in site.peer.errors] == [
        (701, "leave transport=udp out"),
        (701, "name the server with stun, or use turns"),
    ]


def test_a_public_address_of_a_one_to_one_nat_is_told_without_any_server() -> None:
    site = Site(options=IceOptions(address_mapping={"192.168.1.2": "203.0.113.99"}))
    site.peer.agent.gather()
    host, mapped = site.peer.candidates
    assert (mapped.candidate.type, mapped.candidate.transport_address) == (SRFLX, ("203.0.113.99", 50000))
    assert mapped.candidate.related == host.candidate.transport_address


def test_ports_are_of_the_range_and_where_none_is_free_there_is_no_candidate() -> None:
    site = Site("192.168.1.2", "10.0.0.2", options=IceOptions(port_range=(7000, 7001)))
    site.host.failing.add("10.0.0.2")
    (candidate,) = site.gather()
    assert candidate.candidate.transport_address == ("192.168.1.2", 7000)


def test_new_servers_count_from_the_next_gathering_on() -> None:
    site = Site(servers=STUN)
    site.gather()
    site.peer.agent.set_options(IceOptions(servers=TURN))
    site.clock.advance(1.0)
    assert site.turn.requests == []
    site.peer.candidates.clear()
    site.peer.restart()
    site.clock.advance(1.0)
    assert types(site.peer.candidates) == [HOST, SRFLX, RELAY]
    site.peer.agent.set_options(IceOptions(servers=STUN))
    assert len(site.turn.allocations) == 1
    site.peer.restart()
    site.clock.advance(1.0)
    assert site.turn.allocations == {}


def test_a_restart_while_a_server_is_asked_for_a_relay_awaits_that_answer() -> None:
    site = Site(servers=TURN)
    site.gather(0.03)
    site.peer.candidates.clear()
    site.peer.restart()
    site.clock.advance(1.0)
    assert types(site.peer.candidates) == [HOST, SRFLX, RELAY]
    assert {one.candidate.ufrag for one in site.peer.candidates} == {"a0000002"}
    assert site.turn.counted(Method.ALLOCATE) == 2


def test_what_an_earlier_generation_asked_for_is_not_told_in_the_next() -> None:
    site = Site(servers=ice_servers(["stun:stun.example.org"]))
    site.host.resolver.names["stun.example.org"] = ["198.51.100.1"]
    site.gather(0.001)
    site.peer.agent.restart(Credentials("a0000009", "a" * 24))
    site.clock.advance(1.0)
    assert [one.candidate.ufrag for one in site.peer.candidates] == ["a0000001", "a0000009", "a0000009"]


def test_an_address_that_is_gone_is_not_told_by_the_next_gathering() -> None:
    site = Site("192.168.1.2", "10.0.0.2", servers=TURN)
    site.gather()
    assert len(site.turn.allocations) == 2
    site.host.remove("10.0.0.2")
    site.peer.candidates.clear()
    site.peer.restart()
    site.clock.advance(1.0)
    assert {one.base[0] for one in site.peer.candidates if one.candidate.type is not RELAY} == {"192.168.1.2"}
    assert types(site.peer.candidates) == [HOST, SRFLX, RELAY]
