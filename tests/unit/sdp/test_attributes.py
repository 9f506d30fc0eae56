from tests.unit.sdp.recordings import recorded
from visavis.dataplane.commands import Fingerprint
from visavis.sdp import (
    Candidate,
    Direction,
    ExtMap,
    Flag,
    Group,
    IceOptions,
    IcePwd,
    IceUfrag,
    MaxMessageSize,
    Msid,
    Rid,
    RtpCodec,
    SctpPort,
    Setup,
    Simulcast,
    SimulcastRid,
    Ssrc,
    SsrcGroup,
    parse,
    parse_candidate,
)

OFFER = parse(recorded("chromium-156-av-data-offer"))
AUDIO, VIDEO, DATA = OFFER.media


def test_ice_options_with_commas_between_them_are_read_too() -> None:
    """libdatachannel writes them so, and its descriptions were refused."""
    session = parse("v=0\r\no=rtc 1 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-options:ice2,trickle\r\n")
    assert session.first(IceOptions) == IceOptions(("ice2", "trickle"))


def test_a_media_description_names_its_transport() -> None:
    assert OFFER.bundle == Group("BUNDLE", ("0", "1", "2"))
    assert (AUDIO.kind, AUDIO.port, AUDIO.protocol, AUDIO.mid) == ("audio", 46192, "UDP/TLS/RTP/SAVPF", "0")
    assert AUDIO.first(IceUfrag) == IceUfrag("9NCb")
    assert AUDIO.first(IcePwd) == IcePwd("1yySvL1FDGmZrWUyyGM/DqHI")
    assert AUDIO.first(IceOptions) == IceOptions(("trickle",))
    assert AUDIO.first(Setup) is Setup.ACTPASS
    assert AUDIO.has(Flag.RTCP_MUX)
    assert not AUDIO.has(Flag.BUNDLE_ONLY)
    fingerprint = AUDIO.first(Fingerprint)
    assert fingerprint is not None
    assert (fingerprint.algorithm, fingerprint.digest[:3].hex()) == ("sha-256", "46d9b3")


def test_a_password_stays_out_of_what_a_log_shows() -> None:
    assert "1yySvL1FDGmZrWUyyGM" not in repr(OFFER)


def test_a_codec_is_one_thing_with_its_parameters_and_feedback() -> None:
    h264 = next(codec for codec in VIDEO.codecs if codec.payload_type == 108)
    assert h264 == RtpCodec(
        108,
        "H264",
        90000,
        1,
        {"level-asymmetry-allowed": "1", "packetization-mode": "1", "profile-level-id": "42e01f"},
        ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"),
    )
    assert AUDIO.codecs[0].channels == 2
    assert [codec.payload_type for codec in VIDEO.codecs] == list(VIDEO.payload_types)


def test_parameters_that_are_no_pairs_are_kept_as_names() -> None:
    red = next(codec for codec in AUDIO.codecs if codec.name == "red")
    assert red.parameters == {"111/111": ""}


def test_feedback_for_all_formats_is_each_codecs() -> None:
    text = recorded("chromium-156-av-data-offer").replace("a=rtcp-fb:111 transport-cc", "a=rtcp-fb:* nack")
    assert all("nack" in codec.feedback for codec in parse(text).media[0].codecs)


def test_sources_and_their_groups_are_read() -> None:
    assert VIDEO.every(SsrcGroup) == (SsrcGroup("FID", (3297444293, 321362483)),)
    assert VIDEO.every(Ssrc)[0] == Ssrc(3297444293, "cname", "d/YWcwhcWRnEqTK4")
    assert VIDEO.first(Msid) == Msid(
        "c76fdcdb-b483-474e-a90c-6392221578f9", "e0b8bc6f-eddf-47c2-95ca-2775091de781"
    )


def test_extensions_keep_their_direction() -> None:
    audio = parse(recorded("firefox-153-av-data-offer")).media[0]
    assert ExtMap(2, "urn:ietf:params:rtp-hdrext:csrc-audio-level", "recvonly") in audio.every(ExtMap)


def test_a_data_channel_line_is_read() -> None:
    assert DATA.formats == ("webrtc-datachannel",)
    assert DATA.first(SctpPort) == SctpPort(5000)
    assert DATA.first(MaxMessageSize) == MaxMessageSize(262144)
    assert DATA.codecs == ()


def test_simulcast_streams_have_alternatives_and_may_be_paused() -> None:
    video = parse(recorded("firefox-153-simulcast-offer").replace("send q;h;f", "send q,~h;f recv f")).media[
        0
    ]
    assert video.first(Rid) == Rid("q", "send")
    assert video.first(Simulcast) == Simulcast(
        send=((SimulcastRid("q"), SimulcastRid("h", paused=True)), (SimulcastRid("f"),)),
        recv=((SimulcastRid("f"),),),
    )


def test_a_direction_of_the_session_is_that_of_m_lines_without_one() -> None:
    offer = parse(recorded("firefox-153-recvonly-offer"))
    assert offer.direction(offer.media[0]) is Direction.RECVONLY
    silent = parse(recorded("firefox-153-data-only-offer").replace("a=sendrecv", "a=sendonly", 1))
    assert silent.direction(parse(recorded("chromium-156-data-only-offer")).media[0]) is Direction.SENDONLY


def test_a_candidate_of_javascript_is_read_and_written() -> None:
    text = "1 1 udp 2122194687 8d2f0a6e.local 46192 typ host generation 0 ufrag abcd network-cost 999"
    candidate = parse_candidate(f"candidate:{text}")
    assert candidate == Candidate(
        foundation="1",
        component=1,
        transport="udp",
        priority=2122194687,
        address="8d2f0a6e.local",
        port=46192,
        type="host",
        extensions=(("generation", "0"), ("ufrag", "abcd"), ("network-cost", "999")),
    )
    assert str(candidate) == text


def test_a_reflexive_candidate_names_what_it_was_reflected_from() -> None:
    candidate = parse_candidate(
        "candidate:7 1 udp 1686052607 203.0.113.5 4444 typ srflx raddr 192.0.2.2 rport 9"
    )
    assert (candidate.related_address, candidate.related_port) == ("192.0.2.2", 9)
