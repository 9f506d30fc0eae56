"""Two agents on the virtual network: how they meet, what they say of it, and what they bear."""

import time

import pytest

from visavis.dataplane.commands import Nominate, SetPairs
from visavis.ice import (
    Candidate,
    CandidateType,
    Credentials,
    GatheringState,
    IceOptions,
    IceState,
    candidate_priority,
    ice_servers,
)
from visavis.testing.clock import ManualClock
from visavis.testing.icepeer import IcePeer, introduce, meet
from visavis.testing.nat import Behaviour, Nat
from visavis.testing.network import Host, Internet
from visavis.testing.turnserver import FakeTurnServer

TURN = IceOptions(servers=ice_servers(["turn:198.51.100.2"], "ada", "secret"))


class Pair:
    """Ada controls, Bob does not; each has the addresses that the test says."""

    def __init__(
        self,
        ada: tuple[str, ...] = ("192.0.2.1",),
        bob: tuple[str, ...] = ("192.0.2.2",),
        options: IceOptions | None = None,
        *,
        bob_controls: bool = False,
    ) -> None:
        self.clock = ManualClock()
        self.internet = Internet(self.clock)
        self.turn = FakeTurnServer(self.clock, self.internet, "198.51.100.2", {"ada": "secret"})
        self.ada = IcePeer("a", Host(self.clock, self.internet, *ada), controlling=True, options=options)
        self.bob = IcePeer(
            "b",
            Host(self.clock, self.internet, *bob),
            controlling=bob_controls,
            options=options,
            tie_breaker=2,
        )

    @property
    def peers(self) -> tuple[IcePeer, IcePeer]:
        return self.ada, self.bob

    def meet(self, duration_s: float = 1.0) -> None:
        meet(self.ada, self.bob, self.clock)
        self.clock.advance(duration_s)

    def restart(self, duration_s: float = 1.0) -> None:
        """An offer with new credentials, an answer with new credentials."""
        self.ada.restart()
        self.bob.restart()
        self.ada.start(self.bob.agent.credentials)
        self.bob.start(self.ada.agent.credentials)
        self.clock.advance(duration_s)


def types(peer: IcePeer) -> list[tuple[CandidateType, CandidateType]]:
    return [(pair.local.candidate.type, pair.remote.type) for pair in peer.selected]


def test_two_hosts_meet_by_their_host_candidates() -> None:
    pair = Pair()
    pair.meet()
    for peer in pair.peers:
        assert peer.states == [IceState.CHECKING, IceState.COMPLETED]
        assert types(peer) == [(CandidateType.HOST, CandidateType.HOST)]
        assert peer.gathering == [GatheringState.GATHERING, GatheringState.COMPLETE]
        assert peer.agent.gathering is GatheringState.COMPLETE
    assert pair.ada.plane.selected == (1000, ("192.0.2.2", 50000))
    assert pair.bob.plane.selected == (1000, ("192.0.2.1", 50000))


def test_a_pair_that_is_the_best_is_nominated_as_soon_as_it_is_valid() -> None:
    pair = Pair()
    pair.meet()
    # Two ways of signaling; a round trip for the check, of which half lies in them; the pace; one to
    # nominate.
    assert pair.ada.reached_s[IceState.COMPLETED] - 1000.0 == pytest.approx(0.04 + 0.05 + 0.02)


def test_only_the_controlling_agent_nominates_and_only_once() -> None:
    pair = Pair(("192.0.2.1", "192.0.2.11"), ("192.0.2.2", "192.0.2.12"))
    pair.meet(60.0)
    nominated = [
        [command for command in peer.plane.commands if isinstance(command, Nominate)] for peer in pair.peers
    ]
    assert [len(commands) for commands in nominated] == [1, 0]
    best = pair.ada.agent.pairs[0]
    assert nominated[0][0].pair == best.id
    assert best is pair.ada.agent.selected


def test_a_better_pair_that_answers_a_little_later_wins() -> None:
    """Bob's first address is cut off for some time: the worse pair is valid first, and waits for the
    better."""
    pair = Pair(("192.0.2.1",), ("192.0.2.2", "192.0.2.12"))
    pair.internet.cut.add("192.0.2.2")
    pair.clock.call_later(0.1, lambda: pair.internet.cut.clear())
    pair.meet(5.0)
    assert pair.ada.agent.selected is not None
    assert pair.ada.agent.selected.remote.address == "192.0.2.12"
    assert pair.ada.reached_s[IceState.CONNECTED] < 1000.3


def test_conflicting_roles_are_resolved_and_told() -> None:
    pair = Pair(bob_controls=True)
    pair.meet()
    assert (pair.ada.roles, pair.bob.roles) == ([False], [])
    assert (pair.ada.agent.controlling, pair.bob.agent.controlling) == (False, True)
    assert [peer.agent.state for peer in pair.peers] == [IceState.COMPLETED] * 2


def test_candidates_may_come_before_the_description() -> None:
    pair = Pair()
    introduce(pair.ada, pair.bob, pair.clock, 0.0)
    pair.ada.agent.gather()
    pair.clock.advance(1.0)
    assert pair.bob.agent.state is IceState.NEW
    pair.bob.agent.gather()
    pair.bob.start(pair.ada.agent.credentials)
    pair.ada.start(pair.bob.agent.credentials)
    pair.clock.advance(1.0)
    assert [peer.agent.state for peer in pair.peers] == [IceState.COMPLETED] * 2


def test_a_peer_that_tells_no_candidates_is_found_by_its_checks() -> None:
    pair = Pair()
    pair.ada.signal = pair.bob.receive
    pair.ada.agent.gather()
    pair.bob.agent.gather()
    pair.bob.start(pair.ada.agent.credentials)
    pair.ada.start(pair.bob.agent.credentials)
    pair.clock.advance(1.0)
    assert types(pair.ada) == [(CandidateType.HOST, CandidateType.PEER_REFLEXIVE)]
    assert pair.ada.agent.state is IceState.CONNECTED
    (known,) = pair.ada.agent.remote_candidates
    assert known.transport_address == ("192.0.2.2", 50000)


def test_a_peer_reflexive_candidate_that_is_told_later_becomes_that_one() -> None:
    """RFC 8838 section 11.4."""
    pair = Pair()
    pair.ada.signal = pair.bob.receive
    told: list[str | None] = []
    pair.bob.signal = told.append
    pair.ada.agent.gather()
    pair.bob.agent.gather()
    pair.bob.start(pair.ada.agent.credentials)
    pair.ada.start(pair.bob.agent.credentials)
    pair.clock.advance(1.0)
    for text in told:
        pair.ada.receive(text)
    pair.clock.advance(1.0)
    assert len(pair.ada.agent.pairs) == 1
    assert pair.ada.agent.pairs[0].remote.type is CandidateType.HOST
    assert pair.ada.agent.state is IceState.COMPLETED


def test_an_address_that_only_the_peer_sees_is_our_peer_reflexive_candidate() -> None:
    """RFC 8445 section 7.2.5.3.1; Ada is behind a NAT and has no STUN server."""
    clock = ManualClock()
    internet = Internet(clock)
    nat = Nat(clock, internet, "203.0.113.1", Behaviour(0), Behaviour(2))
    ada = IcePeer("a", Host(clock, nat, "192.168.1.2"), controlling=True)
    bob = IcePeer("b", Host(clock, internet, "192.0.2.2"), controlling=False)
    meet(ada, bob, clock)
    clock.advance(1.0)
    assert types(ada) == [(CandidateType.PEER_REFLEXIVE, CandidateType.HOST)]
    assert ada.selected[0].local.candidate.transport_address == ("203.0.113.1", 40001)
    assert ada.selected[0].local.candidate.related == ("192.168.1.2", 50000)
    assert types(bob) == [(CandidateType.HOST, CandidateType.PEER_REFLEXIVE)]
    assert [one.candidate.type for one in ada.candidates] == [CandidateType.HOST]


def test_without_any_pair_patience_lasts_as_long_as_a_check() -> None:
    """RFC 8863 section 4: not before 39.5 s, since the peer may be heard of; then at once."""
    pair = Pair(("192.0.2.1",), ("2001:db8::2",))
    pair.meet(39.0)
    assert all(IceState.FAILED not in peer.states for peer in pair.peers)
    pair.clock.advance(1.0)
    assert [peer.agent.state for peer in pair.peers] == [IceState.FAILED] * 2


def test_an_agent_without_any_address_fails_when_the_peer_has_told_all() -> None:
    pair = Pair((), ("192.0.2.2",))
    pair.meet(1.0)
    assert pair.ada.agent.state is IceState.FAILED


def test_patience_stands_in_for_an_end_of_candidates_that_never_comes() -> None:
    """RFC 8863 section 5."""
    pair = Pair()
    pair.ada.agent.gather()
    pair.ada.start(Credentials("b0000001", "b" * 24))
    pair.clock.advance(39.0)
    assert pair.ada.states == []
    pair.clock.advance(1.0)
    assert pair.ada.states == [IceState.FAILED]


def test_a_failed_agent_connects_after_a_restart() -> None:
    pair = Pair()
    pair.internet.cut.add("192.0.2.1")
    pair.meet(45.0)
    assert [peer.agent.state for peer in pair.peers] == [IceState.FAILED] * 2
    pair.internet.cut.clear()
    pair.restart()
    assert pair.ada.states[-3:] == [IceState.FAILED, IceState.CHECKING, IceState.COMPLETED]


def test_a_restart_keeps_the_connection_until_the_new_one_is_there() -> None:
    """webrtc-pc section 5.6.2: from completed a restart leads to connected, never through checking."""
    pair = Pair()
    pair.meet()
    before = pair.ada.agent.selected
    pair.ada.states.clear()
    pair.restart()
    assert pair.ada.states == [IceState.CONNECTED, IceState.COMPLETED]
    assert pair.ada.agent.selected is not before
    assert pair.ada.agent.selected_changes == 2
    assert [one.candidate.ufrag for one in pair.ada.candidates] == ["a0000001", "a0000002"]
    assert pair.ada.host.open_ports == [("192.0.2.1", 50000)]


def test_candidates_of_the_generation_before_are_not_taken() -> None:
    pair = Pair()
    pair.meet()
    pair.restart()
    pair.ada.receive("candidate:1 1 udp 2130706431 192.0.2.77 50000 typ host ufrag b0000001")
    pair.clock.advance(1.0)
    assert pair.ada.agent.dropped["generation"] == 1
    assert len(pair.ada.agent.remote_candidates) == 1


def test_silence_is_disconnected_and_then_failed_and_an_answer_heals() -> None:
    pair = Pair()
    pair.meet()
    pair.internet.cut.add("192.0.2.2")
    pair.clock.advance(8.0)
    pair.internet.cut.clear()
    pair.clock.advance(5.0)
    pair.internet.cut.add("192.0.2.2")
    pair.clock.advance(35.0)
    assert pair.ada.states[1:] == [
        IceState.COMPLETED,
        IceState.DISCONNECTED,
        IceState.COMPLETED,
        IceState.DISCONNECTED,
        IceState.FAILED,
    ]


def test_when_the_path_breaks_media_falls_back_to_another_valid_pair() -> None:
    pair = Pair(("192.0.2.1",), ("192.0.2.2", "192.0.2.12"))
    pair.meet(2.0)
    first = pair.ada.agent.selected
    assert first is not None
    pair.internet.cut.add(first.remote.address)
    pair.clock.advance(10.0)
    second = pair.ada.agent.selected
    assert second is not None
    assert {first.remote.address, second.remote.address} == {"192.0.2.2", "192.0.2.12"}
    assert pair.ada.agent.state is IceState.COMPLETED


def test_with_a_relay_policy_nothing_but_relayed_candidates_is_told_or_used() -> None:
    options = IceOptions(servers=TURN.servers, relay_only=True)
    pair = Pair(options=options)
    pair.meet()
    for peer in pair.peers:
        assert {one.candidate.type for one in peer.candidates} == {CandidateType.RELAYED}
        assert types(peer) == [(CandidateType.RELAYED, CandidateType.RELAYED)]


def test_a_relay_is_kept_through_a_restart() -> None:
    pair = Pair(options=IceOptions(servers=TURN.servers, relay_only=True))
    pair.meet()
    pair.restart()
    assert len(pair.turn.allocations) == 2
    assert pair.ada.agent.state is IceState.COMPLETED
    assert pair.ada.agent.selected_changes == 2
    assert len({one.candidate.transport_address for one in pair.ada.candidates}) == 1


def test_a_relay_that_the_server_takes_away_takes_its_pairs_with_it() -> None:
    pair = Pair(options=TURN)
    pair.meet()
    assert any(one.local.candidate.is_relayed for one in pair.ada.agent.pairs)
    pair.turn.lifetime_s = 0
    pair.turn.allocations.clear()
    pair.clock.advance(600.0)
    assert not any(one.local.candidate.is_relayed for one in pair.ada.agent.pairs)
    assert pair.ada.agent.state is IceState.COMPLETED


def test_an_mdns_name_is_resolved_and_paired() -> None:
    pair = Pair()
    pair.ada.host.resolver.names["bob.local"] = ["192.0.2.2"]
    pair.bob.signal = lambda text: pair.ada.receive(text and text.replace("192.0.2.2", "bob.local"))
    pair.ada.signal = pair.bob.receive
    pair.ada.agent.gather()
    pair.bob.agent.gather()
    pair.ada.start(pair.bob.agent.credentials)
    pair.bob.start(pair.ada.agent.credentials)
    pair.clock.advance(1.0)
    assert pair.ada.host.resolver.asked == ["bob.local"]
    assert types(pair.ada) == [(CandidateType.HOST, CandidateType.HOST)]


def test_names_other_than_mdns_are_not_looked_up() -> None:
    pair = Pair()
    pair.ada.receive("candidate:1 1 udp 2130706431 tracker.example.org 50000 typ host")
    pair.clock.advance(1.0)
    assert pair.ada.host.resolver.asked == []
    assert pair.ada.agent.dropped["address"] == 1


def test_a_name_that_means_nothing_counts_and_ends_the_waiting() -> None:
    pair = Pair()
    pair.ada.agent.gather()
    pair.ada.start(Credentials("b0000001", "b" * 24))
    pair.ada.receive("candidate:1 1 udp 2130706431 nobody.local 50000 typ host")
    pair.ada.receive(None)
    assert pair.ada.states == []
    pair.clock.advance(1.0)
    assert pair.ada.states == [IceState.CHECKING]
    assert pair.ada.agent.dropped["unresolved"] == 1


def test_ten_thousand_candidates_of_nonsense_cost_little_and_are_counted() -> None:
    pair = Pair(("192.0.2.1", "192.0.2.11", "192.0.2.21"))
    pair.ada.agent.gather()
    pair.ada.start(Credentials("b0000001", "b" * 24))
    priority = candidate_priority(CandidateType.HOST, 65535)
    candidates = [
        Candidate("1", priority - number, f"198.18.{number // 250}.{number % 250}", 5000, CandidateType.HOST)
        for number in range(10_000)
    ]
    began = time.process_time()
    for candidate in candidates:
        pair.ada.agent.add_remote(candidate)
    elapsed_s = time.process_time() - began
    pair.clock.advance(0.0)
    assert pair.ada.agent.dropped == {"too-many": 9_900, "pairs": 200}
    assert len(pair.ada.agent.remote_candidates) == 100
    handed_down = [command for command in pair.ada.plane.commands if isinstance(command, SetPairs)]
    assert [len(command.pairs) for command in handed_down] == [100]
    # Generous: it is some 20 ms; what grew with the square of the number would be minutes.
    assert elapsed_s < 5.0


def test_changes_of_one_moment_are_handed_down_once() -> None:
    pair = Pair(("192.0.2.1", "192.0.2.11"))
    pair.ada.agent.gather()
    pair.ada.start(Credentials("b0000001", "b" * 24))
    for number in range(5):
        pair.ada.receive(f"candidate:1 1 udp 2130706431 198.18.0.{number} 50000 typ host")
    pair.clock.advance(0.01)
    handed_down = [command for command in pair.ada.plane.commands if isinstance(command, SetPairs)]
    assert [len(command.pairs) for command in handed_down] == [10]


def test_a_pool_tells_nothing_until_it_is_wanted() -> None:
    pair = Pair(options=TURN)
    pair.ada.agent.fill_pool()
    pair.clock.advance(1.0)
    assert (pair.ada.candidates, pair.ada.gathering) == ([], [])
    assert pair.ada.agent.gathering is GatheringState.NEW
    assert pair.ada.agent.local_candidates == []
    pair.ada.agent.gather()
    assert [one.candidate.type for one in pair.ada.candidates] == [CandidateType.HOST, CandidateType.RELAYED]
    assert pair.ada.gathering == [GatheringState.GATHERING, GatheringState.COMPLETE]
    pair.meet()
    assert pair.ada.agent.state is IceState.COMPLETED


def test_losing_the_address_in_use_wants_a_restart_which_uses_another() -> None:
    pair = Pair(("192.0.2.1",), ("192.0.2.2",))
    pair.meet()
    pair.ada.host.add("192.0.2.11")
    pair.ada.agent.network_changed()
    assert pair.ada.restarts == []
    pair.ada.host.remove("192.0.2.1")
    pair.ada.agent.network_changed()
    assert pair.ada.restarts == ["the address in use is gone"]
    pair.restart()
    assert pair.ada.agent.state is IceState.COMPLETED
    assert pair.ada.agent.selected is not None
    assert pair.ada.agent.selected.local.candidate.address == "192.0.2.11"
    assert pair.ada.host.open_ports == [("192.0.2.11", 50000)]


def test_a_peer_that_says_good_bye_is_disconnected_at_once_and_failed_when_its_consent_expires() -> None:
    pair = Pair()
    pair.meet()
    pair.ada.agent.transport_state("closed", "closed by the peer")
    assert pair.ada.states[-1:] == [IceState.DISCONNECTED]
    pair.clock.advance(29.0)
    assert pair.ada.states[-1:] == [IceState.DISCONNECTED]
    pair.clock.advance(2.0)
    assert pair.ada.states[-1:] == [IceState.FAILED]


def test_a_closed_agent_is_silent_and_leaves_nothing_behind() -> None:
    pair = Pair(options=TURN)
    pair.meet()
    for peer in pair.peers:
        peer.close()
        peer.agent.close()
        assert peer.states[-1] is IceState.CLOSED
        assert peer.host.open_ports == []
    pair.clock.advance(10.0)
    assert pair.turn.allocations == {}
    heard = [len(peer.states) for peer in pair.peers]
    pair.ada.receive("candidate:1 1 udp 2130706431 192.0.2.2 50000 typ host")
    pair.ada.agent.start(Credentials("b0000009", "b" * 24))
    pair.ada.agent.restart(Credentials("a0000009", "a" * 24))
    pair.clock.advance(100.0)
    assert [len(peer.states) for peer in pair.peers] == heard
    assert pair.clock.pending() == 0
