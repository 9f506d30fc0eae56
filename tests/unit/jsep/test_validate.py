from typing import Any

import pytest

from tests.unit.jsep.peers import Peer, negotiate
from visavis.dataplane.commands import Kind
from visavis.errors import DescriptionError, InvalidDescriptionError, SdpError
from visavis.jsep import RtcpMuxPolicy, SdpType, stop, want_data
from visavis.jsep.apply_remote import MAX_DESCRIPTION_BYTES
from visavis.sdp import MAX_CANDIDATES


def _caller() -> Peer:
    peer = Peer(1)
    peer.add(Kind.AUDIO, track_id="mic", stream_ids=("s",))
    peer.add(Kind.VIDEO, track_id="cam", stream_ids=("s",))
    peer.session = want_data(peer.session)
    return peer


def _without(text: str, start: str) -> str:
    return "".join(f"{line}\r\n" for line in text.split("\r\n")[:-1] if not line.startswith(start))


def _refused(text: str, message: str, **options: Any) -> None:
    peer = Peer(2, **options)
    before = peer.session
    with pytest.raises(InvalidDescriptionError, match=message):
        peer.remote(SdpType.OFFER, text)
    assert peer.session is before


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("a=ice-ufrag", "lacks a=ice-ufrag"),
        ("a=ice-pwd", "lacks a=ice-ufrag or a=ice-pwd"),
        ("a=fingerprint", "lacks a=fingerprint"),
        ("a=rtcp-mux", "lacks a=rtcp-mux"),
    ],
)
def test_what_every_m_line_needs_is_asked_for(start: str, message: str) -> None:
    _refused(_without(_caller().create_offer(), start), message)


def test_without_the_policy_require_an_offer_without_mux_is_taken() -> None:
    peer = Peer(2, rtcp_mux_policy=RtcpMuxPolicy.NEGOTIATE)
    peer.remote(SdpType.OFFER, _without(_caller().create_offer(), "a=rtcp-mux"))


def test_what_is_said_for_the_session_counts_for_every_m_line() -> None:
    offer = _caller().create_offer()
    line = next(line for line in offer.split("\r\n") if line.startswith("a=fingerprint"))
    peer = Peer(2)
    peer.remote(SdpType.OFFER, _without(offer, "a=fingerprint").replace("t=0 0\r\n", f"t=0 0\r\n{line}\r\n"))
    peer.answer()
    assert peer.session.transports[0].fingerprints


def test_holdconn_opens_nothing() -> None:
    _refused(_caller().create_offer().replace("setup:actpass", "setup:holdconn"), "holdconn")


@pytest.mark.parametrize(("number", "refused"), [(63, False), (64, True), (95, True), (96, False)])
def test_payload_types_of_rtcp_are_refused(number: int, refused: bool) -> None:
    caller = Peer(1)
    caller.add()
    text = caller.create_offer().replace("111", str(number))
    if refused:
        _refused(text, "from 64 to 95")
    else:
        Peer(2).remote(SdpType.OFFER, text)


def test_impossible_credentials_are_no_fault_of_the_syntax() -> None:
    text = _caller().create_offer()
    ufrag = next(line for line in text.split("\r\n") if line.startswith("a=ice-ufrag"))
    _refused(text.replace(ufrag, "a=ice-ufrag:E$En"), "line 11: ice-ufrag")


def test_a_syntax_error_has_its_line() -> None:
    text = _caller().create_offer().replace("a=mid:0", "a=rtpmap:0")
    with pytest.raises(SdpError) as caught:
        Peer(2).remote(SdpType.OFFER, text)
    assert not isinstance(caught.value, InvalidDescriptionError)
    assert caught.value.line == text.split("\r\n").index("a=rtpmap:0") + 1
    with pytest.raises(SdpError) as caught:
        Peer(2).remote(SdpType.OFFER, "Invalid SDP")
    assert caught.value.line == 1


def test_two_m_lines_with_one_mid_are_refused() -> None:
    _refused(_caller().create_offer().replace("a=mid:1", "a=mid:0"), "mid of an earlier")


def test_a_mid_that_no_packet_can_carry_is_refused() -> None:
    _refused(_caller().create_offer().replace("a=mid:1", "a=mid:" + "x" * 17), "longer than 16")


def test_two_extensions_with_one_id_are_refused() -> None:
    _refused(_caller().create_offer().replace("a=extmap:3 ", "a=extmap:2 "), "two header extensions")


def test_a_group_has_one_meaning_for_an_extension_id() -> None:
    _refused(
        _caller().create_offer().replace("a=extmap:13 ", "a=extmap:1 "), "another header extension for id 1"
    )


def test_a_group_has_one_meaning_for_a_payload_type_unless_mids_tell_packets_apart() -> None:
    text = _caller().create_offer().replace("111", "96")
    Peer(2).remote(SdpType.OFFER, text)
    bare = "".join(f"{line}\r\n" for line in text.split("\r\n")[:-1] if "sdes:mid" not in line)
    _refused(bare, "another format for payload type 96")


def test_two_m_lines_with_one_msid_cannot_be_applied() -> None:
    """RFC 8830 section 2: a track of a stream is on one m-line."""
    text = _caller().create_offer().replace("a=msid:s cam", "a=msid:s mic")
    with pytest.raises(DescriptionError):
        Peer(2).remote(SdpType.OFFER, text)


def test_two_tracks_without_a_stream_are_not_one() -> None:
    text = _caller().create_offer().replace("a=msid:s ", "a=msid:- ")
    Peer(2).remote(SdpType.OFFER, text)


def test_an_offer_with_fewer_m_lines_than_before_is_refused() -> None:
    caller, callee = _caller(), Peer(2)
    offer, _ = negotiate(caller, callee)
    fewer = offer[: offer.index("m=application")].replace("BUNDLE 0 1 2", "BUNDLE 0 1")
    with pytest.raises(InvalidDescriptionError, match="fewer than the 3"):
        callee.remote(SdpType.OFFER, fewer)


def test_a_live_m_line_keeps_its_kind_and_its_mid() -> None:
    caller, callee = _caller(), Peer(2)
    offer, _ = negotiate(caller, callee)
    with pytest.raises(InvalidDescriptionError, match="had mid 0"):
        callee.remote(SdpType.OFFER, offer.replace("a=mid:0", "a=mid:7").replace("BUNDLE 0", "BUNDLE 7"))
    with pytest.raises(InvalidDescriptionError, match="was audio"):
        callee.remote(SdpType.OFFER, offer.replace("m=audio", "m=video"))


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("m=audio", "m=video"),
        ("a=mid:0", "a=mid:7"),
        ("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"),
        ("a=setup:active", "a=setup:actpass"),
        ("a=setup:active\r\n", ""),
        ("a=rtcp-mux\r\n", ""),
    ],
)
def test_an_answer_that_does_not_fit_the_offer_is_refused(change: str, to: str) -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.offer())
    answer = callee.answer()
    assert change in answer
    before = caller.session
    with pytest.raises(InvalidDescriptionError):
        caller.remote(SdpType.ANSWER, answer.replace(change, to))
    assert caller.session is before


def test_an_answer_with_fewer_m_lines_is_refused() -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.offer())
    answer = callee.answer()
    with pytest.raises(InvalidDescriptionError, match="has 2 m-lines, the offer 3"):
        caller.remote(SdpType.ANSWER, answer[: answer.index("m=application")])


def test_an_answer_cannot_take_a_bundle_only_m_line_out_of_the_group() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add(Kind.VIDEO)
    caller.add(Kind.VIDEO)
    callee.remote(SdpType.OFFER, caller.offer())
    with pytest.raises(InvalidDescriptionError, match="bundle-only"):
        caller.remote(SdpType.ANSWER, callee.answer().replace("BUNDLE 0 1", "BUNDLE 0"))


def test_an_answer_cannot_leave_the_one_transport() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    callee.remote(SdpType.OFFER, caller.offer())
    with pytest.raises(InvalidDescriptionError, match="no transport of its own"):
        caller.remote(SdpType.ANSWER, callee.answer().replace("BUNDLE 0 1 2", "BUNDLE 0 1"))


def test_an_answer_cannot_accept_what_the_offer_rejected() -> None:
    caller, callee = _caller(), Peer(2)
    _, before = negotiate(caller, callee)
    caller.session = stop(caller.session, caller.session.transceivers[0].key)
    caller.offer()
    with pytest.raises(InvalidDescriptionError, match="rejected by the offer"):
        caller.remote(SdpType.ANSWER, before)


def test_an_extension_id_keeps_its_meaning() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    for type in (SdpType.OFFER, SdpType.ANSWER):
        if type is SdpType.ANSWER:
            callee.remote(SdpType.OFFER, caller.offer())
        text = caller.create_offer() if type is SdpType.OFFER else callee.answer()
        swapped = text.replace("extmap:2 ", "extmap:99 ").replace("extmap:3 ", "extmap:2 ")
        swapped = swapped.replace("extmap:99 ", "extmap:3 ")
        with pytest.raises(InvalidDescriptionError, match="another header extension than before"):
            (callee if type is SdpType.OFFER else caller).remote(type, swapped)


def test_an_ice_restart_has_to_be_answered_with_new_credentials() -> None:
    caller, callee = _caller(), Peer(2)
    _, before = negotiate(caller, callee)
    caller.offer(ice_restart=True)
    with pytest.raises(InvalidDescriptionError, match="ICE restart"):
        caller.remote(SdpType.ANSWER, before)


def test_an_answer_cannot_swap_the_roles_of_a_live_association() -> None:
    caller, callee = _caller(), Peer(2)
    _, before = negotiate(caller, callee)
    caller.offer()
    with pytest.raises(InvalidDescriptionError, match="swap"):
        caller.remote(SdpType.ANSWER, before.replace("setup:active", "setup:passive"))


def test_a_description_above_the_limit_is_refused_unread() -> None:
    text = _caller().create_offer()
    padding = "a=x:" + "y" * 1_000 + "\r\n"
    count = (MAX_DESCRIPTION_BYTES - len(text)) // len(padding)
    Peer(2).remote(SdpType.OFFER, text + padding * count)
    with pytest.raises(SdpError, match="larger than 1,048,576 bytes"):
        Peer(2).remote(SdpType.OFFER, text + padding * (count + 1))


def test_ten_thousand_candidates_are_refused() -> None:
    line = "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\n"
    text = _caller().create_offer()
    Peer(2).remote(SdpType.OFFER, text + line * MAX_CANDIDATES)
    _refused(text + line * 10_000, "more than 1,000 candidates")


def test_rids_that_a_simulcast_line_makes_up_are_no_error() -> None:
    """RFC 8853 section 5.3: what no a=rid describes is not sent, and that is all."""
    caller, callee = Peer(1), Peer(2)
    caller.add(Kind.VIDEO, rids=("a", "b"))
    callee.remote(SdpType.OFFER, caller.offer())
    caller.remote(SdpType.ANSWER, callee.answer() + "a=simulcast:recv x;b\r\n")
    assert caller.session.transceivers[0].rids == ("b",)
