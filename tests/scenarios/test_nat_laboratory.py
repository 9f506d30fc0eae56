"""Twelve kinds of NAT and firewall against each other, on virtual time.

What comes out of each cell follows from what RFC 4787 says of the two kinds; `expected` says how.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import product

import pytest

from visavis.ice import IceOptions, IceState, ice_servers
from visavis.testing.clock import ManualClock
from visavis.testing.icepeer import IcePeer, meet
from visavis.testing.nat import Behaviour, Nat
from visavis.testing.network import Host, Internet, Realm
from visavis.testing.turnserver import FakeTurnServer

STUN_HOST = "198.51.100.1"
TURN_HOST = "198.51.100.2"
OPTIONS = IceOptions(
    servers=(
        *ice_servers([f"stun:{STUN_HOST}"]),
        *ice_servers([f"turn:{TURN_HOST}"], "ada", "secret"),
    )
)
INDEPENDENT = Behaviour.ENDPOINT_INDEPENDENT
ADDRESS = Behaviour.ADDRESS_DEPENDENT
PORT = Behaviour.ADDRESS_AND_PORT_DEPENDENT
WORDS = {INDEPENDENT: "independent", ADDRESS: "address", PORT: "port"}


class Outcome(StrEnum):
    DIRECT = "direct"
    RELAYED = "relayed"
    FAILED = "failed"


@dataclass(frozen=True)
class Kind:
    """What stands between a host and the internet, as the other side sees it."""

    name: str
    mapping: Behaviour = INDEPENDENT
    filtering: Behaviour = INDEPENDENT
    blocks_udp: bool = False
    is_carrier: bool = False
    """A port-restricted NAT at home, behind a carrier's that hairpins and that both peers share."""
    is_public: bool = False


KINDS = (
    Kind("none", is_public=True),
    *(
        Kind(f"{WORDS[mapping]}/{WORDS[filtering]}", mapping, filtering)
        for mapping, filtering in product(Behaviour, Behaviour)
    ),
    Kind("carrier", filtering=PORT, is_carrier=True),
    Kind("blocked", blocks_udp=True),
)


def expected(one: Kind, other: Kind) -> Outcome:
    """The theory. A check has to arrive, and its answer has to come from where the check went.

    A peer whose mapping does not depend on the remote end has one address, which STUN finds. One whose
    mapping does sends to each peer from an address that nobody knows before.
    """
    if one.blocks_udp or other.blocks_udp:
        return Outcome.FAILED
    fixed = [kind for kind in (one, other) if kind.mapping is INDEPENDENT]
    moving = [kind for kind in (one, other) if kind.mapping is not INDEPENDENT]
    if not moving:
        # Each sends to the address at which the other is: both filters open.
        return Outcome.DIRECT
    if fixed:
        # The moving one's checks come from an unknown port of a known address: only a filter that asks for
        # the port refuses them. The answers, and the checks that they trigger, find their way back.
        return Outcome.DIRECT if fixed[0].filtering is not PORT else Outcome.RELAYED
    # Neither is where STUN saw it. Checks arrive by filters that ask for the address at most; an answer comes
    # from where the check went only if one side sends to the other's whole address from one port.
    filters_let = all(kind.filtering is not PORT for kind in moving)
    one_port = any(kind.mapping is ADDRESS for kind in moving)
    return Outcome.DIRECT if filters_let and one_port else Outcome.RELAYED


def realm(clock: ManualClock, internet: Internet, carrier: Nat, kind: Kind, number: int) -> tuple[Realm, str]:
    """Where a peer behind a kind is, and its address there."""
    if kind.is_public:
        return internet, f"203.0.113.{number}"
    outside: Realm = carrier if kind.is_carrier else internet
    public = f"100.64.0.{number}" if kind.is_carrier else f"203.0.113.{number}"
    nat = Nat(clock, outside, public, kind.mapping, kind.filtering, passes_udp=not kind.blocks_udp)
    return nat, "192.168.1.2"


@dataclass(frozen=True)
class Cell:
    outcome: Outcome
    seconds: float


def run(one: Kind, other: Kind, options: IceOptions = OPTIONS, *, hairpin: bool = True) -> Cell:
    """Two peers meet; the one behind `one` offers."""
    clock = ManualClock()
    internet = Internet(clock)
    FakeTurnServer(clock, internet, STUN_HOST)
    FakeTurnServer(clock, internet, TURN_HOST, {"ada": "secret"})
    carrier = Nat(clock, internet, "203.0.113.100", INDEPENDENT, INDEPENDENT, hairpin=hairpin)
    peers = [
        IcePeer(name, Host(clock, *realm(clock, internet, carrier, kind, number)), controlling=number == 1,
                options=options, tie_breaker=number)
        for number, (name, kind) in enumerate((("a", one), ("b", other)), 1)
    ]  # fmt: skip
    meet(peers[0], peers[1], clock)
    began_s = clock.monotonic()
    clock.advance(60.0)
    relayed = [peer.agent.selected.is_relayed for peer in peers if peer.agent.selected is not None]
    reached = [_first(peer) for peer in peers]
    seconds = max(when_s for _, when_s in reached) - began_s
    if not relayed:
        assert [state for state, _ in reached] == [IceState.FAILED] * 2
        return Cell(Outcome.FAILED, seconds)
    assert [state for state, _ in reached] == [IceState.CONNECTED] * 2
    assert all(peer.agent.state is IceState.COMPLETED for peer in peers)
    return Cell(Outcome.RELAYED if any(relayed) else Outcome.DIRECT, seconds)


def _first(peer: IcePeer) -> tuple[IceState, float]:
    """What a peer came to, and when."""
    return next(
        (state, peer.reached_s[state])
        for state in (IceState.CONNECTED, IceState.FAILED)
        if state in peer.reached_s
    )


@pytest.mark.parametrize(("one", "other"), [*product(KINDS, KINDS)], ids=lambda kind: kind.name)
def test_each_cell_has_the_outcome_that_theory_demands(one: Kind, other: Kind) -> None:
    assert run(one, other).outcome is expected(one, other)
