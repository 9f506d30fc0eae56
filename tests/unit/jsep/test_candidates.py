import pytest

from tests.unit.jsep.peers import Peer, lines, negotiate, sections
from visavis.dataplane.commands import Kind
from visavis.errors import CandidateError
from visavis.jsep import (
    BundlePolicy,
    SdpType,
    add_local_candidate,
    add_remote_candidate,
    end_local_candidates,
    set_local,
)
from visavis.sdp import MAX_CANDIDATES, Candidate

HOST = Candidate("1", 1, "udp", 2130706431, "192.0.2.1", 5000, "host")
MAPPED = Candidate("2", 1, "udp", 1694498815, "198.51.100.1", 6000, "srflx", "192.0.2.1", 5000)
TEXT = f"candidate:{HOST}"


def _caller() -> Peer:
    peer = Peer(1)
    peer.add(Kind.AUDIO)
    peer.add(Kind.VIDEO)
    return peer


def _answered() -> tuple[Peer, Peer]:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    return caller, callee


def test_a_candidate_of_ours_is_in_the_local_description() -> None:
    caller = _caller()
    caller.offer()
    caller.session = add_local_candidate(caller.session, 2, HOST)
    assert caller.session.local is not None
    audio, video = sections(caller.session.local.text)
    assert lines(audio, "a=candidate") == []
    assert lines(video, "a=candidate") == [f"a={TEXT}"]
    assert video.startswith("m=video 5000 ")
    assert "c=IN IP4 192.0.2.1" in video


def test_the_default_address_is_the_one_most_likely_to_work() -> None:
    caller = _caller()
    caller.offer()
    for candidate in (HOST, MAPPED):
        caller.session = add_local_candidate(caller.session, 1, candidate)
    assert caller.session.local is not None
    assert caller.session.local.text.count("m=audio 6000 ") == 1


def test_the_end_of_candidates_is_said_once() -> None:
    caller = _caller()
    caller.offer()
    for _ in range(2):
        caller.session = end_local_candidates(caller.session, 1)
    assert caller.session.local is not None
    assert lines(caller.session.local.text, "a=end-of-candidates") == ["a=end-of-candidates"]


def test_later_offers_and_answers_have_the_candidates_on_the_first_m_line_of_the_transport() -> None:
    caller, callee = _answered()
    for peer in (caller, callee):
        peer.session = add_local_candidate(peer.session, 1, HOST)
        peer.session = end_local_candidates(peer.session, 1)
    offer, answer = negotiate(caller, callee)
    for text in (offer, answer):
        audio, video = sections(text)
        assert lines(audio, "a=candidate") == [f"a={TEXT}"]
        assert "a=end-of-candidates" in audio
        assert "candidate" not in video
        assert video.startswith("m=video 5000 ")


def test_a_bundle_only_m_line_keeps_port_0() -> None:
    """RFC 8843 section 6: the port is what says that it has none of its own."""
    caller = Peer(1, bundle_policy=BundlePolicy.MAX_BUNDLE)
    caller.add(Kind.AUDIO)
    caller.add(Kind.VIDEO)
    caller.offer()
    caller.session = add_local_candidate(caller.session, 1, HOST)
    assert caller.session.local is not None
    assert [media.port for media in caller.session.local.content.media] == [5000, 0]


def test_an_ice_restart_begins_without_candidates() -> None:
    caller, callee = _answered()
    caller.session = end_local_candidates(add_local_candidate(caller.session, 1, HOST), 1)
    offer, _ = negotiate(caller, callee, ice_restart=True)
    assert "candidate" not in offer
    assert not caller.session.transports[0].gathered


def test_the_offer_that_was_created_can_be_set_after_candidates_came() -> None:
    caller, _ = _answered()
    text = caller.create_offer()
    caller.session = add_local_candidate(caller.session, 1, HOST)
    set_local(caller.session, SdpType.OFFER, text)


def test_a_candidate_for_a_transport_that_is_gone_changes_nothing() -> None:
    caller, _ = _answered()
    assert add_local_candidate(caller.session, 2, HOST) is caller.session
    assert end_local_candidates(caller.session, 2) is caller.session


def test_a_candidate_of_the_peer_goes_to_ice_and_into_its_description() -> None:
    caller, callee = _answered()
    ufrag = callee.session.transports[0].local.ufrag
    after, (told,) = add_remote_candidate(caller.session, TEXT, mid="0", index=None, ufrag=ufrag)
    assert (told.transport, told.ufrag, told.candidates, told.end) == (1, ufrag, (HOST,), False)
    assert after.remote is not None
    assert lines(sections(after.remote.text)[0], "a=candidate") == [f"a={TEXT}"]


def test_the_m_line_may_be_named_by_its_index() -> None:
    caller, _ = _answered()
    _, told = add_remote_candidate(caller.session, TEXT, mid=None, index=0, ufrag=None)
    assert len(told) == 1


def test_a_candidate_that_comes_before_our_answer_is_told_with_it() -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.offer())
    callee.session, told = add_remote_candidate(callee.session, TEXT, mid="0", index=0, ufrag=None)
    assert told == ()
    callee.answer()
    (later,) = callee.changes.candidates
    assert later.candidates == (HOST,)


def test_the_end_of_candidates_without_an_m_line_is_that_of_all() -> None:
    caller, _ = _answered()
    after, told = add_remote_candidate(caller.session, "", mid=None, index=None, ufrag=None)
    assert [one.end for one in told] == [True]
    assert after.remote is not None
    assert len(lines(after.remote.text, "a=end-of-candidates")) == 2


def test_a_candidate_of_another_m_line_of_the_group_is_noted_and_not_used() -> None:
    caller, _ = _answered()
    after, told = add_remote_candidate(caller.session, TEXT, mid="1", index=None, ufrag=None)
    assert told == ()
    assert after.remote is not None
    assert TEXT in after.remote.text


def test_a_candidate_for_rtcp_is_noted_and_not_used() -> None:
    caller, _ = _answered()
    text = TEXT.replace(" 1 udp", " 2 udp")
    _, told = add_remote_candidate(caller.session, text, mid="0", index=None, ufrag=None)
    assert told == ()


def test_a_candidate_belongs_to_the_generation_of_its_ufrag() -> None:
    caller, callee = _answered()
    old = callee.session.transports[0].local.ufrag
    offer = callee.offer(ice_restart=True)
    caller.remote(SdpType.OFFER, offer)
    after, told = add_remote_candidate(caller.session, TEXT, mid="0", index=None, ufrag=old)
    assert [one.ufrag for one in told] == [old]
    assert after.pending_remote is not None
    assert after.current_remote is not None
    assert TEXT not in after.pending_remote.text
    assert TEXT in after.current_remote.text
    new = callee.session.transports[0].local.ufrag
    after, told = add_remote_candidate(caller.session, TEXT, mid="0", index=None, ufrag=new)
    assert told == ()
    assert after.pending_remote is not None
    assert TEXT in after.pending_remote.text


@pytest.mark.parametrize(
    ("candidate", "mid", "index", "ufrag"),
    [
        ("candidate:nonsense", "0", None, None),
        ("nonsense", "0", None, None),
        (TEXT, "9", None, None),
        (TEXT, None, 2, None),
        (TEXT, "0", None, "nobody"),
        ("", "9", None, None),
    ],
)
def test_a_candidate_of_nonsense_is_refused(
    candidate: str, mid: str | None, index: int | None, ufrag: str | None
) -> None:
    caller, _ = _answered()
    with pytest.raises(CandidateError):
        add_remote_candidate(caller.session, candidate, mid=mid, index=index, ufrag=ufrag)


def test_without_a_remote_description_there_is_nothing_to_add_to() -> None:
    with pytest.raises(CandidateError):
        add_remote_candidate(Peer().session, TEXT, mid="0", index=None, ufrag=None)


def test_an_m_line_takes_a_thousand_candidates_and_no_more() -> None:
    caller, _ = _answered()
    session = caller.session
    for port in range(1, MAX_CANDIDATES + 1):
        text = TEXT.replace(" 5000 ", f" {port} ")
        session, _ = add_remote_candidate(session, text, mid="0", index=None, ufrag=None)
    with pytest.raises(CandidateError, match="candidates already"):
        add_remote_candidate(session, TEXT, mid="0", index=None, ufrag=None)
