from dataclasses import replace

import pytest

from tests.unit.jsep.transports import HOST, HOST_IP6, LOCAL, offered
from visavis.dataplane.commands import Fingerprint, Kind
from visavis.errors import LocalProtocolError
from visavis.jsep import OfferedSection, SubscriberCodecs, offer_subscriber
from visavis.sdp import (
    Candidate,
    Direction,
    ExtMap,
    Flag,
    Group,
    IceOptions,
    IcePwd,
    IceUfrag,
    Msid,
    RtcpFeedback,
    RtpMap,
    SessionDescription,
    Setup,
    Ssrc,
    SsrcGroup,
    parse,
)

SECTIONS = [
    offered("0", Kind.AUDIO),
    offered("1"),
    offered("2", Kind.AUDIO, active=False),
    offered("3", active=False),
]


def _offer(
    sections: list[OfferedSection], codecs: SubscriberCodecs | None = None, version: int = 1
) -> SessionDescription:
    return offer_subscriber(sections, LOCAL, session_id=9, session_version=version, codecs=codecs)


def test_an_offer_reads_back_as_it_was_made() -> None:
    offer = _offer(SECTIONS)
    assert parse(str(offer)) == offer


def test_the_offer_describes_our_transport_once_for_all_m_lines() -> None:
    offer = _offer(SECTIONS)
    assert offer.bundle == Group("BUNDLE", ("0", "1", "2", "3"))
    assert offer.has(Flag.ICE_LITE)
    assert offer.has(Flag.EXTMAP_ALLOW_MIXED)
    assert offer.first(IceOptions) == IceOptions(("trickle", "ice2"))
    assert (offer.first(IceUfrag), offer.first(IcePwd)) == (IceUfrag(LOCAL.ufrag), IcePwd(LOCAL.password))
    assert offer.first(Fingerprint) == LOCAL.fingerprint
    assert offer.first(Setup) is Setup.ACTPASS
    assert [media.every(Candidate) for media in offer.media] == [(HOST_IP6, HOST), (), (), ()]
    assert offer.media[0].has(Flag.END_OF_CANDIDATES)
    assert {(media.port, str(media.connection)) for media in offer.media} == {(3478, "IN IP4 198.51.100.7")}
    assert all(media.has(Flag.RTCP_MUX) and media.has(Flag.RTCP_RSIZE) for media in offer.media)


def test_a_full_ice_agent_without_candidates_says_so() -> None:
    local = replace(LOCAL, candidates=(), ice_lite=False)
    offer = offer_subscriber(SECTIONS, local, session_id=9, session_version=1)
    assert not offer.has(Flag.ICE_LITE)
    assert {(media.port, str(media.connection)) for media in offer.media} == {(9, "IN IP4 0.0.0.0")}


def test_an_address_of_ip6_alone_is_the_default() -> None:
    local = replace(LOCAL, candidates=(HOST_IP6,))
    offer = offer_subscriber(SECTIONS, local, session_id=9, session_version=1)
    assert str(offer.media[0].connection) == "IN IP6 2001:db8::7"


def test_an_active_m_line_names_its_track_and_its_sources() -> None:
    audio, video, *_ = _offer(SECTIONS).media
    assert audio.first(Direction) is Direction.SENDONLY
    assert video.first(Msid) == Msid("stream-1", "track-1")
    assert video.every(Ssrc) == (Ssrc(1010, "cname", "visavis-cname"), Ssrc(1011, "cname", "visavis-cname"))
    assert video.every(SsrcGroup) == (SsrcGroup("FID", (1010, 1011)),)
    assert audio.every(Ssrc) == (Ssrc(1000, "cname", "visavis-cname"),)
    assert audio.every(SsrcGroup) == ()


def test_a_track_may_be_without_a_stream_and_an_m_line_without_a_track() -> None:
    loose = replace(offered("0"), stream_id=None)
    nameless = replace(offered("1"), stream_id=None, track_id=None)
    offer = _offer([loose, nameless])
    assert [media.first(Msid) for media in offer.media] == [Msid("-", "track-0"), None]


def test_a_waiting_m_line_keeps_its_formats_and_names_no_track() -> None:
    offer = _offer(SECTIONS)
    waiting = offer.media[3]
    assert waiting.first(Direction) is Direction.INACTIVE
    assert waiting.formats == offer.media[1].formats
    assert waiting.port != 0
    assert (waiting.first(Msid), waiting.every(Ssrc)) == (None, ())


def test_payload_types_leave_room_for_rtcp_and_are_unique() -> None:
    """RFC 5761 section 4: 64 to 95 would be taken for RTCP."""
    numbers = [number for media in _offer(SECTIONS[:2]).media for number in media.payload_types]
    assert len(set(numbers)) == len(numbers)
    assert not any(64 <= number <= 95 or number > 127 for number in numbers)


def test_every_video_format_has_rtx_and_feedback() -> None:
    audio, video = _offer(SECTIONS[:2]).media
    repaired = {codec.parameters["apt"] for codec in video.codecs if codec.name == "rtx"}
    assert repaired == {str(codec.payload_type) for codec in video.codecs if codec.name != "rtx"}
    assert [one.value for one in video.every(RtcpFeedback)] == ["transport-cc", "ccm fir", "nack", "nack pli"]
    assert [one.value for one in audio.every(RtcpFeedback)] == ["transport-cc"]
    assert {codec.name for codec in video.codecs} == {"VP8", "VP9", "AV1", "H264", "rtx"}


def test_extension_ids_mean_the_same_on_all_m_lines() -> None:
    meanings: dict[int, set[str]] = {}
    for media in _offer(SECTIONS).media:
        for line in media.every(ExtMap):
            meanings.setdefault(line.id, set()).add(line.uri)
    assert sorted(meanings) == [1, 2, 3, 4, 5, 6, 7]
    assert all(len(uris) == 1 for uris in meanings.values())


def test_what_a_subscriber_did_not_accept_is_not_offered_again() -> None:
    full = _offer(SECTIONS)
    short = _offer(SECTIONS, SubscriberCodecs(video=frozenset({96, 45})), version=2)
    assert short.media[1].payload_types == (96, 97, 45, 46)
    assert short.media[0].payload_types == full.media[0].payload_types
    kept = set(short.media[1].every(RtpMap))
    assert kept <= set(full.media[1].every(RtpMap))


def test_a_kind_of_which_nothing_is_known_is_offered_whole() -> None:
    full = _offer(SECTIONS)
    assert _offer(SECTIONS, SubscriberCodecs()) == full
    assert _offer(SECTIONS, SubscriberCodecs(video=frozenset({1}))) == full


def test_a_large_offer_fits_a_message() -> None:
    """100 participants with camera and microphone: 200 m-lines in one message of 256 KiB."""
    sections = [offered(str(index), Kind.VIDEO if index % 2 else Kind.AUDIO) for index in range(200)]
    codecs = SubscriberCodecs(frozenset({111}), frozenset({96, 98, 45, 102}))
    assert len(str(_offer(sections))) < 256 * 1024
    short = _offer(sections, codecs)
    assert len(str(short)) < 180_000
    assert max(len("\r\n".join(media.lines())) for media in short.media[1:]) <= 1200


@pytest.mark.parametrize("sections", [[], [offered("1"), offered("1")]])
def test_an_offer_without_m_lines_or_with_one_mid_twice_is_the_callers_error(
    sections: list[OfferedSection],
) -> None:
    with pytest.raises(LocalProtocolError, match="at least one section, each with a mid of its own"):
        _offer(sections)
