"""What is wrong with a description is said in its message, with the line."""

import pytest

from visavis.errors import SdpError
from visavis.sdp import MAX_BYTES, MAX_CANDIDATES, MAX_LINES, MAX_MEDIA, RtcpFeedback, parse, parse_candidate
from visavis.sdp.parse import MAX_FEEDBACK_FOR_ALL
from visavis.sdp.syntax import MAX_ITEMS

SESSION = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
MEDIA = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\n"
BASE = SESSION + MEDIA  # an attribute after it is on line 7


def _message(text: str) -> str:
    with pytest.raises(SdpError) as caught:
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the description is empty"),
        ("v=0\r\n", "no o= line before the first m-line"),
        (SESSION.replace("v=0", "v=1"), "line 1: version '1' is not 0"),
        (SESSION.replace("v=0\r\n", ""), "no v= line before the first m-line"),
        (SESSION.replace("t=0 0\r\n", "") + MEDIA, "no t= line before the first m-line"),
        (SESSION + "\r\n" + MEDIA, "line 5: '' is not a letter, '=' and a value"),
        (SESSION + "hello\r\n", "line 5: 'hello' is not a letter, '=' and a value"),
        (SESSION + "a=x\0y\r\n", "line 5: a character that no line may have: NUL or CR"),
        (SESSION + "a=x\ry\r\n", "line 5: a character that no line may have: NUL or CR"),
        (SESSION + "a=\ud800\r\n", "line 5: half of a surrogate pair"),
        (SESSION + "x=1\r\n", "line 5: x= has no place in the session part"),
        (BASE + "t=0 0\r\n", "line 7: t= has no place in the media part"),
        (SESSION + "c=IN IP4 0.0.0.0\r\n", "line 5: c= comes after t="),
        (BASE + "a=inactive\r\nc=IN IP4 0.0.0.0\r\n", "line 8: c= comes after a="),
        (SESSION.replace("s=-", "s=-\r\ns=-"), "line 4: a second s= in one session part"),
        (BASE + "c=IN IP4 0.0.0.0\r\n", "line 7: a second c= in one media part"),
        (SESSION.replace("t=0 0", "r=1 2 3\r\nt=0 0"), "line 4: r= comes before any t="),
        (
            SESSION.replace("- 1 2", "- 1"),
            "line 2: o= has 5 fields, not 6: username, session id, session version,",
        ),
        (
            SESSION.replace("- 1 2", "- x 2"),
            "line 2: session id 'x' is no number from 0 to 18446744073709551615",
        ),
        (SESSION.replace("IN IP4", "ATM IP4"), "line 2: network type 'ATM' is not IN"),
        (BASE.replace("IN IP4 0", "ATM IP4 0"), "line 6: network type 'ATM' is not IN"),
        (SESSION.replace("t=0 0", "t=0"), "line 4: t= has 1 fields, not 2: start, stop"),
        (SESSION.replace("t=0", "b=64\r\nt=0"), "line 4: bandwidth '64' is not 'type:number'"),
        (SESSION + "m=audio 9\r\n", "line 5: m-line 'audio 9' is not 'media port protocol formats'"),
        (SESSION + "m=audio 65536 RTP/AVP 0\r\n", "line 5: port '65536' is no number from 0 to 65535"),
        (SESSION + "m=audio 9/0 RTP/AVP 0\r\n", "line 5: number of ports '0' is no number from 1 to 65535"),
        (SESSION + "m=audio 9 RTP/AVP 128\r\n", "line 5: payload type '128' is no number from 0 to 127"),
        (SESSION + "m=audio 9 RTP/AVP 0 ٣\r\n", "line 5: payload type '٣' is no number from 0 to 127"),
        (SESSION + "m=audio 9 RTP/AVP 0 8 0\r\n", "line 5: a format is twice on one m-line"),
    ],
)
def test_a_wrong_line_is_named(text: str, message: str) -> None:
    assert _message(text).startswith(message)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("", "attribute name '' is no token"),
        ("rtcp-mux:yes", "rtcp-mux takes no value, and has 'yes'"),
        ("mid", "mid has no value"),
        ("mid:a b", "mid 'a b' is no token"),
        ("ice-ufrag:abc", "ice-ufrag is not 4 to 256 of A-Z a-z 0-9 + /"),
        ("ice-pwd:tooshort", "ice-pwd is not 22 to 256 of A-Z a-z 0-9 + /"),
        ("ice-options:trickle  ice2", "ice option '' is no token"),
        ("setup:server", "setup 'server' is none of active, passive, actpass, holdconn"),
        ("tls-id:short", "tls-id 'short' is not 20 to 255 of A-Z a-z 0-9 + / - _"),
        ("fingerprint:sha-256", "fingerprint has 1 fields, not 2: hash function, digest"),
        ("fingerprint:sha-256 AB:CD", "fingerprint has 2 bytes, sha-256 makes 32"),
        ("fingerprint:sha-256 AB:C", "fingerprint 'AB:C' is not bytes in hexadecimal with colons between"),
        ("candidate:1 1 udp 1 192.0.2.1 9 host", "candidate '1 1 udp 1 192.0.2.1 9 host' is not 'foundation"),
        ("candidate:- 1 udp 1 192.0.2.1 9 typ host", "candidate foundation '-' is not 1 to 32 of"),
        ("candidate:1 0 udp 1 192.0.2.1 9 typ host", "candidate component '0' is no number from 1 to 256"),
        ("candidate:1 1 udp 4294967296 192.0.2.1 9 typ host", "candidate priority '4294967296' is no number"),
        (
            "candidate:1 1 udp 1 192.0.2.1 70000 typ host",
            "candidate port '70000' is no number from 0 to 65535",
        ),
        (
            "candidate:1 1 udp 1 192.0.2.1 9 typ host generation",
            "candidate extension 'generation' has no value",
        ),
        ("sctp-port:-1", "sctp-port '-1' is no number from 0 to 65535"),
        ("rtpmap:111", "rtpmap has 1 fields, not 2: payload type, encoding"),
        ("rtpmap:111 opus", "rtpmap 'opus' is not 'name/clock rate' or 'name/clock rate/channels'"),
        ("rtpmap:111 opus/0", "clock rate '0' is no number from 1 to 4294967295"),
        ("fmtp:111", "fmtp has no parameters"),
        ("fmtp:300 a=b", "payload type '300' is no number from 0 to 127"),
        ("rtcp-fb:111", "rtcp-fb has no feedback type"),
        ("extmap:1", "extmap '1' is not 'id[/direction] URI [attributes]'"),
        ("extmap:0 urn:x", "extension id '0' is no number from 1 to 4351"),
        ("extmap:1/both urn:x", "extmap '1/both urn:x' is not 'id[/direction] URI [attributes]'"),
        ("msid:a b c", "msid 'a b c' is not 'stream' or 'stream track'"),
        ("ssrc:1", "ssrc '1' has no attribute"),
        ("ssrc:4294967296 cname:x", "SSRC '4294967296' is no number from 0 to 4294967295"),
        ("ssrc-group:FID 1 x", "SSRC 'x' is no number from 0 to 4294967295"),
        ("rid:1 both", "rid direction 'both' is neither 'send' nor 'recv'"),
        ("rid:ä send", "rid 'ä' is not 1 to 255 of A-Z a-z 0-9 _ -"),
        (
            "simulcast:send 1 send 2",
            "simulcast 'send 1 send 2' is not 'send streams', 'recv streams' or both",
        ),
        ("simulcast:send 1;;2", "rid '' is not 1 to 255 of A-Z a-z 0-9 _ -"),
        ("ptime:0", "ptime '0' is no number from 1 to 2147483647"),
        ("simulcast:send " + "1;" * MAX_ITEMS, "simulcast has more than 1024 items"),
        ("simulcast:send " + "1," * MAX_ITEMS, "simulcast stream has more than 1024 items"),
        ("ssrc-group:FID" + " 1" * MAX_ITEMS, "ssrc-group has more than 1024 items"),
        ("group:BUNDLE" + " 1" * MAX_ITEMS, "group has more than 1024 items"),
        ("ice-options:a" + " a" * MAX_ITEMS, "ice-options has more than 1024 items"),
        ("rtcp:9 IN IP4", "rtcp '9 IN IP4' is not 'port' or 'port IN type address'"),
    ],
)
def test_a_wrong_attribute_is_named_with_its_line(attribute: str, message: str) -> None:
    found = _message(f"{BASE}a={attribute}\r\na=inactive\r\n")
    assert found.startswith(f"line 7: {message}")


def test_an_error_carries_its_line() -> None:
    with pytest.raises(SdpError) as caught:
        parse(BASE + "a=mid:\r\n")
    assert caught.value.line == 7


def test_hostile_text_is_cut_and_escaped_in_messages() -> None:
    assert len(_message(BASE + "a=mid:" + "\x1b" * 100_000)) < 400


def test_a_password_is_not_in_the_message_about_it() -> None:
    assert "secret" not in _message(BASE + "a=ice-pwd:secret\r\n")


def test_a_description_of_too_many_bytes_is_refused() -> None:
    assert _message(BASE + "a=x:" + "é" * (MAX_BYTES // 2)) == "the description is larger than 262,144 bytes"


def test_a_description_of_too_many_lines_is_refused() -> None:
    assert _message(BASE + "a=x\n" * MAX_LINES) == "the description has more than 8,192 lines"


def test_feedback_for_all_formats_is_bounded_since_each_format_repeats_it() -> None:
    lines = "a=rtcp-fb:* nack\n" * MAX_FEEDBACK_FOR_ALL
    assert len(parse(BASE + lines).media[0].every(RtcpFeedback)) == MAX_FEEDBACK_FOR_ALL
    assert (
        _message(BASE + lines + "a=rtcp-fb:* ccm fir\n")
        == "line 5: 33 a=rtcp-fb:* of one m-line are more than 32"
    )


def test_too_many_candidates_are_refused_before_any_of_them_is_read() -> None:
    lines = "a=candidate:nonsense\n" * (MAX_CANDIDATES + 1)
    assert _message(BASE + lines) == "line 1007: the m-line has more than 1,000 candidates"


def test_each_m_line_may_have_as_many_candidates() -> None:
    lines = "m=audio 9 RTP/AVP 0\n" + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n" * MAX_CANDIDATES
    assert len(parse(SESSION + lines * 2).media) == 2


def test_a_description_of_too_many_m_lines_is_refused() -> None:
    text = SESSION + "m=audio 9 RTP/AVP 0\r\n" * (MAX_MEDIA + 1)
    assert _message(text) == f"line {MAX_MEDIA + 5}: more than 512 m-lines"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' does not start with 'candidate:'"),
        ("candidate:", "candidate '' is not 'foundation"),
        ("candidate:" + "1" * 2000, "candidate is longer than 1,024 characters"),
    ],
)
def test_a_wrong_candidate_is_refused(text: str, message: str) -> None:
    with pytest.raises(SdpError) as caught:
        parse_candidate(text)
    assert str(caught.value).startswith(message)
