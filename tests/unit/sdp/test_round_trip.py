import pytest

from tests.unit.sdp.recordings import names, recorded
from visavis.sdp import MAX_MEDIA, MediaDescription, Origin, SessionDescription, UnknownAttribute, parse

EVERY_LINE = "\r\n".join(
    [
        "v=0",
        "o=jdoe 2890844526 2890842807 IN IP6 2001:db8::1",
        "s=SDP Seminar",
        "i=A seminar on the session description protocol",
        "u=https://www.example.com/seminars/sdp.pdf",
        "e=j.doe@example.com (Jane Doe)",
        "e=second@example.com",
        "p=+1 617 555-6011",
        "c=IN IP4 233.252.0.1/127",
        "b=X-YZ:128",
        "b=AS:64",
        "t=3034423619 3042462419",
        "r=604800 3600 0 90000",
        "r=7d 1h 0 25h",
        "t=0 0",
        "z=3034423619 -1h 3042462419 0",
        "k=prompt",
        "a=recvonly",
        "a=x-unknown",
        "a=x-unknown:with a value: and more",
        "m=audio 49170/2 RTP/AVP 0",
        "i=the speaker",
        "c=IN IP6 FF15::101/3",
        "b=TIAS:32000",
        "k=clear:none",
        "a=ptime:20",
        "a=maxptime:60",
        "a=rtcp:53020",
        "a=tls-id:abcdefghijklmnopqrst",
        "a=rtcp-mux-only",
        "a=rtcp-fb:* nack",
        "a=extmap:4097/inactive urn:example short",
        "a=msid:stream",
        "a=ssrc:1 cname",
        "a=rid:1 send pt=0;max-width=1280",
        "a=simulcast:send 1,~2;3 recv 4",
        "a=candidate:1 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.1 rport 8998 ufrag abcd",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "a=sctp-port:5000",
        "a=max-message-size:0",
        "",
    ]
)


@pytest.mark.parametrize("name", names())
def test_what_a_browser_wrote_is_written_byte_for_byte(name: str) -> None:
    text = recorded(name)
    assert str(parse(text)) == text


def test_every_kind_of_line_is_written_as_it_was_read() -> None:
    assert str(parse(EVERY_LINE)) == EVERY_LINE


def test_bare_line_feeds_are_read_and_a_last_line_may_lack_its_end() -> None:
    assert str(parse(EVERY_LINE.replace("\r\n", "\n").rstrip("\n"))) == EVERY_LINE


@pytest.mark.parametrize("name", names())
def test_no_attribute_of_a_browser_but_these_is_unknown(name: str) -> None:
    description = parse(recorded(name))
    parts = (description, *description.media)
    unknown = {one.name for part in parts for one in part.every(UnknownAttribute)}
    assert unknown <= {"msid-semantic", "rtcp-xr"}


def test_as_many_m_lines_as_are_allowed_are_read() -> None:
    media = tuple(MediaDescription("audio", 9, "RTP/AVP", ("0",)) for _ in range(MAX_MEDIA))
    description = SessionDescription(Origin("-", 1, 1), media=media)
    assert parse(str(description)) == description
