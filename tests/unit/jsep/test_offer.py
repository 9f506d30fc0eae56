import pytest

from tests.unit.jsep.peers import Peer, lines, negotiate, sections
from visavis.dataplane.commands import Kind
from visavis.errors import StateError
from visavis.jsep import (
    BundlePolicy,
    Capabilities,
    CodecCapability,
    RtcpMuxPolicy,
    SdpType,
    close,
    restart_ice,
    set_codec_preferences,
    set_direction,
    set_streams,
    stop,
    want_data,
)
from visavis.sdp import Direction, Flag, parse


def _caller(policy: BundlePolicy = BundlePolicy.BALANCED) -> Peer:
    peer = Peer(1, bundle_policy=policy)
    peer.add(Kind.AUDIO, track_id="mic", stream_ids=("s",), add_track=True)
    peer.add(Kind.VIDEO, track_id="cam", stream_ids=("s",), add_track=True)
    peer.add(Kind.VIDEO, track_id="screen", add_track=True)
    peer.session = want_data(peer.session)
    return peer


def test_an_offer_begins_as_rfc_9429_says() -> None:
    assert Peer().create_offer().split("\r\n")[:4] == ["v=0", "o=- 1001 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]


def test_an_empty_session_offers_no_m_lines_and_no_group() -> None:
    offer = Peer().create_offer()
    assert sections(offer) == []
    assert lines(offer, "a=group") == []


def test_each_created_offer_has_a_version_of_its_own() -> None:
    peer = _caller()
    versions = [parse(peer.create_offer()).origin.session_version for _ in range(3)]
    assert versions == [1, 2, 3]


def test_media_comes_in_the_order_of_the_transceivers_and_data_last() -> None:
    offer = parse(_caller().create_offer())
    assert [media.kind for media in offer.media] == ["audio", "video", "video", "application"]
    assert [media.mid for media in offer.media] == ["0", "1", "2", "3"]
    assert offer.bundle is not None
    assert offer.bundle.mids == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    ("policy", "bundle_only"),
    [
        (BundlePolicy.BALANCED, [False, False, True, False]),
        (BundlePolicy.MAX_COMPAT, [False, False, False, False]),
        (BundlePolicy.MAX_BUNDLE, [False, True, True, True]),
    ],
)
def test_the_bundle_policy_says_which_m_lines_have_a_transport(
    policy: BundlePolicy, bundle_only: list[bool]
) -> None:
    offer = parse(_caller(policy).create_offer())
    assert [media.has(Flag.BUNDLE_ONLY) for media in offer.media] == bundle_only
    assert [media.port == 0 for media in offer.media] == bundle_only
    caller = _caller(policy)
    caller.offer()
    assert len(caller.session.transports) == bundle_only.count(False)


def test_every_m_line_has_the_same_credentials_and_the_same_certificate() -> None:
    """Where a bundle-only m-line has none, Firefox ends with its page; others are a partial restart to it."""
    for policy in BundlePolicy:
        offer = _caller(policy).create_offer()
        for start in ("a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup"):
            assert len(lines(offer, start)) == 4
            assert len(set(lines(offer, start))) == 1
        assert len(lines(offer, "a=rtcp-mux")) >= 3


def test_a_first_offer_asks_for_mux_only_and_offers_both_roles() -> None:
    part = sections(_caller().create_offer())[0]
    for line in (
        "a=rtcp-mux",
        "a=rtcp-mux-only",
        "a=rtcp-rsize",
        "a=setup:actpass",
        "a=rtcp:9 IN IP4 0.0.0.0",
    ):
        assert line in part.split("\r\n")


def test_without_the_policy_require_mux_is_not_the_only_way() -> None:
    peer = Peer(1, rtcp_mux_policy=RtcpMuxPolicy.NEGOTIATE)
    peer.add()
    offer = peer.create_offer()
    assert lines(offer, "a=rtcp-mux") == ["a=rtcp-mux"]


def test_a_later_offer_keeps_to_what_was_answered() -> None:
    """RFC 9429 section 5.2.2: no rtcp line, no mux-only, one set of credentials for all that is bundled."""
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    offer = caller.create_offer()
    assert lines(offer, "a=rtcp:") == lines(offer, "a=rtcp-mux-only") == lines(offer, "a=bundle-only") == []
    assert len(set(lines(offer, "a=ice-ufrag"))) == 1
    assert len(lines(offer, "a=ice-ufrag")) == 4
    assert lines(offer, "a=mid") == ["a=mid:0", "a=mid:1", "a=mid:2", "a=mid:3"]
    assert [media.port for media in parse(offer).media] == [9, 9, 9, 9]


def test_a_new_m_line_joins_the_negotiated_transport() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    transport = caller.session.transports[0].key
    key = caller.add(Kind.AUDIO)
    caller.offer()
    assert caller.transceiver(key).transport == transport
    assert [one.key for one in caller.session.transports] == [transport]
    assert caller.session.pending_local is not None
    assert caller.session.pending_local.content.media[4].port == 9


def test_a_stopped_transceivers_m_line_is_rejected_and_used_again() -> None:
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    first = caller.session.transceivers[0].key
    caller.session = stop(caller.session, first)
    rejected = parse(caller.create_offer())
    assert (rejected.media[0].port, rejected.media[0].mid) == (0, "0")
    assert rejected.bundle is not None
    assert rejected.bundle.mids == ("1", "2", "3")
    assert lines(sections(str(rejected))[0], "a=msid") == []
    negotiate(caller, callee)
    caller.add(Kind.VIDEO)
    again = parse(caller.create_offer())
    assert len(again.media) == 4
    assert (again.media[0].kind, again.media[0].mid) == ("video", "4")


def test_an_m_line_that_is_rejected_only_now_is_not_used_again_in_the_same_offer() -> None:
    """The peer has to reject it first (RFC 8843 section 7.6 forbids another mid for a live m-line)."""
    caller, callee = _caller(), Peer(2)
    negotiate(caller, callee)
    caller.session = stop(caller.session, caller.session.transceivers[0].key)
    caller.add(Kind.AUDIO)
    offer = parse(caller.create_offer())
    assert len(offer.media) == 5
    assert offer.media[0].port == 0


def test_a_transceiver_stopped_before_it_was_offered_gets_no_m_line() -> None:
    caller = _caller()
    key = caller.add(Kind.AUDIO)
    caller.session = stop(caller.session, key)
    assert len(sections(caller.create_offer())) == 4


def test_the_direction_is_the_transceivers() -> None:
    for direction in Direction:
        peer = Peer()
        peer.add(direction=direction, track_id="mic")
        part = sections(peer.create_offer())[0]
        assert f"a={direction}" in part.split("\r\n")
        assert bool(lines(part, "a=msid")) == direction.sends
        assert bool(lines(part, "a=ssrc")) == direction.sends


def test_every_stream_is_named_and_none_is_a_dash() -> None:
    peer = Peer()
    key = peer.add(track_id="mic", stream_ids=("a", "b", "a"))
    assert lines(peer.create_offer(), "a=msid") == ["a=msid:a mic", "a=msid:b mic"]
    peer.session = set_streams(peer.session, key, ())
    assert lines(peer.create_offer(), "a=msid") == ["a=msid:- mic"]


def test_streams_of_several_m_lines_are_synchronised() -> None:
    assert lines(_caller().create_offer(), "a=group:LS") == ["a=group:LS 0 1"]


def test_one_encoding_is_no_simulcast_and_several_are() -> None:
    peer = Peer()
    peer.add(Kind.VIDEO)
    peer.add(Kind.VIDEO, rids=("q", "h", "f"))
    plain, layered = sections(peer.create_offer())
    assert lines(plain, "a=rid") == lines(plain, "a=simulcast") == []
    assert lines(layered, "a=rid") == ["a=rid:q send", "a=rid:h send", "a=rid:f send"]
    assert lines(layered, "a=simulcast") == ["a=simulcast:send q;h;f"]
    assert lines(layered, "a=ssrc") == []
    assert len(lines(plain, "a=ssrc-group:FID")) == 1


def test_preferences_say_which_codecs_and_in_which_order() -> None:
    peer = Peer()
    key = peer.add()
    opus, _, _, dtmf, _ = (codec.format for codec in peer.session.capabilities.of(Kind.AUDIO))
    peer.session = set_codec_preferences(peer.session, key, (dtmf, opus))
    assert parse(peer.create_offer()).media[0].formats == ("110", "111")
    peer.session = set_codec_preferences(peer.session, key, ())
    assert parse(peer.create_offer()).media[0].formats == ("111", "0", "8", "110", "126")


def test_without_rtx_among_the_preferences_nothing_is_retransmitted() -> None:
    peer = Peer()
    key = peer.add(Kind.VIDEO)
    vp8, *_ = (codec.format for codec in peer.session.capabilities.of(Kind.VIDEO))
    peer.session = set_codec_preferences(peer.session, key, (vp8,))
    assert parse(peer.create_offer()).media[0].formats == ("96",)


def test_a_direction_shows_the_codecs_that_go_in_it() -> None:
    codecs = (
        CodecCapability(Kind.VIDEO, "VP8", 90000, 96),
        CodecCapability(Kind.VIDEO, "VP9", 90000, 98, parameters="profile-id=0", send=False),
        CodecCapability(Kind.VIDEO, "AV1", 90000, 45, receive=False),
    )
    for direction, formats in (
        (Direction.SENDRECV, ("96",)),
        (Direction.SENDONLY, ("96", "45")),
        (Direction.RECVONLY, ("96", "98")),
        (Direction.INACTIVE, ("96", "98", "45")),
    ):
        peer = Peer(1, capabilities=Capabilities(codecs, ()))
        peer.add(Kind.VIDEO, direction=direction)
        assert parse(peer.create_offer()).media[0].formats == formats


def test_a_later_offer_has_the_order_of_the_answer() -> None:
    caller, callee = Peer(1), Peer(2)
    caller.add()
    callee.remote(SdpType.OFFER, caller.offer())
    opus, _, _, dtmf, _ = (codec.format for codec in callee.session.capabilities.of(Kind.AUDIO))
    callee.session = set_codec_preferences(callee.session, callee.session.transceivers[0].key, (dtmf, opus))
    caller.remote(SdpType.ANSWER, callee.answer())
    assert parse(caller.create_offer()).media[0].formats == ("110", "111", "0", "8", "126")


def test_an_ice_restart_changes_the_credentials_once() -> None:
    caller, callee = _caller(), Peer(2)
    first, _ = negotiate(caller, callee)
    before = lines(caller.create_offer(), "a=ice-")
    restarted, _ = negotiate(caller, callee, ice_restart=True)
    after = lines(restarted, "a=ice-")
    assert lines(first, "a=ice-ufrag")[0] == before[1]
    assert not set(before[1:]) & set(after[1:])
    assert lines(caller.create_offer(), "a=ice-") == after


def test_restart_ice_lasts_until_an_answer_has_no_old_credentials() -> None:
    caller, callee = _caller(), Peer(2)
    caller.offer()
    caller.session = restart_ice(caller.session)
    assert caller.session.replaced_credentials
    offer = caller.offer()
    callee.remote(SdpType.OFFER, offer)
    caller.remote(SdpType.ANSWER, callee.answer())
    assert not caller.session.replaced_credentials


def test_a_first_offer_cannot_be_restarted() -> None:
    caller = _caller()
    caller.session = restart_ice(caller.session)
    assert not caller.session.replaced_credentials
    assert caller.create_offer(ice_restart=True)


def test_an_offer_needs_a_state_that_has_room_for_it() -> None:
    caller, callee = _caller(), Peer(2)
    callee.remote(SdpType.OFFER, caller.offer())
    with pytest.raises(StateError):
        callee.create_offer()
    caller.session = close(caller.session)
    with pytest.raises(StateError):
        caller.create_offer()


def test_an_offer_changes_nothing_until_it_is_set() -> None:
    caller = _caller()
    before = caller.session
    caller.create_offer()
    after = caller.session
    assert (after.transceivers, after.transports, after.data) == (
        before.transceivers,
        before.transports,
        before.data,
    )


def test_the_second_offer_in_have_local_offer_keeps_what_the_first_one_said() -> None:
    caller = _caller()
    first = caller.offer()
    caller.session = set_direction(caller.session, caller.session.transceivers[0].key, Direction.RECVONLY)
    second = caller.offer()
    for start in (
        "a=ice-ufrag",
        "a=ice-pwd",
        "a=mid",
        "a=rtpmap",
        "a=extmap",
        "a=bundle-only",
        "a=group:BUNDLE",
    ):
        assert lines(first, start) == lines(second, start)
    assert "a=recvonly" in sections(second)[0].split("\r\n")
