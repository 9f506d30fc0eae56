"""Another peer takes over a transport, and a role that turns out to be another one."""

import pytest

from tests.unit.ice.test_agent import Pair
from visavis.dataplane.commands import SetIceRole
from visavis.ice import IceState
from visavis.testing.icepeer import IcePeer, introduce
from visavis.testing.network import Host


def take_over(pair: Pair, *, is_another_peer: bool) -> IcePeer:
    """Carol answers in Bob's place, without a restart of Ada's, and hears of Ada's candidates again."""
    carol = IcePeer("c", Host(pair.clock, pair.internet, "192.0.2.3"), controlling=False)
    introduce(pair.ada, carol, pair.clock)
    carol.agent.gather()
    carol.start(pair.ada.agent.credentials)
    pair.ada.agent.start(carol.agent.credentials, is_another_peer=is_another_peer)
    for candidate in pair.ada.candidates:
        carol.receive(f"candidate:{candidate.candidate.to_sdp()}")
    carol.receive(None)
    return carol


def test_who_takes_over_is_checked_with_the_candidates_that_are_there() -> None:
    pair = Pair()
    pair.meet()
    gathered, pair.ada.states[:] = len(pair.ada.candidates), []
    carol = take_over(pair, is_another_peer=True)
    pair.clock.advance(1.0)
    assert pair.ada.plane.selected == (1000, ("192.0.2.3", 50000))
    assert carol.plane.selected == (1000, ("192.0.2.1", 50000))
    assert len(pair.ada.candidates) == gathered, "nothing is gathered again"
    assert pair.ada.states == [IceState.CHECKING, IceState.COMPLETED]
    assert {one.address for one in pair.ada.agent.remote_candidates} == {"192.0.2.3"}


def test_a_peer_that_takes_over_and_cannot_be_reached_is_a_failure() -> None:
    pair = Pair()
    pair.meet()
    pair.internet.cut.add("192.0.2.3")
    take_over(pair, is_another_peer=True)
    pair.clock.advance(60.0)
    assert pair.ada.states[-1] is IceState.FAILED


def test_other_credentials_of_the_same_peer_leave_the_connection_up() -> None:
    pair = Pair()
    pair.meet()
    pair.ada.states.clear()
    take_over(pair, is_another_peer=False)
    pair.clock.advance(1.0)
    assert pair.ada.states == [IceState.CONNECTED, IceState.COMPLETED]


@pytest.mark.parametrize("when", ["before the checks", "while there is a connection"])
def test_a_role_that_was_wrong_is_changed_without_a_conflict(when: str) -> None:
    pair = Pair(bob_controls=when == "before the checks")
    if when == "before the checks":
        pair.bob.agent.set_role(False)
        pair.meet()
        assert (pair.ada.roles, pair.bob.roles) == ([], [False])
    else:
        pair.meet()
        pair.ada.agent.set_role(False)
        pair.bob.agent.set_role(True)
        pair.clock.advance(1.0)
        assert (pair.ada.roles, pair.bob.roles) == ([False], [True])
    for peer in pair.peers:
        assert peer.agent.state is IceState.COMPLETED
    assert pair.bob.agent.controlling is (when != "before the checks")


def test_a_closed_agent_changes_no_role() -> None:
    pair = Pair()
    pair.ada.close()
    pair.ada.agent.set_role(False)
    assert not any(isinstance(command, SetIceRole) for command in pair.ada.plane.commands)
