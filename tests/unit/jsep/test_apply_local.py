import pytest

from tests.unit.jsep.peers import Peer, assert_agree, negotiate
from visavis.dataplane.commands import Kind
from visavis.errors import ModifiedDescriptionError, StateError
from visavis.jsep import SdpType, SignalingState, set_direction, want_data
from visavis.sdp import Direction


def _caller() -> Peer:
    peer = Peer(1)
    peer.add(Kind.AUDIO, track_id="mic", add_track=True)
    peer.add(Kind.VIDEO, track_id="cam", add_track=True)
    peer.session = want_data(peer.session)
    return peer


def test_an_offer_gives_mids_transports_and_something_to_gather_for() -> None:
    caller = _caller()
    text = caller.create_offer()
    changes = caller.local(SdpType.OFFER, text)
    assert caller.session.signaling_state is SignalingState.HAVE_LOCAL_OFFER
    assert [one.mid for one in caller.session.transceivers] == ["0", "1"]
    assert [one.transport for one in caller.session.transceivers] == [1, 2]
    assert (caller.session.data.mid, caller.session.data.transport) == ("2", 3)
    assert changes.opened == (1, 2, 3)
    assert all(one.controlling for one in caller.session.transports)
    assert caller.session.pending_local is not None
    assert caller.session.pending_local.text == text
    assert caller.session.current_local is None


@pytest.mark.parametrize("type", [SdpType.OFFER, SdpType.ANSWER, SdpType.PRANSWER])
def test_a_description_that_was_not_created_last_is_refused(type: SdpType) -> None:
    caller, callee = _caller(), Peer(2)
    first = caller.create_offer()
    last = caller.create_offer()
    for text in (first, last.replace("a=sendrecv", "a=sendonly"), ""):
        with pytest.raises(ModifiedDescriptionError):
            caller.local(SdpType.OFFER, text)
    callee.remote(SdpType.OFFER, caller.offer())
    answer = callee.create_answer()
    with pytest.raises(ModifiedDescriptionError):
        callee.local(SdpType.ANSWER, answer + "a=x\r\n")
    if type is not SdpType.OFFER:
        callee.local(type, answer)


def test_an_answer_of_before_the_last_offer_is_refused() -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.create_offer())
    stale = callee.create_answer()
    callee.remote(SdpType.OFFER, caller.create_offer())
    with pytest.raises(ModifiedDescriptionError):
        callee.local(SdpType.ANSWER, stale)


def test_an_offer_cannot_be_set_while_the_peers_waits() -> None:
    caller, callee = _caller(), Peer(2)
    callee.add()
    mine = callee.create_offer()
    callee.remote(SdpType.OFFER, caller.create_offer())
    with pytest.raises(StateError):
        callee.local(SdpType.OFFER, mine)


def test_an_answer_opens_and_connects_the_one_transport() -> None:
    caller, callee = _caller(), Peer(2)
    offer = caller.offer()
    callee.remote(SdpType.OFFER, offer)
    assert not callee.session.transports
    assert [one.transport for one in callee.session.transceivers] == [None, None]
    callee.answer()
    assert callee.changes.opened == callee.changes.connected == (1,)
    assert callee.changes.data_opened
    (transport,) = callee.session.transports
    assert transport.remote == caller.session.transports[0].local
    assert transport.fingerprints == caller.session.fingerprints
    assert not transport.controlling
    assert {one.transport for one in callee.session.transceivers} == {1}


def test_an_answer_makes_all_current_and_forgets_what_was_created() -> None:
    caller, callee = _caller(), Peer(2)
    offer, answer = negotiate(caller, callee)
    assert callee.session.signaling_state is SignalingState.STABLE
    assert callee.session.current_local is not None
    assert callee.session.current_remote is not None
    assert (callee.session.current_local.text, callee.session.current_remote.text) == (answer, offer)
    assert callee.session.last_answer is None
    assert callee.session.pending_local is None
    assert callee.session.pending_remote is None
    with pytest.raises(StateError):
        callee.local(SdpType.ANSWER, answer)
    with pytest.raises(ModifiedDescriptionError):
        caller.local(SdpType.OFFER, offer)
    assert_agree(caller.session, callee.session)


def test_directions_and_formats_are_negotiated() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    audio, video = callee.session.transceivers
    assert audio.current_direction is video.current_direction is Direction.RECVONLY
    assert [(one.mime, one.payload_type) for one in video.receive_formats] == [
        ("video/VP8", 96),
        ("video/rtx", 97),
        ("video/H264", 102),
        ("video/rtx", 103),
    ]
    assert [one.mime for one in audio.receive_formats] == [
        "audio/opus",
        "audio/PCMU",
        "audio/PCMA",
        *["audio/telephone-event"] * 2,
    ]
    assert {line.id for line in video.extensions} == {2, 3, 4, 10, 11, 13}
    assert audio.remote_ssrcs == ((caller.session.transceivers[0].ssrc, None),)
    assert video.remote_ssrcs == (
        (caller.session.transceivers[1].ssrc, caller.session.transceivers[1].rtx_ssrc),
    )


def test_a_track_that_we_refuse_is_muted_and_leaves_its_streams() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(track_id="mic", stream_ids=("s",))
    callee.remote(SdpType.OFFER, caller.offer())
    (one,) = callee.session.transceivers
    callee.session = set_direction(callee.session, one.key, Direction.INACTIVE)
    callee.answer()
    (track,) = callee.changes.tracks
    assert (track.removed, track.streams, track.mute, track.fire) == (("s",), (), True, False)
    assert callee.transceiver(one.key).fired_direction is Direction.INACTIVE


def test_a_provisional_answer_opens_transports_and_can_be_replaced() -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.offer())
    first = callee.answer(SdpType.PRANSWER)
    assert callee.session.signaling_state is SignalingState.HAVE_LOCAL_PRANSWER
    assert callee.changes.opened == (1,)
    assert callee.session.current_local is None
    caller.remote(SdpType.PRANSWER, first)
    assert caller.session.signaling_state is SignalingState.HAVE_REMOTE_PRANSWER
    assert caller.changes.closed == (2, 3)
    second = callee.answer(SdpType.PRANSWER)
    caller.remote(SdpType.PRANSWER, second)
    assert callee.changes.opened == callee.changes.restarted == callee.changes.connected == ()
    caller.remote(SdpType.ANSWER, callee.answer())
    assert caller.changes.connected == ()
    assert_agree(caller.session, callee.session)
