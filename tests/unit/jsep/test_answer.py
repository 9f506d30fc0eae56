from typing import Any

import pytest

from tests.unit.jsep.peers import Peer, lines, negotiate, sections
from visavis.dataplane.commands import DtlsRole, Kind
from visavis.errors import InvalidDescriptionError, StateError
from visavis.jsep import (
    BundlePolicy,
    Capabilities,
    CodecCapability,
    RtcpMuxPolicy,
    SdpType,
    needs_negotiation,
    set_codec_preferences,
    set_direction,
    want_data,
)
from visavis.sdp import Direction, parse


def _offered(*kinds: Kind, policy: BundlePolicy = BundlePolicy.BALANCED, data: bool = False) -> str:
    caller = Peer(1, bundle_policy=policy)
    for number, kind in enumerate(kinds):
        caller.add(kind, track_id=f"track-{number}", stream_ids=("s",))
    if data:
        caller.session = want_data(caller.session)
    return caller.create_offer()


def _answering(text: str, **options: Any) -> Peer:
    peer = Peer(2, **options)
    peer.remote(SdpType.OFFER, text)
    return peer


def test_an_answer_repeats_the_m_lines_with_one_transport() -> None:
    answer = _answering(_offered(Kind.AUDIO, Kind.VIDEO, data=True)).create_answer()
    assert [media.mid for media in parse(answer).media] == ["0", "1", "2"]
    assert lines(answer, "a=group:BUNDLE") == ["a=group:BUNDLE 0 1 2"]
    assert len(set(lines(answer, "a=ice-ufrag"))) == 1
    assert set(lines(answer, "a=setup")) == {"a=setup:active"}
    assert (
        lines(answer, "a=bundle-only") == lines(answer, "a=rtcp-mux-only") == lines(answer, "a=rtcp:") == []
    )


@pytest.mark.parametrize("offered", list(Direction))
@pytest.mark.parametrize("own", list(Direction))
def test_the_direction_is_what_both_want(offered: Direction, own: Direction) -> None:
    caller = Peer(1)
    caller.add(direction=offered)
    callee = _answering(caller.create_offer())
    callee.session = set_direction(callee.session, callee.session.transceivers[0].key, own)
    answer = parse(callee.create_answer())
    direction = answer.direction(answer.media[0])
    assert direction.sends == (own.sends and offered.receives)
    assert direction.receives == (own.receives and offered.sends)


def test_a_transceiver_of_add_track_takes_an_m_line_that_wants_to_receive() -> None:
    callee = Peer(2)
    key = callee.add(track_id="mine", stream_ids=("t",), add_track=True)
    callee.remote(SdpType.OFFER, _offered(Kind.AUDIO))
    answer = callee.create_answer()
    assert callee.transceiver(key).mid == "0"
    assert len(callee.session.transceivers) == 1
    assert "a=sendrecv" in answer.split("\r\n")
    assert lines(answer, "a=msid") == ["a=msid:t mine"]


def test_a_transceiver_of_add_transceiver_waits_for_an_offer_of_its_own() -> None:
    callee = Peer(2)
    key = callee.add(track_id="mine")
    callee.remote(SdpType.OFFER, _offered(Kind.AUDIO))
    assert callee.transceiver(key).mid is None
    assert len(callee.session.transceivers) == 2


def test_an_answer_names_the_streams_of_who_would_send_if_the_peer_let_it() -> None:
    """RFC 9429 section 5.3.1 goes by the transceiver's direction.

    Without the line W3C webrtc-pc section 4.7.3 calls for negotiation, and with two such peers for no end.
    """
    callee = Peer(2)
    callee.add(track_id="mine", stream_ids=("t",), add_track=True)
    caller = Peer(1)
    caller.add(direction=Direction.RECVONLY)
    callee.remote(SdpType.OFFER, caller.offer())
    caller.remote(SdpType.ANSWER, callee.answer())
    caller.session = set_direction(caller.session, 1, Direction.SENDONLY)
    negotiate(caller, callee)
    assert callee.session.transceivers[0].current_direction is Direction.RECVONLY
    callee.session = set_direction(callee.session, callee.session.transceivers[0].key, Direction.SENDONLY)
    _, answer = negotiate(caller, callee)
    assert "a=inactive" in answer
    assert lines(answer, "a=msid") == ["a=msid:t mine"]
    assert not needs_negotiation(callee.session)


def test_media_of_an_unknown_kind_is_rejected() -> None:
    text = _offered(Kind.AUDIO).replace("m=audio", "m=unicorns")
    (media,) = parse(_answering(text).create_answer()).media
    assert (media.kind, media.port) == ("unicorns", 0)


def test_an_m_line_without_a_codec_in_common_is_rejected() -> None:
    text = (
        _offered(Kind.AUDIO, policy=BundlePolicy.MAX_COMPAT)
        .replace("opus/48000/2", "speex/16000")
        .replace("PCM", "GSM")
    )
    (media,) = parse(_answering(text).create_answer()).media
    assert (media.port, media.mid) == (0, "0")


def test_telephone_events_alone_are_no_media() -> None:
    text = _offered(Kind.AUDIO).replace("opus", "gsm").replace("PCM", "GSM")
    assert "telephone-event" in text
    assert parse(_answering(text).create_answer()).media[0].port == 0


def test_when_the_tagged_m_line_is_rejected_its_group_is() -> None:
    """RFC 9429 section 5.3.1: bundle-only m-lines have no address but that of the tagged one."""
    text = _offered(Kind.AUDIO, Kind.VIDEO).replace("opus/48000/2", "speex/16000").replace("PCM", "GSM")
    assert [media.port for media in parse(_answering(text).create_answer()).media] == [0, 0]


def test_without_a_group_every_m_line_has_a_transport() -> None:
    text = _without_group(_offered(Kind.AUDIO, Kind.VIDEO, data=True))
    callee = _answering(text)
    answer = callee.answer()
    assert lines(answer, "a=group:BUNDLE") == []
    assert len({one.transport for one in callee.session.transceivers} | {callee.session.data.transport}) == 3
    assert len(set(lines(answer, "a=ice-ufrag"))) == 3
    assert len(callee.session.transports) == 3


def _without_group(text: str) -> str:
    return "".join(f"{line}\r\n" for line in text.split("\r\n")[:-1] if not line.startswith("a=group"))


@pytest.mark.parametrize(
    ("policy", "alive"),
    [
        (BundlePolicy.BALANCED, [True, True, False]),
        (BundlePolicy.MAX_COMPAT, [True, True, True]),
        (BundlePolicy.MAX_BUNDLE, [True, False, False]),
    ],
)
def test_without_a_group_the_policy_says_how_many_transports_there_are(
    policy: BundlePolicy, alive: list[bool]
) -> None:
    offer = _without_group(_offered(Kind.AUDIO, Kind.VIDEO, Kind.VIDEO, policy=BundlePolicy.MAX_COMPAT))
    callee = _answering(offer, bundle_policy=policy)
    assert [media.port != 0 for media in parse(callee.answer()).media] == alive
    assert [not one.stopped for one in callee.session.transceivers] == alive


def test_a_rejected_m_line_stops_its_transceiver_which_goes_with_the_next_exchange() -> None:
    offer = _without_group(_offered(Kind.AUDIO, Kind.VIDEO))
    callee = _answering(offer, bundle_policy=BundlePolicy.MAX_BUNDLE)
    callee.answer()
    assert callee.changes.stopped == (callee.session.transceivers[1].key,)
    callee.remote(SdpType.OFFER, offer)
    callee.answer()
    assert len(callee.session.transceivers) == 1


def test_the_numbers_are_the_offers() -> None:
    text = _offered(Kind.AUDIO).replace("111", "109")
    callee = _answering(text)
    callee.answer()
    (one,) = callee.session.transceivers
    assert one.receive_formats[0].payload_type == one.send_formats[0].payload_type == 109
    callee.add(Kind.AUDIO)
    assert {media.formats[0] for media in parse(callee.create_offer()).media} == {"109"}


def test_a_number_that_means_something_else_here_is_not_taken() -> None:
    """RFC 3264 section 5.1: either end may have numbers of its own; ours never change their meaning."""
    caller, callee = Peer(1), Peer(2)
    callee.add(Kind.VIDEO)
    negotiate(callee, caller)
    caller.add(Kind.AUDIO)
    offer = caller.create_offer()
    head, audio = offer[: offer.rindex("m=audio")], offer[offer.rindex("m=audio") :]
    callee.remote(SdpType.OFFER, head + audio.replace("111", "96"))
    answer = parse(callee.answer())
    assert answer.media[1].formats[0] not in ("96", "97")
    one = callee.session.transceivers[1]
    assert one.send_formats[0].payload_type == 96
    assert [str(format.payload_type) for format in one.receive_formats] == list(answer.media[1].formats)


def test_two_m_lines_outside_of_bundle_may_use_one_number_for_two_formats() -> None:
    text = _without_group(_offered(Kind.AUDIO, Kind.VIDEO)).replace("111", "96")
    audio, video = parse(_answering(text).create_answer()).media
    assert (audio.codecs[0].name, audio.codecs[0].payload_type) == ("opus", 96)
    assert (video.codecs[0].name, video.codecs[0].payload_type) == ("VP8", 96)


def test_the_order_is_the_offers_unless_there_are_preferences() -> None:
    codecs = (CodecCapability(Kind.VIDEO, "VP8", 90000, 96), CodecCapability(Kind.VIDEO, "VP9", 90000, 98))
    caller, callee = (Peer(number, capabilities=Capabilities(codecs, ())) for number in (1, 2))
    key = caller.add(Kind.VIDEO)
    vp8, vp9 = (codec.format for codec in codecs)
    caller.session = set_codec_preferences(caller.session, key, (vp9, vp8))
    callee.remote(SdpType.OFFER, caller.create_offer())
    assert parse(callee.create_answer()).media[0].formats == ("98", "96")
    callee.session = set_codec_preferences(callee.session, callee.session.transceivers[0].key, (vp8,))
    assert parse(callee.create_answer()).media[0].formats == ("96",)


def test_only_feedback_that_was_offered_is_answered() -> None:
    text = _offered(Kind.VIDEO).replace("a=rtcp-fb:96 nack\r\n", "")
    answer = _answering(text).create_answer()
    assert lines(answer, "a=rtcp-fb:96") == [
        "a=rtcp-fb:96 transport-cc",
        "a=rtcp-fb:96 ccm fir",
        "a=rtcp-fb:96 nack pli",
    ]


def test_rtx_is_answered_where_it_was_offered_for_the_codec() -> None:
    text = _offered(Kind.VIDEO)
    assert parse(_answering(text).create_answer()).media[0].formats == ("96", "97", "102", "103")
    without = text.replace("apt=96", "apt=98").replace("apt=102", "apt=98")
    assert parse(_answering(without).create_answer()).media[0].formats == ("96", "102")


def test_only_known_header_extensions_are_answered_under_their_ids() -> None:
    text = (
        _offered(Kind.AUDIO).replace("a=extmap:2 http", "a=extmap:2 bogus").replace("extmap:4 ", "extmap:9 ")
    )
    answer = _answering(text).create_answer()
    ids = [line.split(" ")[0] for line in lines(answer, "a=extmap:")]
    assert ids == ["a=extmap:9", "a=extmap:3", "a=extmap:1"]


def test_an_extension_offered_one_way_is_answered_the_other_way() -> None:
    text = _offered(Kind.AUDIO).replace("a=extmap:1 ", "a=extmap:1/sendonly ")
    assert len(lines(_answering(text).create_answer(), "a=extmap:1/recvonly ")) == 1


def test_ice_options_are_answered_as_far_as_they_were_offered() -> None:
    text = _offered(Kind.AUDIO)
    assert "a=ice-options:trickle ice2" in _answering(text).create_answer()
    assert "a=ice-options:trickle\r\n" in _answering(text.replace("trickle ice2", "trickle")).create_answer()
    assert "a=ice-options" not in _answering(text.replace("trickle ice2", "renomination")).create_answer()


def test_without_mux_and_with_the_policy_negotiate_the_m_line_is_rejected() -> None:
    text = _offered(Kind.AUDIO).replace("a=rtcp-mux\r\n", "").replace("a=rtcp-mux-only\r\n", "")
    callee = _answering(text, rtcp_mux_policy=RtcpMuxPolicy.NEGOTIATE)
    assert parse(callee.create_answer()).media[0].port == 0


def test_lip_sync_groups_are_kept_unless_the_answerer_has_other_streams() -> None:
    text = _offered(Kind.AUDIO, Kind.VIDEO)
    assert lines(text, "a=group:LS") == ["a=group:LS 0 1"]
    assert lines(_answering(text).create_answer(), "a=group:LS") == ["a=group:LS 0 1"]
    for streams, groups in ((("x", "x"), 1), (("x", "y"), 0)):
        callee = Peer(2)
        for kind, stream in zip(Kind, streams, strict=True):
            callee.add(kind, track_id=kind.value, stream_ids=(stream,), add_track=True)
        callee.remote(SdpType.OFFER, text)
        assert len(lines(callee.create_answer(), "a=group:LS")) == groups


@pytest.mark.parametrize(
    ("setup", "role", "said"),
    [
        ("actpass", DtlsRole.CLIENT, "active"),
        ("active", DtlsRole.SERVER, "passive"),
        ("passive", DtlsRole.CLIENT, "active"),
    ],
)
def test_the_dtls_role_follows_the_offer(setup: str, role: DtlsRole, said: str) -> None:
    callee = _answering(_offered(Kind.AUDIO).replace("setup:actpass", f"setup:{setup}"))
    assert lines(callee.answer(), "a=setup") == [f"a=setup:{said}"]
    assert callee.session.transports[0].role is role


def test_the_role_stays_while_the_association_lives() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add()
    negotiate(caller, callee)
    caller.remote(SdpType.OFFER, callee.offer())
    assert lines(caller.answer(), "a=setup") == ["a=setup:passive"]


def test_an_offer_cannot_swap_the_roles_of_a_live_association() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add()
    negotiate(caller, callee)
    callee.remote(SdpType.OFFER, caller.create_offer().replace("setup:actpass", "setup:active"))
    with pytest.raises(InvalidDescriptionError, match="swap the DTLS roles"):
        callee.create_answer()


def test_another_certificate_makes_another_association() -> None:
    """A peer that takes over the call from another one (RFC 8842 section 5.5)."""
    caller, first, second = Peer(1), Peer(2), Peer(3)
    caller.add()
    negotiate(caller, first)
    before = caller.session.transports[0]
    second.remote(SdpType.OFFER, caller.offer())
    caller.remote(SdpType.ANSWER, second.answer())
    after = caller.session.transports[0]
    assert caller.changes.connected == (after.key,)
    assert after.association == before.association + 1
    assert after.fingerprints == second.session.fingerprints
    assert after.local == before.local


def test_a_peer_that_takes_over_may_offer() -> None:
    """Its offers follow a first exchange that nobody else saw, in which it chose a role."""
    caller, first, second = Peer(1), Peer(2), Peer(3)
    caller.add()
    offer, _ = negotiate(caller, first)
    second.remote(SdpType.OFFER, offer)
    second.answer()
    negotiate(second, caller)
    assert {one.session.transports[0].role for one in (caller, second)} == set(DtlsRole)
    assert caller.session.transports[0].association == 1
    assert second.session.transports[0].association == 1


def test_a_restart_of_the_peer_is_answered_with_new_credentials() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add()
    _, first = negotiate(caller, callee)
    _, second = negotiate(caller, callee)
    assert lines(first, "a=ice-ufrag") == lines(second, "a=ice-ufrag")
    _, third = negotiate(caller, callee, ice_restart=True)
    assert lines(first, "a=ice-ufrag") != lines(third, "a=ice-ufrag")
    assert callee.changes.restarted == callee.changes.connected == (callee.session.transports[0].key,)


def test_a_second_data_m_line_is_rejected() -> None:
    text = _offered(Kind.AUDIO, data=True)
    again = text + sections(text)[1].replace("a=mid:1", "a=mid:2")
    answer = parse(_answering(again.replace("BUNDLE 0 1", "BUNDLE 0 1 2")).create_answer())
    assert [media.port for media in answer.media] == [9, 9, 0]


def test_an_answer_needs_an_offer() -> None:
    with pytest.raises(StateError):
        Peer().create_answer()


def test_the_answer_to_an_ice_lite_peer_takes_control() -> None:
    lite = _offered(Kind.AUDIO).replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n")
    for text, controlling in ((lite, True), (_offered(Kind.AUDIO), False)):
        callee = _answering(text)
        callee.answer()
        assert callee.session.transports[0].controlling is controlling
        assert callee.session.transports[0].remote_lite is controlling


def test_a_lite_peer_that_takes_over_gives_control_to_who_was_controlled() -> None:
    caller, callee, lite = Peer(1), Peer(2), Peer(3)
    caller.add()
    negotiate(caller, callee)
    assert not callee.session.transports[0].controlling
    lite.remote(SdpType.OFFER, callee.offer())
    changes = callee.remote(SdpType.ANSWER, lite.answer().replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"))
    transport = callee.session.transports[0]
    assert (transport.controlling, transport.remote_lite, transport.association) == (True, True, 1)
    assert changes.connected == (transport.key,)
