import pytest

from visavis.rtc import RTCIceCandidate, RTCLocalIceCandidateInit

UDP = (
    "candidate:1905690388 1 udp 2113937151 192.0.2.1 58041 typ srflx raddr 10.0.0.1 rport 9"
    " generation 0 ufrag x"
)


def test_the_fields_of_a_well_formed_candidate_are_attributes() -> None:
    candidate = RTCIceCandidate({"candidate": UDP, "sdpMid": "0", "usernameFragment": "x"})
    assert candidate.foundation == "1905690388"
    assert (candidate.component, candidate.protocol, candidate.type) == ("rtp", "udp", "srflx")
    assert (candidate.priority, candidate.address, candidate.port) == (2113937151, "192.0.2.1", 58041)
    assert (candidate.relatedAddress, candidate.relatedPort, candidate.tcpType) == ("10.0.0.1", 9, None)


def test_tcp_candidates_say_who_opens_the_connection() -> None:
    text = "candidate:1 2 TCP 1 2001:db8::1 9 typ host tcptype active"
    candidate = RTCIceCandidate({"candidate": text, "sdpMLineIndex": 0})
    assert (candidate.component, candidate.protocol, candidate.tcpType) == ("rtcp", "tcp", "active")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "candidate:1 1 udp",
        "candidate:1 1 sctp 1 192.0.2.1 1 typ host",
        "candidate:1 3 udp 1 192.0.2.1 1 typ host",
        "candidate:1 1 udp 1 192.0.2.1 1 typ other",
        "candidate:1 1 tcp 1 192.0.2.1 1 typ host tcptype odd",
    ],
)
def test_what_is_not_well_formed_is_kept_and_has_no_fields(text: str) -> None:
    candidate = RTCIceCandidate({"candidate": text, "sdpMid": "0"})
    assert candidate.candidate == text
    assert candidate.foundation is None
    assert candidate.component is None
    assert candidate.tcpType is None


def test_a_candidate_without_an_m_line_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        RTCIceCandidate({"candidate": UDP})


def test_only_what_is_to_be_signaled_is_in_the_json() -> None:
    init = RTCLocalIceCandidateInit(UDP, "0", 0, "x", url="stun:stun.example.org")
    candidate = RTCIceCandidate(init)
    assert candidate.url == "stun:stun.example.org"
    assert candidate.toJSON() == {
        "candidate": UDP,
        "sdpMid": "0",
        "sdpMLineIndex": 0,
        "usernameFragment": "x",
    }
