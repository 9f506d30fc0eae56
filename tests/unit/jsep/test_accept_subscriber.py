"""Answers of browsers to `OFFER` and `AGAIN`, recorded, and what may be wrong with an answer."""

from pathlib import Path

import pytest

from tests.unit.jsep.transports import LOCAL, offered
from visavis.dataplane.commands import Codec, DtlsRole, Extension, Kind
from visavis.errors import IncompatibleError, SdpError
from visavis.jsep import SubscriberCodecs, accept_subscriber, offer_subscriber
from visavis.sdp import parse

SECTIONS = [offered("0", Kind.AUDIO), offered("1"), offered("2")]
OFFER = offer_subscriber(SECTIONS, LOCAL, session_id=1, session_version=1)
AGAIN = offer_subscriber([*SECTIONS[:2], offered("2", active=False)], LOCAL, session_id=1, session_version=2)


def _recorded(name: str) -> str:
    return (Path(__file__).parent / "recorded" / f"{name}.sdp").read_bytes().decode()


CHROMIUM = _recorded("chromium-156-answer-first")
FIREFOX = _recorded("firefox-153-answer-first")


@pytest.mark.parametrize(
    ("text", "ufrag", "video"),
    [(CHROMIUM, "a=ice-ufrag:", {96, 98, 45, 102}), (FIREFOX, "a=ice-ufrag:", {96, 98, 45})],
    ids=["chromium", "firefox"],
)
def test_a_browsers_answer_says_what_it_takes(text: str, ufrag: str, video: set[int]) -> None:
    answer = accept_subscriber(OFFER, parse(text))
    assert f"{ufrag}{answer.remote.ufrag}\r\n" in text
    assert answer.remote.role is DtlsRole.SERVER
    assert [(one.mid, one.kind, one.accepted) for one in answer.sections] == [
        ("0", Kind.AUDIO, True),
        ("1", Kind.VIDEO, True),
        ("2", Kind.VIDEO, True),
    ]
    assert answer.codecs == SubscriberCodecs(frozenset({111}), frozenset(video))
    for codec in answer.sections[1].codecs:
        assert codec.rtx_payload_type == codec.payload_type + 1
        assert (codec.nack, codec.pli, codec.fir, codec.transport_cc) == (True,) * 4


def test_only_extensions_that_the_answer_names_are_agreed() -> None:
    chromium, firefox = (accept_subscriber(OFFER, parse(text)) for text in (CHROMIUM, FIREFOX))
    assert chromium.extensions == {
        1: Extension.MID,
        2: Extension.TRANSPORT_CC,
        3: Extension.ABS_SEND_TIME,
        4: Extension.AUDIO_LEVEL,
        5: Extension.VIDEO_ORIENTATION,
        6: Extension.PLAYOUT_DELAY,
        7: Extension.DEPENDENCY_DESCRIPTOR,
    }
    assert sorted(firefox.extensions) == [1, 2, 3, 4, 6]
    assert sorted(firefox.sections[0].extensions) == [1, 2, 4]


def test_extensions_that_are_not_received_or_renumbered_are_not_agreed() -> None:
    text = FIREFOX.replace("a=extmap:6/recvonly", "a=extmap:6/inactive").replace("a=extmap:3 ", "a=extmap:9 ")
    assert sorted(accept_subscriber(OFFER, parse(text)).sections[1].extensions) == [1, 2]


def test_long_extensions_need_a_peer_that_takes_both_forms() -> None:
    answer = accept_subscriber(OFFER, parse(CHROMIUM.replace("a=extmap-allow-mixed\r\n", "")))
    assert sorted(answer.extensions) == [1, 2, 3, 4, 5, 6]
    assert 7 not in answer.sections[1].extensions


@pytest.mark.parametrize("name", ["chromium-156-answer-waiting", "firefox-153-answer-waiting"])
def test_a_waiting_m_line_is_not_accepted_and_keeps_its_codecs(name: str) -> None:
    answer = accept_subscriber(AGAIN, parse(_recorded(name)))
    assert [one.accepted for one in answer.sections] == [True, True, False]
    assert answer.sections[2].codecs


def test_a_format_stays_what_was_offered_under_its_number() -> None:
    """Chromium has answered AV1 without a level with `profile=5;tier=0`, which is no profile."""
    text = CHROMIUM.replace("a=fmtp:45 level-idx=5;profile=0;tier=0", "a=fmtp:45 profile=5;tier=0")
    assert "profile=5" in text
    answer = accept_subscriber(OFFER, parse(text))
    av1 = next(codec for codec in answer.sections[1].codecs if codec.name is Codec.AV1)
    assert av1.parameters["profile"] == "0"


def test_a_number_that_means_something_else_in_the_answer_is_no_codec() -> None:
    text = CHROMIUM.replace("a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP9/90000")
    numbers = [codec.payload_type for codec in accept_subscriber(OFFER, parse(text)).sections[1].codecs]
    assert numbers == [98, 45, 102]


def test_rtx_under_another_number_is_not_agreed() -> None:
    text = CHROMIUM.replace("a=fmtp:97 apt=96", "a=fmtp:97 apt=98").replace(
        "a=fmtp:99 apt=98", "a=fmtp:99 apt=96"
    )
    repairs = [codec.rtx_payload_type for codec in accept_subscriber(OFFER, parse(text)).sections[1].codecs]
    assert repairs == [None, None, 46, 103]


def test_a_refused_m_line_is_not_accepted() -> None:
    head, audio, first, second = CHROMIUM.split("m=")
    refused = first.replace("video 9", "video 0")
    text = "m=".join([head.replace("BUNDLE 0 1 2", "BUNDLE 0 2"), audio, refused, second])
    answer = accept_subscriber(OFFER, parse(text))
    assert [one.accepted for one in answer.sections] == [True, False, True]
    assert (answer.sections[1].codecs, answer.sections[1].extensions) == ((), {})


def test_an_m_line_that_leaves_the_bundle_counts_as_refused() -> None:
    """Firefox reads no more than 128 names of a BUNDLE group, and takes the m-lines after them out of it."""
    answer = accept_subscriber(OFFER, parse(CHROMIUM.replace("BUNDLE 0 1 2", "BUNDLE 0 1")))
    assert [one.accepted for one in answer.sections] == [True, True, False]
    assert answer.sections[2].codecs == ()


def test_a_passive_subscriber_makes_us_the_dtls_client() -> None:
    answer = accept_subscriber(OFFER, parse(CHROMIUM.replace("a=setup:active", "a=setup:passive")))
    assert answer.remote.role is DtlsRole.CLIENT


def test_what_several_answers_accept_adds_up() -> None:
    one = SubscriberCodecs(frozenset({111}), frozenset({96}))
    other = SubscriberCodecs(frozenset(), frozenset({98}))
    assert one | other == SubscriberCodecs(frozenset({111}), frozenset({96, 98}))


def test_a_subscriber_that_takes_nothing_is_incompatible() -> None:
    text = CHROMIUM.replace("BUNDLE 0 1 2", "BUNDLE")
    for kind in ("audio", "video"):
        text = text.replace(f"m={kind} 9", f"m={kind} 0")
    with pytest.raises(IncompatibleError, match="takes none of the m-lines: no codec in common"):
        accept_subscriber(OFFER, parse(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CHROMIUM[: CHROMIUM.rindex("m=")], "the answer has 2 m-lines, the offer 3"),
        (
            CHROMIUM.replace("m=audio", "m=video"),
            "m-line 1 (video, mid 0) of the answer is audio in the offer",
        ),
        (
            CHROMIUM.replace("a=mid:1", "a=mid:8").replace("BUNDLE 0 1", "BUNDLE 0 8"),
            "m-line 2 (video, mid 8) of the answer has mid 1 in the offer",
        ),
        (
            CHROMIUM.replace("UDP/TLS/RTP/SAVPF 111", "RTP/AVP 111"),
            "m-line 1 (audio, mid 0) of the answer speaks another protocol than UDP/TLS/RTP/SAVPF",
        ),
        (
            CHROMIUM.replace("a=group:BUNDLE 0 1 2\r\n", ""),
            "no a=group:BUNDLE: all m-lines have to share one transport here (RFC 8843)",
        ),
        (
            CHROMIUM.replace("a=rtcp-mux\r\n", ""),
            "m-line 1 (audio, mid 0) lacks a=rtcp-mux: RTP and RTCP share one port here (RFC 5761)",
        ),
        (
            CHROMIUM.replace("a=setup:active", "a=setup:actpass"),
            "the answer has a=setup:actpass, and an answer has to choose (RFC 8842 section 5.3)",
        ),
        (
            CHROMIUM.replace("a=setup:active\r\n", ""),
            "m-line 1 (audio, mid 0) lacks a=setup (RFC 8842 section 5)",
        ),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_its_reason(text: str, message: str) -> None:
    with pytest.raises(SdpError) as caught:
        accept_subscriber(OFFER, parse(text))
    assert str(caught.value) == message
