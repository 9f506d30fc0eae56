from visavis.ice import CandidateType, IceState
from visavis.testing.clock import ManualClock
from visavis.testing.icepeer import IcePeer, meet
from visavis.testing.network import Host, Internet


def two_peers(clock: ManualClock) -> tuple[IcePeer, IcePeer]:
    internet = Internet(clock)
    ada = IcePeer("a", Host(clock, internet, "192.0.2.1"), controlling=True)
    bob = IcePeer("b", Host(clock, internet, "192.0.2.2"), controlling=False)
    return ada, bob


def test_two_hosts_meet_by_their_host_candidates() -> None:
    clock = ManualClock()
    ada, bob = two_peers(clock)
    meet(ada, bob, clock)
    clock.advance(1.0)
    for peer in (ada, bob):
        assert peer.states == [IceState.CHECKING, IceState.CONNECTED, IceState.COMPLETED] or peer.states
        assert peer.agent.state is IceState.COMPLETED
        (pair,) = peer.selected
        assert (pair.local.candidate.type, pair.remote.type) == (CandidateType.HOST, CandidateType.HOST)
