"""Twelve kinds of NAT and firewall against each other, on virtual time.

What comes out of each cell follows from what RFC 4787 says of the two kinds; `expected` says how.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from visavis.ice import IceOptions, IceState, ice_servers
from visavis.ice.candidate import TCP_TYPES
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


@cache
def cell(one: Kind, other: Kind) -> Cell:
    """A cell of the table."""
    return run(one, other)


def _first(peer: IcePeer) -> tuple[IceState, float]:
    """What a peer came to, and when."""
    return next(
        (state, peer.reached_s[state])
        for state in (IceState.CONNECTED, IceState.FAILED)
        if state in peer.reached_s
    )


def table() -> str:
    """The laboratory as docs/ice.md shows it: rows offer, columns answer."""
    letters = {Outcome.DIRECT: "direct", Outcome.RELAYED: "relayed", Outcome.FAILED: "failed"}
    lines = ["| | " + " | ".join(kind.name for kind in KINDS) + " |", "|---" * (len(KINDS) + 1) + "|"]
    for one in KINDS:
        cells = (cell(one, other) for other in KINDS)
        lines.append(
            f"| **{one.name}** | "
            + " | ".join(f"{letters[it.outcome]} {it.seconds:.2f}" for it in cells)
            + " |"
        )
    return "\n".join(lines)


@pytest.mark.parametrize(("one", "other"), [*product(KINDS, KINDS)], ids=lambda kind: kind.name)
def test_each_cell_has_the_outcome_that_theory_demands(one: Kind, other: Kind) -> None:
    assert cell(one, other).outcome is expected(one, other)


def test_a_connection_takes_less_than_a_second_unless_both_nats_map_each_check_anew() -> None:
    def both_move(one: Kind, other: Kind) -> bool:
        return all(kind.mapping is PORT and kind.filtering is not PORT for kind in (one, other))

    times = {
        (one.name, other.name): cell(one, other).seconds
        for one, other in product(KINDS, KINDS)
        if cell(one, other).outcome is not Outcome.FAILED and not both_move(one, other)
    }
    assert len(times) == 144 - 23 - 4
    assert max(times.values()) < 1.0


def test_failure_is_told_when_patience_ends() -> None:
    """RFC 8863 section 4: 39.5 s after checks began."""
    times = [
        cell(one, other).seconds
        for one, other in product(KINDS, KINDS)
        if cell(one, other).outcome is Outcome.FAILED
    ]
    assert len(times) == 23
    assert all(39.5 <= seconds < 39.8 for seconds in times)


def test_the_documentation_shows_this_table() -> None:
    documentation = Path("docs/ice.md").read_text()
    assert table() in documentation


def test_a_carrier_that_does_not_hairpin_leaves_the_relay() -> None:
    carrier = KINDS[-2]
    assert run(carrier, carrier, hairpin=False).outcome is Outcome.RELAYED


def test_without_a_relay_what_would_be_relayed_fails() -> None:
    symmetric = next(kind for kind in KINDS if kind.name == "port/port")
    stun_only = IceOptions(servers=OPTIONS.servers[:1])
    assert run(symmetric, symmetric, stun_only).outcome is Outcome.FAILED


def test_behind_one_nat_peers_meet_inside() -> None:
    clock = ManualClock()
    internet = Internet(clock)
    FakeTurnServer(clock, internet, STUN_HOST)
    nat = Nat(clock, internet, "203.0.113.1", PORT, PORT)
    peers = [
        IcePeer(name, Host(clock, nat, f"192.168.1.{number}"), controlling=number == 1)
        for number, name in enumerate("ab", 1)
    ]
    meet(peers[0], peers[1], clock)
    clock.advance(2.0)
    assert [peer.plane.selected for peer in peers] == [
        (1000, ("192.168.1.2", 50000)),
        (1000, ("192.168.1.1", 50000)),
    ]


def test_the_same_laboratory_gives_the_same_times() -> None:
    for one, other in ((KINDS[4], KINDS[8]), (KINDS[7], KINDS[7])):
        assert run(one, other) == run(one, other)


BLOCKED, PUBLIC = KINDS[-1], KINDS[0]
WITH_TCP = replace(OPTIONS, tcp=TCP_TYPES)


@pytest.mark.parametrize(("one", "other"), [(BLOCKED, PUBLIC), (PUBLIC, BLOCKED)], ids=lambda kind: kind.name)
def test_where_udp_is_blocked_a_stream_leads_to_who_can_be_reached(one: Kind, other: Kind) -> None:
    """RFC 6544: the one behind the firewall opens it. Datagrams have their time first, 0.25 s, and are
    waited for once more before a stream is nominated, 0.6 s."""
    met = run(one, other, WITH_TCP)
    assert met.outcome is Outcome.DIRECT
    assert 0.85 < met.seconds < 1.1


@pytest.mark.parametrize("other", [kind for kind in KINDS if not kind.is_public], ids=lambda kind: kind.name)
def test_where_udp_is_blocked_no_stream_leads_to_who_is_behind_a_nat(other: Kind) -> None:
    """A stream is opened to where somebody listens, and no mapping leads there: only a relay would help, by
    a stream, too."""
    assert run(BLOCKED, other, WITH_TCP).outcome is Outcome.FAILED


def test_where_udp_goes_tcp_candidates_change_nothing() -> None:
    for one, other in ((PUBLIC, PUBLIC), (PUBLIC, KINDS[3]), (KINDS[9], KINDS[9])):
        assert run(one, other, WITH_TCP) == cell(one, other)
