from dataclasses import replace

from tests.unit.jsep.peers import Peer, negotiate
from visavis.dataplane.commands import Kind
from visavis.jsep import (
    SdpType,
    attach_track,
    needs_negotiation,
    restart_ice,
    set_direction,
    set_streams,
    stop,
    want_data,
)
from visavis.sdp import Direction, Msid


def _pair() -> tuple[Peer, Peer]:
    caller, callee = Peer(1), Peer(2)
    caller.add(Kind.AUDIO, track_id="mic", stream_ids=("s",), add_track=True)
    negotiate(caller, callee)
    assert not needs_negotiation(caller.session)
    assert not needs_negotiation(callee.session)
    return caller, callee


def test_an_empty_session_needs_none() -> None:
    assert not needs_negotiation(Peer().session)


def test_a_new_transceiver_needs_it_until_it_is_answered() -> None:
    caller, callee = _pair()
    caller.add(Kind.VIDEO)
    assert needs_negotiation(caller.session)
    negotiate(caller, callee)
    assert not needs_negotiation(caller.session)


def test_a_data_channel_needs_it_until_there_is_a_data_m_line() -> None:
    caller, callee = _pair()
    caller.session = want_data(caller.session)
    assert needs_negotiation(caller.session)
    negotiate(caller, callee)
    assert not needs_negotiation(caller.session)
    callee.session = want_data(callee.session)
    assert not needs_negotiation(callee.session)


def test_a_peer_that_rejects_data_is_not_asked_over_and_over() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.session = want_data(caller.session)
    callee.remote(SdpType.OFFER, caller.offer())
    caller.remote(SdpType.ANSWER, callee.answer().replace("m=application 9", "m=application 0"))
    assert not needs_negotiation(caller.session)
    assert caller.session.data.mid is None


def test_other_streams_need_it() -> None:
    caller, callee = _pair()
    key = caller.session.transceivers[0].key
    caller.session = set_streams(caller.session, key, ("s", "t"))
    assert needs_negotiation(caller.session)
    negotiate(caller, callee)
    assert not needs_negotiation(caller.session)
    caller.session = set_streams(caller.session, key, ("t", "s"))
    assert not needs_negotiation(caller.session)


def test_streams_of_a_transceiver_that_does_not_send_do_not_count() -> None:
    _, callee = _pair()
    callee.session = set_streams(callee.session, callee.session.transceivers[0].key, ("t",))
    assert not needs_negotiation(callee.session)


def test_a_stopping_transceiver_needs_it_until_it_is_gone() -> None:
    caller, callee = _pair()
    caller.session = stop(caller.session, caller.session.transceivers[0].key)
    assert needs_negotiation(caller.session)
    negotiate(caller, callee)
    assert not needs_negotiation(caller.session)
    assert not needs_negotiation(callee.session)


def test_a_stopped_transceiver_whose_m_line_is_alive_needs_it() -> None:
    """After the rollback of an offer that had stopped it."""
    caller, callee = _pair()
    caller.session = stop(caller.session, caller.session.transceivers[0].key)
    callee.remote(SdpType.OFFER, caller.create_offer())
    callee.remote(SdpType.ROLLBACK)
    assert callee.session.transceivers[0].stopped
    assert needs_negotiation(callee.session)
    negotiate(callee, caller)
    assert not needs_negotiation(callee.session)


def test_the_offerer_compares_its_direction_with_the_offer_and_the_answer() -> None:
    """W3C webrtc-pc section 4.7.3: either may match, since the answer may have been for less."""
    caller, _ = _pair()
    key = caller.session.transceivers[0].key
    for direction, needed in (
        (Direction.SENDRECV, False),
        (Direction.SENDONLY, False),
        (Direction.RECVONLY, True),
        (Direction.INACTIVE, True),
    ):
        changed = set_direction(caller.session, key, direction)
        assert needs_negotiation(changed) is needed


def test_the_answerer_compares_its_direction_within_the_offered_one() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(direction=Direction.SENDONLY)
    negotiate(caller, callee)
    key = callee.session.transceivers[0].key
    for direction, needed in (
        (Direction.RECVONLY, False),
        (Direction.INACTIVE, True),
    ):
        assert needs_negotiation(set_direction(callee.session, key, direction)) is needed


def test_a_track_on_a_receiving_transceiver_needs_it() -> None:
    caller, callee = _pair()
    key = callee.session.transceivers[0].key
    callee.session = attach_track(callee.session, key, "mine", ())
    assert needs_negotiation(callee.session)
    negotiate(callee, caller)
    assert not needs_negotiation(callee.session)
    assert caller.session.transceivers[0].current_direction is Direction.SENDRECV


def test_a_removed_track_needs_it() -> None:
    caller, callee = _pair()
    caller.session = set_direction(caller.session, caller.session.transceivers[0].key, Direction.RECVONLY)
    assert needs_negotiation(caller.session)
    negotiate(caller, callee)
    assert not needs_negotiation(caller.session)


def test_restart_ice_needs_it_until_credentials_are_new() -> None:
    caller, callee = _pair()
    caller.session = restart_ice(caller.session)
    assert needs_negotiation(caller.session)
    negotiate(callee, caller)
    assert needs_negotiation(caller.session)
    negotiate(caller, callee)
    assert not needs_negotiation(caller.session)


def test_restart_ice_is_satisfied_by_the_peers_restart() -> None:
    caller, callee = _pair()
    caller.session = restart_ice(caller.session)
    negotiate(callee, caller, ice_restart=True)
    assert not needs_negotiation(caller.session)


def test_restart_ice_before_anything_was_set_does_nothing() -> None:
    peer = Peer()
    peer.session = restart_ice(peer.session)
    assert not needs_negotiation(peer.session)
    assert peer.session == replace(peer.session, replaced_credentials=frozenset())


def test_a_sender_whose_m_line_names_nobody_needs_it() -> None:
    """Also where it names no stream, which is a line of its own."""
    caller, callee = Peer(1), Peer(2)
    key = caller.add(direction=Direction.RECVONLY)
    negotiate(caller, callee)
    caller.session = set_direction(caller.session, key, Direction.SENDRECV)
    before = caller.session.current_local
    assert before is not None
    media = before.content.media[0]
    assert media.first(Msid) is None
    sending = tuple(Direction.SENDRECV if line is Direction.RECVONLY else line for line in media.attributes)
    content = replace(before.content, media=(replace(media, attributes=sending),))
    local = replace(before, content=content)
    assert needs_negotiation(replace(caller.session, current_local=local))
    named = replace(media, attributes=(*sending, Msid("-", "mic")))
    local = replace(local, content=replace(content, media=(named,)))
    assert not needs_negotiation(replace(caller.session, current_local=local))


def test_an_answer_to_a_restart_of_ice_leaves_the_association_its_roles() -> None:
    """Firefox says `active` there although it is the server, and goes on as one."""
    caller, callee = Peer(1), Peer(2)
    caller.add()
    negotiate(caller, callee)
    before = caller.session.transports[0]
    caller.session = restart_ice(caller.session)
    callee.remote(SdpType.OFFER, caller.offer())
    caller.remote(SdpType.ANSWER, callee.answer().replace("a=setup:active", "a=setup:passive"))
    after = caller.session.transports[0]
    assert (after.role, after.association) == (before.role, before.association)
    assert after.remote != before.remote
