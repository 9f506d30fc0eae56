"""An offer that cannot be answered at all is refused with the reason."""

import pytest

from tests.unit.jsep.transports import LOCAL
from tests.unit.sdp.recordings import recorded
from visavis.dataplane.commands import DtlsRole
from visavis.errors import SdpError
from visavis.jsep import answer_publisher, read_publisher
from visavis.sdp import parse

OFFER = recorded("chromium-156-av-data-offer")


def _refusal(text: str, role: DtlsRole | None = None) -> str:
    with pytest.raises(SdpError) as caught:
        answer_publisher(read_publisher(parse(text)), LOCAL, session_id=1, session_version=1, role=role)
    return str(caught.value)


def _without(text: str, start: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(start))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            _without(OFFER, "a=group"),
            "no a=group:BUNDLE: all m-lines have to share one transport here (RFC 8843)",
        ),
        (OFFER.replace("BUNDLE 0 1 2", "BUNDLE"), "a=group:BUNDLE is empty: the offer has no m-line in use"),
        (OFFER.replace("BUNDLE 0 1 2", "BUNDLE 0 9"), "a=group:BUNDLE names mid 9, which no m-line has"),
        (
            OFFER.replace("m=audio 46192", "m=audio 0"),
            "a=group:BUNDLE names mid 0, whose m-line has port 0 and is not bundle-only",
        ),
        (OFFER.replace("a=mid:1", "a=mid:0"), "m-line 2 (video, mid 0) has the mid of an earlier m-line"),
        (
            _without(OFFER, "a=rtcp-mux"),
            "m-line 1 (audio, mid 0) lacks a=rtcp-mux: RTP and RTCP share one port here (RFC 5761)",
        ),
        (_without(OFFER, "a=ice-ufrag"), "m-line 1 (audio, mid 0) lacks a=ice-ufrag (RFC 8839 section 5.4)"),
        (_without(OFFER, "a=ice-pwd"), "m-line 1 (audio, mid 0) lacks a=ice-pwd (RFC 8839 section 5.4)"),
        (
            _without(OFFER, "a=fingerprint"),
            "m-line 1 (audio, mid 0) lacks a=fingerprint: media is only sent over DTLS-SRTP"
            " (RFC 8827 section 6.5)",
        ),
        (
            _without(OFFER, "a=fingerprint").replace(
                "a=setup:actpass", f"a=fingerprint:sha-1 {':'.join(['AB'] * 20)}\r\na=setup:actpass"
            ),
            "m-line 1 (audio, mid 0) has fingerprints by sha-1 only, none by sha-256, sha-384, sha-512",
        ),
        (
            OFFER.replace(
                "a=setup:actpass", f"a=fingerprint:sha-1 {':'.join(['AB'] * 20)}\r\n" * 16 + "a=setup:actpass"
            ),
            "m-line 1 (audio, mid 0) has 17 fingerprints, more than 16",
        ),
        (_without(OFFER, "a=setup"), "m-line 1 (audio, mid 0) lacks a=setup (RFC 8842 section 5)"),
        (
            OFFER.replace("setup:actpass", "setup:holdconn"),
            "m-line 1 (audio, mid 0) has a=setup:holdconn, which opens no DTLS association",
        ),
        (
            OFFER.replace("a=mid:0", "a=mid:" + "m" * 17).replace("BUNDLE 0", "BUNDLE " + "m" * 17),
            f"m-line 1 (audio, mid {'m' * 17}) has a mid longer than 16 characters (RFC 8285 section 4.2)",
        ),
        (
            OFFER.replace(
                "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset",
                "a=extmap:1 urn:ietf:params:rtp-hdrext:toffset",
            ),
            "extension id 1 is both audio-level and transmission-offset",
        ),
    ],
)
def test_an_impossible_offer_is_refused_with_its_reason(text: str, message: str) -> None:
    assert _refusal(text) == message


@pytest.mark.parametrize(("setup", "role"), [("active", DtlsRole.CLIENT), ("passive", DtlsRole.SERVER)])
def test_a_swap_of_dtls_roles_is_refused(setup: str, role: DtlsRole) -> None:
    message = _refusal(OFFER.replace("setup:actpass", f"setup:{setup}"), role)
    assert message == (
        f"m-line 1 (audio, mid 0) has a=setup:{setup}, which would swap the DTLS roles of a live association"
    )


def test_an_offer_of_more_m_lines_than_a_publisher_needs_is_refused() -> None:
    text = OFFER + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n" * 30
    assert _refusal(text) == "the offer has 33 m-lines, more than 32"
