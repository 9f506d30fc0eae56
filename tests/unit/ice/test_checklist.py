from visavis.dataplane.commands import FIRST_LEARNT_PAIR, Pair, PairId, SocketId
from visavis.ice import Candidate, CandidateType, LocalCandidate, PairStatus, candidate_priority
from visavis.ice.checklist import MAX_LEARNT, CheckList, can_pair
from visavis.ice.nomination import best_valid, wait_for_better_s


def local(
    address: str = "192.0.2.1",
    socket: int = 1000,
    preference: int = 65535,
    type_: CandidateType = CandidateType.HOST,
) -> LocalCandidate:
    candidate = Candidate("1", candidate_priority(type_, preference), address, 5000, type_)
    return LocalCandidate(candidate, SocketId(socket), (address, 5000), preference)


def remote(
    address: str = "203.0.113.1",
    port: int = 6000,
    preference: int = 65535,
    type_: CandidateType = CandidateType.HOST,
) -> Candidate:
    return Candidate("1", candidate_priority(type_, preference), address, port, type_)


def test_pair_priorities_are_those_of_the_formula() -> None:
    """RFC 8445 section 6.1.2.3: 2^32 min(G, D) + 2 max(G, D) + (G > D)."""
    pairs = CheckList(100, 1)
    pair = pairs.add(local(preference=10), remote(preference=20), True)
    assert pair is not None
    ours, theirs = candidate_priority(CandidateType.HOST, 10), candidate_priority(CandidateType.HOST, 20)
    assert pair.priority(True) == (ours << 32) + 2 * theirs
    assert pair.priority(False) == (ours << 32) + 2 * theirs + 1


def test_both_sides_order_their_pairs_alike() -> None:
    ours = [local(f"192.0.2.{number}", 1000 + number, preference=number) for number in (1, 2, 3)]
    theirs = [remote(f"203.0.113.{number}", preference=2 * number) for number in (1, 2, 3)]
    controlling, controlled = CheckList(100, 1), CheckList(100, 1)
    for one in ours:
        for index, other in enumerate(theirs):
            controlling.add(one, other, True)
            mirrored = LocalCandidate(other, SocketId(2000 + index), other.transport_address, 1)
            controlled.add(mirrored, one.candidate, False)
    order = [(pair.local.candidate.address, pair.remote.address) for pair in controlling.ordered(True)]
    assert len(order) == 9
    assert order == [
        (pair.remote.address, pair.local.candidate.address) for pair in controlled.ordered(False)
    ]


def test_only_candidates_that_fit_are_paired() -> None:
    assert can_pair(local(), remote())
    assert not can_pair(local(), remote("2001:db8::1"))
    assert can_pair(local("2001:db8::2"), remote("2001:db8::1"))
    assert not can_pair(local(type_=CandidateType.SERVER_REFLEXIVE), remote())
    tcp = Candidate("1", 1, "203.0.113.1", 9, CandidateType.HOST, protocol="tcp")
    assert not can_pair(local(), tcp)
    rtcp = Candidate("1", 1, "203.0.113.1", 9, CandidateType.HOST, component=2)
    assert not can_pair(local(), rtcp)


def test_a_path_has_one_pair() -> None:
    pairs = CheckList(100, 1)
    assert pairs.add(local(), remote(), True) is not None
    assert pairs.add(local(), remote(type_=CandidateType.SERVER_REFLEXIVE), True) is None
    assert len(pairs) == 1


def test_what_goes_to_the_data_plane_is_ordered_and_without_frozen_and_failed_pairs() -> None:
    pairs = CheckList(100, 1)
    low = pairs.add(local(), remote("203.0.113.1", preference=1), True)
    high = pairs.add(local(), remote("203.0.113.2", preference=2), True)
    frozen = pairs.add(local(), remote("203.0.113.3", preference=3), True, frozen=True)
    failed = pairs.add(local(), remote("203.0.113.4", preference=4), True)
    assert low is not None
    assert high is not None
    assert frozen is not None
    assert failed is not None
    failed.status = PairStatus.FAILED
    prflx = candidate_priority(CandidateType.PEER_REFLEXIVE, 65535)
    assert pairs.to_check(True) == (
        Pair(high.id, SocketId(1000), ("203.0.113.2", 6000), prflx),
        Pair(low.id, SocketId(1000), ("203.0.113.1", 6000), prflx),
    )


def test_the_list_is_bounded_and_the_least_pair_gives_way() -> None:
    pairs = CheckList(3, 1)
    for preference in (5, 6, 7):
        pairs.add(local(), remote(f"203.0.113.{preference}", preference=preference), True)
    assert pairs.add(local(), remote("203.0.113.1", preference=1), True) is None
    assert pairs.add(local(), remote("203.0.113.9", preference=9), True) is not None
    assert [pair.remote.address for pair in pairs.ordered(True)] == [
        "203.0.113.9",
        "203.0.113.7",
        "203.0.113.6",
    ]
    assert pairs.dropped == 2


def test_a_failed_pair_gives_way_first_and_a_valid_one_never() -> None:
    pairs = CheckList(2, 1)
    first = pairs.add(local(), remote("203.0.113.1", preference=1), True)
    second = pairs.add(local(), remote("203.0.113.9", preference=9), True)
    assert first is not None
    assert second is not None
    first.status, second.status = PairStatus.SUCCEEDED, PairStatus.FAILED
    third = pairs.add(local(), remote("203.0.113.2", preference=2), True)
    assert third is not None
    assert list(pairs) == [first, third]
    third.status = PairStatus.SUCCEEDED
    assert pairs.add(local(), remote("203.0.113.8", preference=8), True) is None
    assert pairs.get(second.id) is None


def test_a_learnt_pair_on_a_known_path_is_that_pair_by_both_names() -> None:
    pairs = CheckList(100, 1)
    ours = pairs.add(local(), remote(), True)
    learnt = PairId(FIRST_LEARNT_PAIR)
    assert ours is not None
    before = ours.id
    assert pairs.add_learnt(learnt, local(), remote(), True) is ours
    assert pairs.get(before) is pairs.get(learnt) is ours
    assert [pair.pair for pair in pairs.to_check(True)] == [learnt]


def test_of_learnt_pairs_that_bring_nothing_the_newest_are_kept() -> None:
    pairs = CheckList(100, 1)
    for number in range(MAX_LEARNT + 5):
        candidate = remote(port=7000 + number, type_=CandidateType.PEER_REFLEXIVE)
        learnt = pairs.add_learnt(PairId(FIRST_LEARNT_PAIR + number), local(), candidate, True)
        assert learnt is not None
        if number == 0:
            learnt.status = PairStatus.SUCCEEDED
    ports = [pair.remote.port for pair in pairs]
    assert ports == [7000, *range(7005, 7000 + MAX_LEARNT + 5)]


def test_pairs_go_with_their_socket() -> None:
    pairs = CheckList(100, 1)
    pairs.add(local(socket=1000), remote(), True)
    kept = pairs.add(local("192.0.2.2", socket=1001), remote(), True)
    pairs.remove_socket(SocketId(1000))
    assert list(pairs) == [kept]


def test_the_best_valid_pair_is_nominated_at_once_when_no_better_one_is_open() -> None:
    pairs = CheckList(100, 1)
    low = pairs.add(local(), remote("203.0.113.1", preference=1), True)
    high = pairs.add(local(), remote("203.0.113.2", preference=2), True)
    assert low is not None
    assert high is not None
    assert best_valid(pairs, True) is None
    low.status = PairStatus.SUCCEEDED
    assert best_valid(pairs, True) is low
    assert wait_for_better_s(low, pairs, 0.02, 0.1, 0.6) == 0.08
    assert wait_for_better_s(low, pairs, 0.1 - 1e-12, 0.1, 0.6) == 0.0, "a wait that no clock can measure"
    high.status = PairStatus.SUCCEEDED
    assert best_valid(pairs, True) is high
    assert wait_for_better_s(high, pairs, 0.0, 0.1, 0.6) == 0.0


def test_a_relayed_pair_waits_longer_for_a_direct_one_but_not_for_a_relayed_one() -> None:
    pairs = CheckList(100, 1)
    relay = local(type_=CandidateType.RELAYED)
    relayed = pairs.add(relay, remote("203.0.113.1", preference=1), True)
    better = pairs.add(relay, remote("203.0.113.2", preference=2), True)
    assert relayed is not None
    assert better is not None
    relayed.status = PairStatus.SUCCEEDED
    assert wait_for_better_s(relayed, pairs, 0.0, 0.1, 0.6) == 0.1
    pairs.add(local("192.0.2.9", socket=1009), remote("203.0.113.3"), True)
    assert wait_for_better_s(relayed, pairs, 0.0, 0.1, 0.6) == 0.6
    assert wait_for_better_s(relayed, pairs, 0.7, 0.1, 0.6) == 0.0
