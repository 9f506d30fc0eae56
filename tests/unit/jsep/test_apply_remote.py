import pytest

from tests.unit.jsep.peers import Peer, assert_agree, lines, negotiate, sections
from visavis.dataplane.commands import Kind
from visavis.errors import StateError
from visavis.jsep import (
    BundlePolicy,
    SdpType,
    SignalingState,
    attach_track,
    set_direction,
    set_streams,
    stop,
    want_data,
)
from visavis.sdp import Direction


def _caller() -> Peer:
    peer = Peer(1)
    peer.add(Kind.AUDIO, track_id="mic", stream_ids=("s",), add_track=True)
    peer.add(Kind.VIDEO, track_id="cam", stream_ids=("s",), add_track=True)
    return peer


def test_an_offer_creates_transceivers_and_announces_their_tracks() -> None:
    callee = Peer(2)
    changes = callee.remote(SdpType.OFFER, _caller().create_offer())
    assert callee.session.signaling_state is SignalingState.HAVE_REMOTE_OFFER
    audio, video = callee.session.transceivers
    assert changes.created == (audio.key, video.key)
    assert audio.direction is video.direction is Direction.RECVONLY
    assert [audio.from_remote, video.from_remote] == [True, True]
    assert [(one.transceiver, one.streams, one.added, one.fire) for one in changes.tracks] == [
        (audio.key, ("s",), ("s",), True),
        (video.key, ("s",), ("s",), True),
    ]


def test_the_same_offer_again_changes_nothing() -> None:
    callee, offer = Peer(2), _caller().create_offer()
    callee.remote(SdpType.OFFER, offer)
    before = callee.session
    changes = callee.remote(SdpType.OFFER, offer)
    assert callee.session.transceivers == before.transceivers
    assert changes.created == ()
    assert changes.tracks == ()


def test_an_offer_after_an_offer_adds_to_it() -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.offer())
    caller.add()
    callee.remote(SdpType.OFFER, caller.offer())
    assert [one.mid for one in callee.session.transceivers] == ["0", "1", "2"]
    caller.remote(SdpType.ANSWER, callee.answer())
    assert_agree(caller.session, callee.session)


@pytest.mark.parametrize(
    ("named", "streams"),
    [("", ("old",)), ("a=msid:new mic\r\n", ("new",)), ("a=msid:- mic\r\n", ())],
)
def test_a_source_names_streams_where_its_m_line_does_not(named: str, streams: tuple[str, ...]) -> None:
    text = _caller().create_offer().replace("a=msid:s mic\r\n", named)
    [first, *_] = lines(text, "a=ssrc:")
    number = first.removeprefix("a=ssrc:").partition(" ")[0]
    callee = Peer(2)
    callee.remote(SdpType.OFFER, text.replace(first, f"{first}\r\na=ssrc:{number} msid:old mic"))
    assert callee.session.transceivers[0].remote_stream_ids == streams


@pytest.mark.parametrize(
    ("msids", "streams"),
    [
        ((), ("default-2",)),
        (("- foobar",), ()),
        (("foo bar",), ("foo",)),
        (("foo bar", "baz bar"), ("foo", "baz")),
        (("foo",), ("foo",)),
    ],
)
def test_the_streams_of_a_track_are_those_of_its_msids(
    msids: tuple[str, ...], streams: tuple[str, ...]
) -> None:
    offer = _caller().create_offer()
    named = "".join(f"a=msid:{one}\r\n" for one in msids)
    callee = Peer(2)
    callee.remote(SdpType.OFFER, offer.replace("a=msid:s mic\r\n", named))
    assert callee.session.transceivers[0].remote_stream_ids == streams
    assert callee.changes.tracks[0].fire


def test_streams_that_change_move_the_track() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    key = caller.session.transceivers[0].key
    caller.session = set_streams(caller.session, key, ("t",))
    (track,) = callee.remote(SdpType.OFFER, caller.create_offer()).tracks
    assert (track.streams, track.added, track.removed, track.fire) == (("t",), ("t",), ("s",), True)


def test_a_track_that_ends_is_muted_and_comes_back_with_an_event() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    key = caller.session.transceivers[0].key
    caller.session = set_direction(caller.session, key, Direction.INACTIVE)
    callee.remote(SdpType.OFFER, caller.offer())
    (track,) = callee.changes.tracks
    assert (track.mute, track.fire, track.removed) == (True, False, ("s",))
    caller.remote(SdpType.ANSWER, callee.answer())
    caller.session = set_direction(caller.session, key, Direction.SENDRECV)
    (track,) = callee.remote(SdpType.OFFER, caller.create_offer()).tracks
    assert (track.mute, track.fire, track.added) == (False, True, ("s",))


def test_an_answer_joins_the_transports_and_closes_the_others() -> None:
    caller, callee = _caller(), Peer(2)
    caller.session = want_data(caller.session)
    negotiate(caller, callee)
    assert caller.changes.connected == (1,)
    assert caller.changes.closed == (2, 3)
    assert {one.transport for one in caller.session.transceivers} == {caller.session.data.transport} == {1}
    assert caller.changes.data_opened
    assert caller.session.data.negotiated
    assert caller.session.data.remote_max_message_size_bytes == 262_144


def test_an_answer_without_a_group_keeps_them_apart() -> None:
    caller, callee = _caller(), Peer(2)
    offer = "".join(f"{line}\r\n" for line in caller.offer().split("\r\n")[:-1] if "BUNDLE" not in line)
    callee.remote(SdpType.OFFER, offer)
    caller.remote(SdpType.ANSWER, callee.answer())
    assert caller.changes.connected == (1, 2)
    assert caller.changes.closed == ()
    assert_agree(caller.session, callee.session)
    later = caller.create_offer()
    assert lines(later, "a=group:BUNDLE") == []
    caller.add()
    assert lines(caller.create_offer(), "a=group:BUNDLE") == ["a=group:BUNDLE 2"]


def test_when_the_answer_rejects_the_first_m_line_the_next_one_speaks_for_the_group() -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.offer())
    answer = callee.answer()
    audio, video = sections(answer)
    rejected = audio.replace("m=audio 9", "m=audio 0")
    head = answer[: answer.index("m=audio")].replace("BUNDLE 0 1", "BUNDLE 1")
    caller.remote(SdpType.ANSWER, head + rejected + "\r\n" + video)
    assert caller.changes.stopped == caller.changes.removed == (1,)
    assert caller.changes.connected == (2,)
    assert caller.changes.closed == (1,)
    assert [one.transport for one in caller.session.transceivers] == [2]


def test_an_answer_takes_more_codecs_than_were_offered() -> None:
    """RFC 3264 section 6.1 lets an answerer add formats, and they may be sent."""
    caller, callee = Peer(1), Peer(2)
    caller.add(Kind.VIDEO)
    callee.remote(SdpType.OFFER, caller.offer())
    answer = callee.answer().replace("SAVPF 96", "SAVPF 63 96") + "a=rtpmap:63 VP8/90000\r\n"
    caller.remote(SdpType.ANSWER, answer)
    assert caller.session.transceivers[0].send_formats[0].payload_type == 63


def test_an_answer_with_numbers_of_its_own_is_sent_to_under_them() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add()
    callee.remote(SdpType.OFFER, caller.offer())
    caller.remote(SdpType.ANSWER, callee.answer().replace("111", "100"))
    (one,) = caller.session.transceivers
    assert one.send_formats[0].payload_type == 100
    assert one.receive_formats == ()
    assert one.current_direction is Direction.SENDONLY


def test_trickle_is_what_the_last_description_said() -> None:
    callee, offer = Peer(2), _caller().create_offer()
    assert callee.session.can_trickle is None
    callee.remote(SdpType.OFFER, offer)
    assert callee.session.can_trickle is True
    callee.remote(SdpType.OFFER, offer.replace("trickle ice2", "ice2"))
    assert callee.session.can_trickle is False


def test_candidates_of_a_description_go_to_the_transport_once_it_is_connected() -> None:
    caller, callee = _caller(), Peer(2)
    line = "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"
    offer = caller.offer().replace("a=mid:0\r\n", f"{line}a=end-of-candidates\r\na=mid:0\r\n")
    assert not callee.remote(SdpType.OFFER, offer).candidates
    callee.answer()
    (told,) = callee.changes.candidates
    assert (told.transport, told.end) == (1, True)
    assert [one.port for one in told.candidates] == [5000]
    assert told.ufrag == caller.session.transports[0].local.ufrag


def test_candidates_of_the_other_m_lines_of_a_group_do_not_count() -> None:
    caller, callee = _caller(), Peer(2)
    line = "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"
    callee.remote(SdpType.OFFER, caller.offer().replace("a=mid:1\r\n", f"{line}a=mid:1\r\n"))
    callee.answer()
    assert callee.changes.candidates == ()


def test_candidates_for_rtcp_do_not_count() -> None:
    caller, callee = _caller(), Peer(2)
    line = "a=candidate:1 2 udp 2130706431 192.0.2.1 5000 typ host\r\n"
    callee.remote(SdpType.OFFER, caller.offer().replace("a=mid:0\r\n", f"{line}a=mid:0\r\n"))
    callee.answer()
    assert callee.changes.candidates == ()


def test_a_remotely_stopped_transceiver_is_stopped_at_once_and_removed_by_the_answer() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    caller.session = stop(caller.session, caller.session.transceivers[0].key)
    callee.remote(SdpType.OFFER, caller.offer())
    one = callee.session.transceivers[0]
    assert (one.stopped, one.stopping, one.mid, one.current_direction) == (True, True, "0", None)
    assert callee.changes.stopped == (one.key,)
    assert callee.changes.tracks[0].mute
    caller.remote(SdpType.ANSWER, callee.answer())
    assert callee.changes.removed == (one.key,)
    assert len(callee.session.transceivers) == len(caller.session.transceivers) == 1


def test_a_stopping_transceiver_does_not_reject_what_the_peer_offers() -> None:
    """W3C webrtc-pc section 5.4.1: it would take the BUNDLE group with it."""
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    callee.session = stop(callee.session, callee.session.transceivers[0].key)
    callee.remote(SdpType.OFFER, caller.create_offer())
    answer = callee.create_answer()
    assert "m=audio 9" in answer
    assert "a=inactive" in sections(answer)[0].split("\r\n")


def test_a_rejected_m_line_of_a_first_offer_leaves_no_transceiver_and_is_used_again() -> None:
    callee = Peer(2)
    callee.remote(SdpType.OFFER, _caller().create_offer().replace("m=video 9", "m=video 0"))
    callee.answer()
    assert [one.kind for one in callee.session.transceivers] == [Kind.AUDIO]
    callee.add(Kind.AUDIO)
    assert len(sections(callee.create_offer())) == 2


def test_an_m_line_is_used_again_by_the_peer() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    caller.session = stop(caller.session, caller.session.transceivers[0].key)
    negotiate(caller, callee)
    caller.add(Kind.VIDEO)
    negotiate(caller, callee)
    assert [(one.kind, one.mid, one.m_line_index) for one in callee.session.transceivers] == [
        (Kind.VIDEO, "1", 1),
        (Kind.VIDEO, "2", 0),
    ]
    assert_agree(caller.session, callee.session)


def test_an_offer_without_mids_is_taken_and_answered_without() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(track_id="mic")
    offer = "".join(
        f"{line}\r\n"
        for line in caller.offer().split("\r\n")[:-1]
        if not line.startswith(("a=mid", "a=group"))
    )
    callee.remote(SdpType.OFFER, offer)
    answer = callee.answer()
    assert callee.session.transceivers[0].mid is not None
    assert lines(answer, "a=mid") == []
    caller.remote(SdpType.ANSWER, answer)
    assert caller.session.transceivers[0].current_direction is Direction.SENDONLY


def test_glare_rolls_back_and_takes_the_peers_offer() -> None:
    one, other = Peer(1), Peer(2)
    one.add(track_id="a", add_track=True)
    other.add(track_id="b", add_track=True)
    one.offer()
    changes = one.remote(SdpType.OFFER, other.offer())
    assert one.session.signaling_state is SignalingState.HAVE_REMOTE_OFFER
    assert one.session.pending_local is None
    assert changes.closed == (1,)
    assert changes.created == ()
    other.remote(SdpType.ANSWER, one.answer())
    assert_agree(one.session, other.session)
    assert one.session.transceivers[0].current_direction is Direction.SENDRECV


def test_two_transceivers_that_had_the_same_mid_get_different_ones() -> None:
    one, other = Peer(1), Peer(2)
    mine, _ = one.add(direction=Direction.SENDONLY), other.add(direction=Direction.SENDONLY)
    one.offer()
    assert one.transceiver(mine).mid == "0"
    one.remote(SdpType.OFFER, other.offer())
    assert [one_.mid for one_ in one.session.transceivers] == [None, "0"]
    other.remote(SdpType.ANSWER, one.answer())
    one.offer()
    assert one.transceiver(mine).mid == "1"


def test_adding_a_track_while_an_offer_waits_sends_in_the_answer() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(track_id="mic")
    callee.remote(SdpType.OFFER, caller.offer())
    (one,) = callee.session.transceivers
    callee.session = attach_track(callee.session, one.key, "mine", ("t",))
    answer = callee.answer()
    assert lines(answer, "a=msid") == ["a=msid:t mine"]
    (track,) = caller.remote(SdpType.ANSWER, answer).tracks
    assert (track.streams, track.fire) == (("t",), True)


@pytest.mark.parametrize("type", [SdpType.ANSWER, SdpType.PRANSWER])
def test_an_answer_needs_an_offer_of_ours(type: SdpType) -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.offer())
    with pytest.raises(StateError):
        callee.remote(type, callee.create_answer())
    with pytest.raises(StateError):
        Peer(3).remote(type, callee.create_answer())


def test_bundle_only_m_lines_are_joined_to_the_first() -> None:
    caller, callee = Peer(1, bundle_policy=BundlePolicy.MAX_BUNDLE), Peer(2)
    caller.add(Kind.AUDIO)
    caller.add(Kind.VIDEO)
    negotiate(caller, callee)
    assert [one.transport for one in caller.session.transceivers] == [1, 1]
    assert_agree(caller.session, callee.session)
