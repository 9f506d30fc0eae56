import pytest

from tests.unit.jsep.transports import LOCAL, offered
from tests.unit.sdp.recordings import recorded
from visavis.dataplane.commands import Codec, Kind, PayloadMap
from visavis.jsep import NegotiatedCodec, answer_publisher, match_payloads, offer_subscriber, read_publisher
from visavis.jsep.codecs import negotiated_codecs
from visavis.sdp import parse

_ENCODINGS = {
    Codec.OPUS: ("audio/opus", 48000, 2),
    Codec.VP8: ("video/VP8", 90000, 1),
    Codec.VP9: ("video/VP9", 90000, 1),
    Codec.H264: ("video/H264", 90000, 1),
    Codec.AV1: ("video/AV1", 90000, 1),
}


def _codec(name: Codec, payload_type: int, rtx: int | None = None, **parameters: str) -> NegotiatedCodec:
    mime, clock_hz, channels = _ENCODINGS[name]
    written = {key.replace("_", "-"): value for key, value in parameters.items()}
    return NegotiatedCodec(
        name,
        mime,
        payload_type,
        rtx,
        clock_hz,
        channels,
        written,
        nack=True,
        pli=True,
        fir=True,
        transport_cc=True,
    )


def _h264(payload_type: int, profile: str | None, mode: str = "1") -> NegotiatedCodec:
    if profile is None:
        return _codec(Codec.H264, payload_type, packetization_mode=mode)
    return _codec(Codec.H264, payload_type, packetization_mode=mode, profile_level_id=profile)


def test_the_same_codec_is_found_under_other_numbers() -> None:
    published = (_codec(Codec.VP8, 120, 124), _codec(Codec.OPUS, 109))
    subscribed = (_codec(Codec.OPUS, 111), _codec(Codec.VP9, 98, 99), _codec(Codec.VP8, 96, 97))
    assert match_payloads(published, subscribed) == (PayloadMap(120, 96, 97), PayloadMap(109, 111))


def test_a_codec_that_the_subscriber_lacks_has_no_entry() -> None:
    assert match_payloads((_codec(Codec.AV1, 45),), (_codec(Codec.VP8, 96),)) == ()


@pytest.mark.parametrize(
    ("published", "subscribed", "matches"),
    [
        (_codec(Codec.VP9, 1), _codec(Codec.VP9, 2, profile_id="0"), True),
        (_codec(Codec.VP9, 1, profile_id="2"), _codec(Codec.VP9, 2, profile_id="0"), False),
        (_codec(Codec.AV1, 1), _codec(Codec.AV1, 2, profile="0"), True),
        (_codec(Codec.AV1, 1, profile="5"), _codec(Codec.AV1, 2, profile="0"), True),
        (_codec(Codec.AV1, 1, profile="1"), _codec(Codec.AV1, 2, profile="0"), False),
        (_h264(1, "42e01f"), _h264(2, "42e034"), True),
        (_h264(1, "42e01f"), _h264(2, "42001f"), True),
        (_h264(1, "42e01f"), _h264(2, "640c1f"), True),
        (_h264(1, "42001f"), _h264(2, "42e01f"), False),
        (_h264(1, None), _h264(2, "42001f"), True),
        (_h264(1, "4d001f"), _h264(2, "64001f"), True),
        (_h264(1, "64001f"), _h264(2, "4d001f"), False),
        (_h264(1, "4d801f"), _h264(2, "42e01f"), True),
        (_h264(1, "640c1f"), _h264(2, "64001f"), True),
        (_h264(1, "64001f"), _h264(2, "640c1f"), False),
        (_h264(1, "f4001f"), _h264(2, "f4001f"), False),
        (_h264(1, "nonsense"), _h264(2, "nonsense"), False),
        (_h264(1, "42e01f", "0"), _h264(2, "42e01f", "1"), True),
        (_h264(1, "42e01f", "1"), _h264(2, "42e01f", "0"), False),
    ],
)
def test_formats_match_when_what_is_sent_can_be_decoded(
    published: NegotiatedCodec, subscribed: NegotiatedCodec, matches: bool
) -> None:
    assert match_payloads((published,), (subscribed,)) == ((PayloadMap(1, 2),) if matches else ())


def test_of_several_formats_the_closest_is_taken() -> None:
    subscribed = (_h264(1, "64001f"), _h264(2, "42001f"), _h264(3, "42e01f", "0"), _h264(4, "42e01f"))
    assert match_payloads((_h264(9, "42e01f"),), subscribed) == (PayloadMap(9, 4),)
    assert match_payloads((_h264(9, "42e01f", "0"),), subscribed) == (PayloadMap(9, 3),)
    assert match_payloads((_h264(9, "42001f"),), subscribed) == (PayloadMap(9, 2),)


@pytest.mark.parametrize(
    "name",
    ["chromium-156-av-data-offer", "firefox-153-av-data-offer", "after-safari-18-layout-av-offer"],
)
def test_what_a_browser_sends_first_can_be_forwarded_in_our_offers(name: str) -> None:
    answer = answer_publisher(read_publisher(parse(recorded(name))), LOCAL, session_id=1, session_version=1)
    sections = [offered("0", Kind.AUDIO), offered("1")]
    offer = offer_subscriber(sections, LOCAL, session_id=2, session_version=1)
    for section, media in zip(answer.sections, offer.media, strict=True):
        maps = match_payloads(section.codecs, negotiated_codecs(media, section.kind))
        assert section.codecs[0].payload_type in {one.from_payload_type for one in maps}
