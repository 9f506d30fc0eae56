import pytest

from visavis.dataplane.commands import Kind
from visavis.errors import DOMException, RangeError
from visavis.rtc import RTCRtpCodec, RTCRtpEncodingParameters
from visavis.rtc.encodings import initial, renegotiated
from visavis.rtc.parameters import codecs_match

VP8 = RTCRtpCodec("video/VP8", 90_000)


def encodings(
    *requested: RTCRtpEncodingParameters, kind: Kind = Kind.VIDEO
) -> list[RTCRtpEncodingParameters]:
    return initial(requested, kind, implemented=[VP8], most=3)


def rids(*names: str) -> list[RTCRtpEncodingParameters]:
    return [RTCRtpEncodingParameters(name) for name in names]


def test_simulcast_encodings_are_halved_down_to_the_last() -> None:
    made = encodings(*rids("a", "b", "c"))
    assert [one.scaleResolutionDownBy for one in made] == [4, 2, 1]


def test_one_scale_that_is_asked_for_makes_the_others_one() -> None:
    made = encodings(RTCRtpEncodingParameters("a", scaleResolutionDownBy=3), RTCRtpEncodingParameters("b"))
    assert [one.scaleResolutionDownBy for one in made] == [3, 1]


def test_more_encodings_than_can_be_are_cut_and_a_single_one_has_no_rid() -> None:
    assert [one.rid for one in encodings(*rids("a", "b", "c", "d"))] == ["a", "b", "c"]
    assert [one.rid for one in encodings(*rids("a"))] == [None]
    audio = encodings(*rids("a", "b"), kind=Kind.AUDIO)
    assert [(one.rid, one.scaleResolutionDownBy) for one in audio] == [(None, None)]


@pytest.mark.parametrize(
    ("requested", "error"),
    [
        (rids("a", "a"), TypeError),
        ([*rids("a"), RTCRtpEncodingParameters()], TypeError),
        (rids("a-b"), TypeError),
        (rids(""), TypeError),
        (rids("a" * 17), TypeError),
        ([RTCRtpEncodingParameters(scaleResolutionDownBy=0.5)], RangeError),
        ([RTCRtpEncodingParameters(maxFramerate=-1)], RangeError),
        ([RTCRtpEncodingParameters(codec=RTCRtpCodec("video/none", 90_000))], DOMException),
    ],
)
def test_impossible_encodings_are_refused(
    requested: list[RTCRtpEncodingParameters], error: type[Exception]
) -> None:
    with pytest.raises(error):
        encodings(*requested)


def test_a_peers_offer_makes_one_encoding_many_and_a_rollback_brings_it_back() -> None:
    one = encodings()
    many = renegotiated(one, one, ("hi", "lo"), Kind.VIDEO)
    assert [(encoding.rid, encoding.scaleResolutionDownBy) for encoding in many] == [("hi", 2), ("lo", 1)]
    assert renegotiated(many, one, (None,), Kind.VIDEO) is one


def test_an_answer_prunes_encodings_and_keeps_what_was_set() -> None:
    many = encodings(*rids("a", "b", "c"))
    many[2].maxBitrate = 7
    assert renegotiated(many, None, ("a", "c"), Kind.VIDEO) == [many[0], many[2]]


def test_codecs_match_by_all_their_members() -> None:
    h264 = RTCRtpCodec("video/H264", 90_000, sdpFmtpLine="packetization-mode=1;level-asymmetry-allowed=1")
    other = RTCRtpCodec("video/h264", 90_000, sdpFmtpLine="level-asymmetry-allowed=1;packetization-mode=1")
    assert codecs_match(h264, other)
    other.sdpFmtpLine = "packetization-mode=0"
    assert not codecs_match(h264, other, ignore_asymmetrical_parameters=True)
    other.sdpFmtpLine = "packetization-mode=1"
    assert not codecs_match(h264, other)
    assert codecs_match(h264, other, ignore_asymmetrical_parameters=True)
    assert not codecs_match(VP8, RTCRtpCodec("video/VP8", 90_000, 1))
    assert not codecs_match(VP8, RTCRtpCodec("video/VP8", 90_000, sdpFmtpLine="max-fr=30"))
