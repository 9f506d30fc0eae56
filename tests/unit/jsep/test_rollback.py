import pytest

from tests.unit.jsep.peers import Peer, assert_agree, assert_consistent, negotiate
from visavis.dataplane.commands import Kind
from visavis.errors import StateError
from visavis.jsep import (
    SdpType,
    SignalingState,
    add_local_candidate,
    attach_track,
    roll_back,
    set_streams,
    stop,
    want_data,
)
from visavis.sdp import Candidate, Direction


def _pair() -> tuple[Peer, Peer]:
    caller, callee = Peer(1), Peer(2)
    caller.add(Kind.AUDIO, track_id="mic", stream_ids=("s",), add_track=True)
    negotiate(caller, callee)
    return caller, callee


def test_a_local_offer_is_taken_back() -> None:
    caller = Peer(1)
    key = caller.add(track_id="mic", add_track=True)
    caller.session = want_data(caller.session)
    offer = caller.offer()
    changes = caller.local(SdpType.ROLLBACK)
    assert caller.session.signaling_state is SignalingState.STABLE
    assert caller.session.pending_local is None
    one = caller.transceiver(key)
    assert (one.mid, one.m_line_index, one.transport) == (None, None, None)
    assert changes.closed == (1, 2)
    assert changes.data_closed
    assert caller.session.data.mid is None
    caller.local(SdpType.OFFER, offer)
    assert caller.changes.opened == (1, 2)


def test_a_remote_offer_is_taken_back_with_the_transceivers_it_created() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(track_id="mic", stream_ids=("s",))
    callee.remote(SdpType.OFFER, caller.create_offer())
    (one,) = callee.session.transceivers
    changes = callee.remote(SdpType.ROLLBACK)
    assert callee.session.transceivers == ()
    assert changes.removed == changes.stopped == (one.key,)
    assert changes.tracks[0].removed == ("s",)
    assert callee.session.pending_remote is None


def test_a_transceiver_that_add_track_used_stays() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(track_id="mic", stream_ids=("s",))
    callee.remote(SdpType.OFFER, caller.create_offer())
    (one,) = callee.session.transceivers
    callee.session = attach_track(callee.session, one.key, "mine", ())
    callee.remote(SdpType.ROLLBACK)
    (kept,) = callee.session.transceivers
    assert (kept.key, kept.mid, kept.m_line_index) == (one.key, None, None)
    assert kept.direction is Direction.SENDRECV
    assert kept.remote_stream_ids == ()
    assert len(callee.create_offer().split("m=audio")) == 2


def test_what_was_negotiated_before_is_as_before() -> None:
    caller, callee = _pair()
    before = callee.session
    caller.add(Kind.VIDEO)
    caller.session = set_streams(caller.session, 1, ("t",))
    callee.remote(SdpType.OFFER, caller.create_offer())
    changes = callee.remote(SdpType.ROLLBACK)
    after = callee.session
    assert after.transceivers == before.transceivers
    assert after.transports == before.transports
    assert (after.current_local, after.current_remote) == (before.current_local, before.current_remote)
    assert (changes.tracks[0].added, changes.tracks[0].removed, changes.tracks[0].fire) == (
        ("s",),
        ("t",),
        True,
    )


def test_an_ice_restart_is_taken_back() -> None:
    caller, callee = _pair()
    before = caller.session.transports
    caller.offer(ice_restart=True)
    assert caller.changes.restarted == (1,)
    assert caller.session.transports != before
    caller.local(SdpType.ROLLBACK)
    assert caller.changes.restarted == (1,)
    assert caller.session.transports == before
    negotiate(callee, caller)
    assert_agree(caller.session, callee.session)


def test_candidates_that_were_found_meanwhile_are_kept() -> None:
    caller, _ = _pair()
    caller.offer()
    candidate = Candidate("1", 1, "udp", 1, "192.0.2.1", 5000, "host")
    caller.session = add_local_candidate(caller.session, 1, candidate)
    caller.local(SdpType.ROLLBACK)
    assert caller.session.transports[0].candidates == (candidate,)


def test_an_offer_that_was_created_before_can_still_be_set() -> None:
    caller, callee = Peer(1), Peer(2)
    key = caller.add(Kind.VIDEO, track_id="cam", add_track=True)
    offer = caller.create_offer()
    callee.add(Kind.AUDIO, direction=Direction.RECVONLY)
    callee.add(Kind.VIDEO, direction=Direction.RECVONLY)
    caller.remote(SdpType.OFFER, callee.create_offer())
    assert caller.transceiver(key).m_line_index == 1
    caller.remote(SdpType.ROLLBACK)
    caller.local(SdpType.OFFER, offer)
    assert caller.transceiver(key).m_line_index == 0
    assert_consistent(caller.session)


def test_a_transceiver_that_the_offer_stopped_stays_stopped_and_is_offered_as_rejected() -> None:
    caller, callee = _pair()
    caller.session = stop(caller.session, caller.session.transceivers[0].key)
    callee.remote(SdpType.OFFER, caller.create_offer())
    callee.remote(SdpType.ROLLBACK)
    assert callee.session.transceivers[0].stopped
    assert "m=audio 0" in callee.create_offer()


def test_encodings_that_an_offer_asked_for_are_taken_back() -> None:
    callee = Peer(2)
    key = callee.add(Kind.VIDEO, track_id="cam", add_track=True)
    caller = Peer(1)
    caller.add(Kind.VIDEO, direction=Direction.RECVONLY)
    offer = caller.create_offer() + "a=rid:q recv\r\na=rid:f recv\r\na=simulcast:recv q;f\r\n"
    callee.remote(SdpType.OFFER, offer)
    assert callee.transceiver(key).rids == ("q", "f")
    assert callee.changes.encodings == (key,)
    callee.remote(SdpType.ROLLBACK)
    assert callee.transceiver(key).rids == (None,)
    assert callee.changes.encodings == (key,)


def test_there_is_no_way_back_from_stable_or_a_provisional_answer() -> None:
    caller, callee = _pair()
    with pytest.raises(StateError):
        roll_back(caller.session, "local")
    callee.remote(SdpType.OFFER, caller.offer())
    answer = callee.answer(SdpType.PRANSWER)
    caller.remote(SdpType.PRANSWER, answer)
    for peer in (caller, callee):
        with pytest.raises(StateError):
            peer.local(SdpType.ROLLBACK)


def test_each_end_takes_back_its_own_offer() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add()
    callee.remote(SdpType.OFFER, caller.offer())
    with pytest.raises(StateError):
        caller.remote(SdpType.ROLLBACK)
    with pytest.raises(StateError):
        callee.local(SdpType.ROLLBACK)


def test_an_answer_can_be_set_when_the_same_offer_comes_again() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(direction=Direction.RECVONLY)
    offer = caller.offer()
    callee.remote(SdpType.OFFER, offer)
    answer = callee.create_answer()
    callee.remote(SdpType.ROLLBACK)
    callee.add(Kind.VIDEO)
    callee.create_offer()
    callee.remote(SdpType.OFFER, offer)
    callee.local(SdpType.ANSWER, answer)
    caller.remote(SdpType.ANSWER, answer)
    assert_agree(caller.session, callee.session)


def test_a_transceiver_that_an_offer_made_and_add_track_used_takes_the_next_offer() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add()
    callee.remote(SdpType.OFFER, caller.offer())
    (one,) = callee.session.transceivers
    callee.session = attach_track(callee.session, one.key, "mine", ())
    callee.remote(SdpType.ROLLBACK)
    callee.remote(SdpType.OFFER, caller.offer())
    assert [again.key for again in callee.session.transceivers] == [one.key]


def test_the_text_of_a_rollback_is_ignored() -> None:
    caller = Peer(1)
    caller.add()
    caller.offer()
    caller.local(SdpType.ROLLBACK, "nonsense")
    assert caller.session.signaling_state is SignalingState.STABLE
