"""Simulcast as W3C webrtc-pc section 5.3 has it: sent, on offer or on request; and received if asked for."""

import pytest

from tests.unit.jsep.peers import Peer, lines, negotiate
from tests.unit.sdp.recordings import recorded
from visavis.dataplane.commands import Kind
from visavis.jsep import MAX_LAYERS, SdpType, set_direction
from visavis.sdp import Direction

RIDS = ("q", "h", "f")


def _asking(*streams: str) -> str:
    """An offer to receive simulcast, as a forwarding server writes it."""
    server = Peer(1)
    server.add(Kind.VIDEO, direction=Direction.RECVONLY)
    names = [name for stream in streams for name in stream.replace("~", "").split(",")]
    described = "".join(f"a=rid:{name} recv\r\n" for name in dict.fromkeys(names))
    return server.create_offer() + described + f"a=simulcast:recv {';'.join(streams)}\r\n"


def _sender(**options: object) -> tuple[Peer, int]:
    peer = Peer(2)
    return peer, peer.add(Kind.VIDEO, track_id="cam", add_track=True)


def _answered(recv: str | None, *, direction: str = "recvonly") -> Peer:
    caller, callee = Peer(1), Peer(2)
    caller.add(Kind.VIDEO, rids=RIDS)
    callee.remote(SdpType.OFFER, caller.offer())
    answer = callee.answer().replace("a=recvonly", f"a={direction}")
    if recv is not None:
        answer += "".join(f"a=rid:{rid} recv\r\n" for rid in recv.split(";")) + f"a=simulcast:recv {recv}\r\n"
    caller.remote(SdpType.ANSWER, answer)
    return caller


def test_all_layers_stay_when_the_answer_takes_them() -> None:
    caller = _answered("q;h;f")
    assert caller.session.transceivers[0].rids == RIDS
    assert caller.changes.encodings == ()


def test_layers_that_the_answer_leaves_out_go_in_our_order() -> None:
    caller = _answered("f;h")
    assert caller.session.transceivers[0].rids == ("h", "f")
    assert caller.changes.encodings == (1,)


@pytest.mark.parametrize("recv", [None, "x;y"])
def test_only_the_first_layer_stays_when_the_answer_takes_none(recv: str | None) -> None:
    caller = _answered(recv)
    assert caller.session.transceivers[0].rids == ("q",)


def test_a_peer_that_pauses_keeps_the_layers() -> None:
    assert _answered("q;h;f", direction="inactive").session.transceivers[0].rids == RIDS


def test_an_offer_says_its_layers_again_even_while_it_does_not_send() -> None:
    """RFC 9429 section 5.2.2: a=rid and a=simulcast stay the same."""
    caller = _answered("q;h;f")
    caller.session = set_direction(caller.session, 1, Direction.INACTIVE)
    offer = caller.create_offer()
    assert lines(offer, "a=simulcast") == ["a=simulcast:send q;h;f"]
    assert len(lines(offer, "a=rid")) == 3


def test_a_request_makes_one_encoding_several() -> None:
    callee, key = _sender()
    changes = callee.remote(SdpType.OFFER, _asking(*RIDS))
    assert callee.transceiver(key).rids == RIDS
    assert changes.encodings == (key,)
    answer = callee.answer()
    assert lines(answer, "a=rid") == ["a=rid:q send", "a=rid:h send", "a=rid:f send"]
    assert lines(answer, "a=simulcast") == ["a=simulcast:send q;h;f"]
    assert callee.transceiver(key).rids == RIDS


@pytest.mark.parametrize(
    ("streams", "rids"),
    [
        (("foo", "bar", "foo"), ("foo", "bar")),
        (("foo,bar", "1,2"), ("foo", "1")),
        (("~foo", "bar"), ("foo", "bar")),
        (("a", "b", "c", "d"), ("a", "b", "c")),
    ],
    ids=["of equal ones the first", "of alternatives the first", "paused is not off", "three at most"],
)
def test_what_is_asked_for_is_brought_into_a_form(streams: tuple[str, ...], rids: tuple[str, ...]) -> None:
    callee, key = _sender()
    callee.remote(SdpType.OFFER, _asking(*streams))
    assert callee.transceiver(key).rids == rids
    assert lines(callee.create_answer(), "a=simulcast") == [f"a=simulcast:send {';'.join(rids)}"]


def test_a_request_creates_a_transceiver_with_these_encodings() -> None:
    callee = Peer(2)
    callee.remote(SdpType.OFFER, _asking("q", "f"))
    (one,) = callee.session.transceivers
    assert one.rids == ("q", "f")
    assert lines(callee.create_answer(), "a=simulcast") == []


def test_audio_is_never_sent_in_layers() -> None:
    server = Peer(1)
    server.add(Kind.AUDIO, direction=Direction.RECVONLY)
    offer = server.create_offer() + "a=rid:q recv\r\na=rid:f recv\r\na=simulcast:recv q;f\r\n"
    callee = Peer(2)
    key = callee.add(Kind.AUDIO, track_id="mic", add_track=True)
    callee.remote(SdpType.OFFER, offer)
    assert callee.transceiver(key).rids == (None,)


def test_encodings_that_are_there_are_only_narrowed_and_only_by_the_answer() -> None:
    callee, key = _sender()
    server = Peer(1)
    server.add(Kind.VIDEO, direction=Direction.RECVONLY)
    for streams in (RIDS, ("h", "f"), ("f", "q")):
        before = callee.transceiver(key).rids
        described = "".join(f"a=rid:{rid} recv\r\n" for rid in streams)
        offer = server.offer() + described + f"a=simulcast:recv {';'.join(streams)}\r\n"
        callee.remote(SdpType.OFFER, offer)
        assert callee.transceiver(key).rids == (RIDS if before == (None,) else before)
        server.remote(SdpType.ANSWER, callee.answer())
    assert callee.transceiver(key).rids == ("f",)


def test_a_paused_sender_keeps_its_encodings_in_its_answer() -> None:
    callee, key = _sender()
    callee.remote(SdpType.OFFER, _asking(*RIDS))
    callee.session = set_direction(callee.session, key, Direction.INACTIVE)
    assert lines(callee.answer(), "a=simulcast") == []
    assert callee.transceiver(key).rids == RIDS


def test_what_a_peer_offers_to_send_in_layers_is_received_as_one() -> None:
    callee = Peer(2)
    callee.remote(SdpType.OFFER, recorded("chromium-156-simulcast-offer"))
    answer = callee.answer()
    assert "a=recvonly" in answer
    assert lines(answer, "a=simulcast") == lines(answer, "a=rid") == []


def test_a_session_that_receives_simulcast_takes_all_layers_of_an_offer() -> None:
    callee = Peer(2, receives_simulcast=True)
    callee.remote(SdpType.OFFER, recorded("chromium-156-simulcast-offer"))
    (one,) = [one for one in callee.session.transceivers if one.kind is Kind.VIDEO]
    assert one.receive_rids == RIDS
    answer = callee.answer()
    assert lines(answer, "a=rid") == ["a=rid:q recv", "a=rid:h recv", "a=rid:f recv"]
    assert lines(answer, "a=simulcast") == ["a=simulcast:recv q;h;f"]


def test_two_peers_of_which_one_receives_simulcast_keep_all_layers_whoever_offers() -> None:
    caller, callee = Peer(1), Peer(2, receives_simulcast=True)
    caller.add(Kind.VIDEO, rids=RIDS)
    negotiate(caller, callee)
    assert caller.session.transceivers[0].rids == RIDS
    assert callee.session.transceivers[0].receive_rids == RIDS
    offer, answer = negotiate(callee, caller)
    assert lines(offer, "a=simulcast") == ["a=simulcast:recv q;h;f"]
    assert lines(answer, "a=simulcast") == ["a=simulcast:send q;h;f"]
    assert callee.session.transceivers[0].receive_rids == RIDS


def test_layers_that_are_asked_for_are_those_that_the_answer_sends() -> None:
    caller, callee = Peer(1), Peer(2)
    key = caller.add(Kind.VIDEO, direction=Direction.RECVONLY, receive_rids=(*RIDS, "x"))
    sender = callee.add(Kind.VIDEO, track_id="cam", add_track=True)
    offer, _ = negotiate(caller, callee)
    assert lines(offer, "a=simulcast") == ["a=simulcast:recv q;h;f;x"]
    assert callee.transceiver(sender).rids == RIDS
    assert caller.transceiver(key).receive_rids == RIDS


def test_a_peer_that_answers_with_one_stream_is_received_as_one() -> None:
    caller, callee = Peer(1), Peer(2)
    key = caller.add(Kind.VIDEO, direction=Direction.RECVONLY, receive_rids=RIDS)
    callee.add(Kind.VIDEO, track_id="cam", add_track=True)
    callee.remote(
        SdpType.OFFER,
        "\r\n".join(
            line for line in caller.offer().split("\r\n") if not line.startswith(("a=rid", "a=simulcast"))
        ),
    )
    caller.remote(SdpType.ANSWER, callee.answer())
    assert caller.transceiver(key).receive_rids == ()


def test_both_directions_of_simulcast_share_one_line() -> None:
    caller, callee = Peer(1), Peer(2, receives_simulcast=True)
    caller.add(Kind.VIDEO, rids=RIDS, receive_rids=("a", "b"))
    callee.add(Kind.VIDEO, track_id="cam", add_track=True)
    offer, answer = negotiate(caller, callee)
    assert lines(offer, "a=simulcast") == ["a=simulcast:send q;h;f recv a;b"]
    assert lines(answer, "a=simulcast") == ["a=simulcast:send a;b recv q;h;f"]


def test_a_rollback_forgets_the_layers_of_the_offer() -> None:
    callee = Peer(2, receives_simulcast=True)
    key = callee.add(Kind.VIDEO, track_id="cam", add_track=True)
    caller = Peer(1)
    caller.add(Kind.VIDEO, rids=RIDS)
    callee.remote(SdpType.OFFER, caller.offer())
    assert callee.transceiver(key).receive_rids == RIDS
    callee.remote(SdpType.ROLLBACK)
    assert callee.transceiver(key).receive_rids == ()


def test_no_more_layers_are_taken_than_can_be_kept_apart() -> None:
    callee = Peer(2, receives_simulcast=True)
    rids = [f"r{number}" for number in range(20)]
    offer = Peer(1)
    offer.add(Kind.VIDEO)
    described = "".join(f"a=rid:{rid} send\r\n" for rid in rids) + f"a=simulcast:send {';'.join(rids)}\r\n"
    callee.remote(SdpType.OFFER, offer.create_offer() + described)
    assert lines(callee.answer(), "a=simulcast") == [f"a=simulcast:recv {';'.join(rids[:MAX_LAYERS])}"]


def test_two_peers_settle_on_one_layer() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(Kind.VIDEO, rids=RIDS)
    negotiate(caller, callee)
    assert caller.session.transceivers[0].rids == ("q",)
    assert lines(caller.create_offer(), "a=simulcast") == []
    assert lines(caller.create_offer(), "a=rid") == ["a=rid:q send"]
