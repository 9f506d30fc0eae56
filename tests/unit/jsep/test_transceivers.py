import pytest

from tests.unit.jsep.peers import Peer, lines, negotiate
from visavis.dataplane.commands import Kind
from visavis.errors import InvalidPreferencesError
from visavis.jsep import (
    Format,
    SdpType,
    SignalingState,
    attach_track,
    close,
    set_codec_preferences,
    set_direction,
    set_streams,
    stop,
    with_offer_options,
)
from visavis.sdp import Direction


def test_a_transceiver_has_sources_of_its_own() -> None:
    peer = Peer()
    audio, video = peer.transceiver(peer.add(Kind.AUDIO)), peer.transceiver(peer.add(Kind.VIDEO))
    assert audio.rtx_ssrc == 0
    assert len({0, audio.ssrc, video.ssrc, video.rtx_ssrc}) == 4


def test_a_source_that_is_taken_is_drawn_again() -> None:
    peer = Peer()
    drawn = iter([7, 7, 0, 8])
    peer.draw.ssrc = lambda: next(drawn)  # type: ignore[method-assign]
    assert peer.transceiver(peer.add()).ssrc == 7
    assert peer.transceiver(peer.add()).ssrc == 8


def test_a_track_that_is_sent_twice_is_named_once() -> None:
    """RFC 8830 section 2: an msid is on one m-line."""
    peer = Peer()
    peer.add(track_id="mic", stream_ids=("s",))
    peer.add(track_id="mic", stream_ids=("s",))
    named = lines(peer.create_offer(), "a=msid")
    assert len(set(named)) == 2
    Peer(2).remote(*_offer(peer))


def _offer(peer: Peer) -> tuple[SdpType, str]:
    return SdpType.OFFER, peer.create_offer()


def test_a_track_on_a_transceiver_makes_it_send() -> None:
    for direction, after in (
        (Direction.RECVONLY, Direction.SENDRECV),
        (Direction.INACTIVE, Direction.SENDONLY),
        (Direction.SENDRECV, Direction.SENDRECV),
    ):
        peer = Peer()
        key = peer.add(direction=direction)
        peer.session = attach_track(peer.session, key, "mic", ("s", "s"))
        one = peer.transceiver(key)
        assert (one.direction, one.track_id, one.stream_ids) == (after, "mic", ("s",))


def test_a_track_on_a_transceiver_of_add_transceiver_does_not_take_the_peers_m_lines() -> None:
    callee, caller = Peer(2), Peer(1)
    key = callee.add()
    callee.session = attach_track(callee.session, key, "mic", ())
    caller.add()
    callee.remote(SdpType.OFFER, caller.offer())
    assert callee.transceiver(key).mid is None
    assert len(callee.session.transceivers) == 2


def test_the_name_of_a_track_stays_once_it_was_said() -> None:
    caller, callee = Peer(1), Peer(2)
    key = caller.add(track_id="first")
    negotiate(caller, callee)
    caller.session = attach_track(caller.session, key, "second", ("s",))
    assert lines(caller.create_offer(), "a=msid") == ["a=msid:s first"]


def test_a_transceiver_that_is_stopping_neither_sends_nor_receives() -> None:
    peer = Peer()
    key = peer.add()
    peer.session = stop(peer.session, key)
    one = peer.transceiver(key)
    assert (one.stopping, one.stopped, one.direction) == (True, False, Direction.INACTIVE)


def test_streams_and_directions_are_what_was_set_last() -> None:
    peer = Peer()
    key = peer.add()
    peer.session = set_streams(set_direction(peer.session, key, Direction.SENDONLY), key, ("a", "b", "a"))
    assert (peer.transceiver(key).direction, peer.transceiver(key).stream_ids) == (
        Direction.SENDONLY,
        ("a", "b"),
    )


@pytest.mark.parametrize(
    "preferences",
    [
        (Format(Kind.AUDIO, "speex", 16000),),
        (Format(Kind.AUDIO, "opus", 48000, 2, "minptime=20;useinbandfec=1"),),
        (Format(Kind.AUDIO, "opus", 48000, 1, "minptime=10;useinbandfec=1"),),
        (Format(Kind.AUDIO, "telephone-event", 48000, None, "0-15"),),
        (Format(Kind.AUDIO, "rtx", 48000),),
    ],
    ids=["unknown", "other parameters", "other channels", "no media", "no retransmission of audio"],
)
def test_preferences_that_the_endpoint_cannot_follow_are_refused(preferences: tuple[Format, ...]) -> None:
    peer = Peer()
    key = peer.add()
    with pytest.raises(InvalidPreferencesError):
        set_codec_preferences(peer.session, key, preferences)


def test_preferences_may_name_retransmission() -> None:
    peer = Peer()
    key = peer.add(Kind.VIDEO)
    wanted = (
        Format(Kind.VIDEO, "VP8", 90000, feedback=peer.session.capabilities.of(Kind.VIDEO)[0].feedback),
        Format(Kind.VIDEO, "rtx", 90000),
    )
    peer.session = set_codec_preferences(peer.session, key, (*wanted, *wanted))
    assert peer.transceiver(key).preferences == wanted


def test_a_closed_session_has_nothing_open() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add()
    negotiate(caller, callee)
    after = close(caller.session)
    assert after.signaling_state is SignalingState.CLOSED
    assert not after.transports
    assert all(one.stopped for one in after.transceivers)


def test_offer_to_receive_adds_what_is_missing() -> None:
    peer = Peer()
    session = with_offer_options(peer.session, peer.draw, audio=True, video=True)
    assert [(one.kind, one.direction) for one in session.transceivers] == [
        (Kind.AUDIO, Direction.RECVONLY),
        (Kind.VIDEO, Direction.RECVONLY),
    ]
    assert with_offer_options(session, peer.draw, audio=True, video=True) == session


def test_offer_to_receive_nothing_turns_the_receivers_off() -> None:
    peer = Peer()
    peer.add(direction=Direction.SENDRECV)
    peer.add(direction=Direction.RECVONLY)
    peer.add(Kind.VIDEO)
    session = with_offer_options(peer.session, peer.draw, audio=False)
    assert [one.direction for one in session.transceivers] == [
        Direction.SENDONLY,
        Direction.INACTIVE,
        Direction.SENDRECV,
    ]


def test_no_option_changes_nothing() -> None:
    peer = Peer()
    assert with_offer_options(peer.session, peer.draw) is peer.session
