from dataclasses import replace

import pytest

from tests.unit.jsep.transports import HOST, HOST_IP6, LOCAL
from tests.unit.sdp.recordings import names, recorded
from visavis.dataplane.commands import Codec, DtlsRole, Extension, Fingerprint, Kind
from visavis.jsep import PublisherAnswer, answer_publisher, read_publisher
from visavis.jsep.codecs import MAX_CODECS
from visavis.sdp import (
    Candidate,
    Direction,
    ExtMap,
    Flag,
    Group,
    IceOptions,
    IceUfrag,
    Rid,
    RtcpFeedback,
    RtpMap,
    Setup,
    Simulcast,
    SimulcastRid,
    Ssrc,
    parse,
)


def _answered(text: str, role: DtlsRole | None = None) -> PublisherAnswer:
    return answer_publisher(read_publisher(parse(text)), LOCAL, session_id=77, session_version=5, role=role)


@pytest.mark.parametrize("name", [name for name in names() if name.endswith("-offer")])
def test_every_recorded_offer_gets_an_answer_that_mirrors_it(name: str) -> None:
    offer = parse(recorded(name))
    answer = _answered(recorded(name)).description
    assert parse(str(answer)) == answer
    assert answer.bundle is not None
    assert offer.bundle is not None
    assert [(one.kind, one.mid, one.protocol) for one in answer.media] == [
        (one.kind, one.mid, one.protocol) for one in offer.media
    ]
    live = tuple(one.mid for one in answer.media if one.port)
    assert set(answer.bundle.mids) == set(live) <= set(offer.bundle.mids)
    for asked, given in zip(offer.media, answer.media, strict=True):
        assert set(given.formats) <= set(asked.formats)
        assert not given.every(Ssrc)
        if given.port:
            assert given.has(Flag.RTCP_MUX)
            assert given.first(Direction) in (Direction.RECVONLY, Direction.INACTIVE)
            assert {(line.id, line.uri) for line in given.every(ExtMap)} <= {
                (line.id, line.uri) for line in asked.every(ExtMap)
            }


def test_reduced_size_rtcp_is_agreed_to_where_every_m_line_of_the_transport_has_it() -> None:
    offer = recorded("chromium-156-av-data-offer")
    answer = _answered(offer)
    assert answer.reduced_size_rtcp
    assert [media.has(Flag.RTCP_RSIZE) for media in answer.description.media if media.port] == [True, True]
    assert not _answered(offer.replace("a=rtcp-rsize\r\n", "", 1)).reduced_size_rtcp
    assert not _answered(offer.replace("a=rtcp-rsize\r\n", "")).reduced_size_rtcp


def test_the_answer_describes_our_transport_once() -> None:
    answer = _answered(recorded("chromium-156-av-data-offer")).description
    assert answer.origin.session_id == 77
    assert answer.origin.session_version == 5
    assert answer.has(Flag.ICE_LITE)
    assert answer.first(IceUfrag) == IceUfrag("srvr")
    assert answer.first(Fingerprint) == LOCAL.fingerprint
    assert answer.first(Setup) is Setup.PASSIVE
    assert answer.media[0].every(Candidate) == (HOST_IP6, HOST)
    assert answer.media[0].has(Flag.END_OF_CANDIDATES)
    assert not answer.media[1].every(Candidate)
    assert {(one.port, str(one.connection)) for one in answer.media[:2]} == {(3478, "IN IP4 198.51.100.7")}


def test_ice_options_and_mixed_extensions_are_answered_where_offered() -> None:
    text = recorded("chromium-156-av-data-offer")
    answer = _answered(text).description
    assert answer.first(IceOptions) == IceOptions(("trickle",))
    assert answer.has(Flag.EXTMAP_ALLOW_MIXED)
    bare = text.replace("a=ice-options:trickle\r\n", "").replace("a=extmap-allow-mixed\r\n", "")
    answer = _answered(bare).description
    assert answer.first(IceOptions) is None
    assert not answer.has(Flag.EXTMAP_ALLOW_MIXED)


def test_a_data_channel_line_is_refused_and_leaves_the_bundle() -> None:
    answer = _answered(recorded("chromium-156-av-data-offer"))
    data = answer.description.media[2]
    assert (data.port, data.mid, data.formats) == (0, "2", ("webrtc-datachannel",))
    assert answer.description.bundle == Group("BUNDLE", ("0", "1"))
    assert [section.mid for section in answer.sections] == ["0", "1"]


def test_an_offer_of_data_alone_is_answered_with_nothing_in_use() -> None:
    answer = _answered(recorded("firefox-153-data-only-offer"))
    assert answer.sections == ()
    assert answer.description.bundle == Group("BUNDLE", ())
    assert [one.port for one in answer.description.media] == [0]


def test_opus_is_taken_with_its_feedback_and_parameters_and_nothing_else() -> None:
    answer = _answered(recorded("firefox-153-av-data-offer"))
    audio = answer.description.media[0]
    assert audio.formats == ("109",)
    assert audio.codecs[0].feedback == ("transport-cc",)
    assert dict(audio.codecs[0].parameters) == {"stereo": "1", "useinbandfec": "1"}
    section = answer.sections[0]
    assert (section.kind, section.codecs[0].name, section.codecs[0].mime) == (
        Kind.AUDIO,
        Codec.OPUS,
        "audio/opus",
    )
    assert section.codecs[0].parameters["maxplaybackrate"] == "48000"


def test_video_codecs_keep_the_publishers_order_with_rtx_and_our_feedback() -> None:
    answer = _answered(recorded("chromium-156-av-data-offer"))
    section = answer.sections[1]
    found = [(codec.name, codec.payload_type, codec.rtx_payload_type) for codec in section.codecs]
    assert found == [
        (Codec.VP8, 96, 97),
        (Codec.H264, 108, 109),
        (Codec.H264, 102, 103),
        (Codec.H264, 104, 107),
        (Codec.H264, 114, 115),
        (Codec.H264, 116, 117),
        (Codec.H264, 39, 40),
        (Codec.AV1, 45, 46),
        (Codec.VP9, 98, 99),
        (Codec.VP9, 100, 101),
    ]
    assert all((one.nack, one.pli, one.fir, one.transport_cc) == (True,) * 4 for one in section.codecs)
    video = answer.description.media[1]
    feedback = [one.value for one in video.every(RtcpFeedback) if one.payload_type == 96]
    assert feedback == ["transport-cc", "ccm fir", "nack", "nack pli"]
    assert {codec.name for codec in video.codecs} == {"VP8", "H264", "AV1", "VP9", "rtx"}


def test_safaris_first_h264_becomes_the_profile_that_all_decode() -> None:
    section = _answered(recorded("after-safari-18-layout-av-offer")).sections[1]
    assert [codec.payload_type for codec in section.codecs[:2]] == [98, 96]
    assert section.codecs[0].parameters["profile-level-id"] == "42e01f"
    assert "h265" not in {codec.name for codec in section.codecs}


def test_video_is_asked_to_start_with_a_picture_worth_seeing_and_sound_is_not() -> None:
    audio, video = _answered(recorded("chromium-156-av-data-offer")).description.media[:2]
    asked = {codec.name: "x-google-start-bitrate" in codec.parameters for codec in video.codecs}
    assert not asked.pop("rtx")
    assert set(asked.values()) == {True}
    assert not any("x-google-start-bitrate" in codec.parameters for codec in audio.codecs)


def test_a_firefox_parameter_about_sending_to_it_is_not_turned_against_it() -> None:
    video = _answered(recorded("firefox-153-av-data-offer")).description.media[1]
    assert dict(video.codecs[0].parameters) == {"x-google-start-bitrate": "1500"}


def test_extensions_keep_the_offers_numbers_and_answer_directions() -> None:
    answer = _answered(recorded("firefox-153-simulcast-offer"))
    assert answer.extensions == {
        3: Extension.MID,
        4: Extension.ABS_SEND_TIME,
        5: Extension.TRANSMISSION_OFFSET,
        7: Extension.TRANSPORT_CC,
        8: Extension.DEPENDENCY_DESCRIPTOR,
        9: Extension.RID,
        10: Extension.REPAIRED_RID,
    }
    directions = {line.id: line.direction for line in answer.description.media[0].every(ExtMap)}
    assert directions == {3: None, 4: None, 5: None, 7: None, 8: "recvonly", 9: "recvonly", 10: "recvonly"}


def test_extension_ids_that_fit_no_packet_are_left_out() -> None:
    text = recorded("chromium-156-audio-only-sendrecv-offer").replace("a=extmap:2 ", "a=extmap:4096 ")
    assert Extension.ABS_SEND_TIME not in _answered(text).extensions.values()


@pytest.mark.parametrize(
    ("name", "rids"),
    [
        ("chromium-156-simulcast-offer", ("q", "h", "f")),
        ("firefox-153-simulcast-offer", ("q", "h", "f")),
        ("after-safari-17-layout-simulcast-offer", ("l", "m", "h")),
    ],
)
def test_simulcast_is_received_as_it_is_sent(name: str, rids: tuple[str, ...]) -> None:
    answer = _answered(recorded(name))
    video = answer.description.media[0]
    assert answer.sections[0].rids == rids
    assert video.every(Rid) == tuple(Rid(rid, "recv") for rid in rids)
    assert video.first(Simulcast) == Simulcast(recv=tuple((SimulcastRid(rid),) for rid in rids))


def test_of_simulcast_alternatives_the_first_described_is_taken() -> None:
    text = recorded("chromium-156-simulcast-offer").replace("send q;h;f", "send x,q;~h,f;h;gone")
    answer = _answered(text)
    assert answer.sections[0].rids == ("q", "h")
    assert answer.description.media[0].first(Simulcast) == Simulcast(
        recv=((SimulcastRid("q"),), (SimulcastRid("h"),))
    )


def test_restrictions_of_a_rid_stay_without_its_payload_types() -> None:
    text = recorded("chromium-156-simulcast-offer").replace(
        "a=rid:q send", "a=rid:q send pt=96;max-width=320"
    )
    video = _answered(text).description.media[0]
    assert video.every(Rid)[0] == Rid("q", "recv", "max-width=320")


def test_sources_are_paired_with_their_repairs() -> None:
    assert _answered(recorded("firefox-153-simulcast-offer")).sections[0].ssrcs == (
        (4151990367, 102782968),
        (1487952191, 1926283368),
        (1676632515, 1315683334),
    )
    audio, video = _answered(recorded("chromium-156-av-data-offer")).sections
    assert audio.ssrcs == ((3611711039, None),)
    assert video.ssrcs == ((3297444293, 321362483),)
    assert video.msid == "c76fdcdb-b483-474e-a90c-6392221578f9 e0b8bc6f-eddf-47c2-95ca-2775091de781"


@pytest.mark.parametrize("name", ["chromium-156-recvonly-offer", "firefox-153-recvonly-offer"])
def test_where_the_peer_does_not_send_the_answer_is_inactive(name: str) -> None:
    answer = _answered(recorded(name))
    assert [one.first(Direction) for one in answer.description.media] == [Direction.INACTIVE] * 2
    assert all(one.port for one in answer.description.media)
    assert [(one.active, one.ssrcs, one.rids) for one in answer.sections] == [(False, (), ())] * 2


def test_a_stopped_m_line_keeps_its_place_and_the_next_one_speaks_for_the_transport() -> None:
    answer = _answered(recorded("chromium-156-renegotiated-add-recvonly-stop-audio-offer"))
    assert [one.port for one in answer.description.media] == [0, 3478, 0, 3478]
    assert answer.description.bundle == Group("BUNDLE", ("1", "3"))
    assert [(one.mid, one.active, bool(one.codecs)) for one in answer.sections] == [
        ("0", False, False),
        ("1", True, True),
        ("3", False, True),
    ]
    assert answer.description.media[1].every(Candidate)


def test_an_m_line_that_exists_only_bundled_is_in_use_in_spite_of_port_0() -> None:
    text = recorded("firefox-153-renegotiated-add-recvonly-offer")
    assert parse(text).media[3].port == 0
    answer = _answered(text.replace("a=bundle-only\r\na=recvonly", "a=bundle-only\r\na=sendonly"))
    assert answer.description.media[3].port == 3478
    assert answer.sections[-1].active


def test_a_reused_m_line_answers_to_its_new_mid() -> None:
    text = recorded("chromium-156-av-data-offer").replace("a=mid:0\r\n", "a=mid:7\r\n")
    answer = _answered(text.replace("BUNDLE 0 1 2", "BUNDLE 7 1 2"))
    assert [section.mid for section in answer.sections] == ["7", "1"]
    assert answer.description.bundle == Group("BUNDLE", ("7", "1"))


def test_an_m_line_outside_of_the_bundle_is_refused() -> None:
    answer = _answered(recorded("chromium-156-av-data-offer").replace("BUNDLE 0 1 2", "BUNDLE 0 2"))
    assert [one.port for one in answer.description.media] == [3478, 0, 0]
    assert answer.sections[1].codecs == ()


def test_an_m_line_without_a_codec_in_common_or_with_another_protocol_is_refused() -> None:
    text = recorded("chromium-156-av-data-offer").replace("opus/48000/2", "speex/48000/2")
    assert [one.port for one in _answered(text).description.media] == [0, 3478, 0]
    text = recorded("chromium-156-av-data-offer").replace(
        "audio 46192 UDP/TLS/RTP/SAVPF", "audio 46192 RTP/AVP"
    )
    assert [one.port for one in _answered(text).description.media] == [0, 3478, 0]


@pytest.mark.parametrize(
    ("setup", "established", "role", "answered"),
    [
        ("actpass", None, DtlsRole.SERVER, Setup.PASSIVE),
        ("active", None, DtlsRole.SERVER, Setup.PASSIVE),
        ("passive", None, DtlsRole.CLIENT, Setup.ACTIVE),
        ("actpass", DtlsRole.CLIENT, DtlsRole.CLIENT, Setup.ACTIVE),
        ("active", DtlsRole.SERVER, DtlsRole.SERVER, Setup.PASSIVE),
    ],
)
def test_our_dtls_role_follows_from_a_setup_and_stays(
    setup: str, established: DtlsRole | None, role: DtlsRole, answered: Setup
) -> None:
    text = recorded("chromium-156-av-data-offer").replace("setup:actpass", f"setup:{setup}")
    answer = _answered(text, established)
    assert answer.remote.role is role
    assert answer.description.first(Setup) is answered


def test_the_remote_transport_is_that_of_the_bundle() -> None:
    remote = _answered(recorded("firefox-153-av-data-offer")).remote
    assert (remote.ufrag, remote.password) == ("7bc5f98c", "2cfef5f2dd100f86853023514e94a757")
    assert [(one.algorithm, one.digest[:2].hex()) for one in remote.fingerprints] == [("sha-256", "8f35")]


def test_an_m_line_that_leaves_its_transport_to_the_tagged_one_is_taken() -> None:
    """RFC 8843 section 7.1.3: only the tagged m-line has the attributes that all share."""
    head, first, second = recorded("chromium-156-recvonly-offer").split("m=")
    for attribute in ("ice-ufrag", "ice-pwd", "fingerprint", "setup", "rtcp-mux"):
        second = "".join(
            line for line in second.splitlines(keepends=True) if not line.startswith(f"a={attribute}")
        )
    silent_audio = first.replace("opus/48000/2", "speex/48000/2")
    answer = _answered(f"{head}m={silent_audio}m={second}")
    assert [bool(one.port) for one in answer.description.media] == [False, True]
    assert answer.remote.ufrag in first


def test_hash_functions_that_we_do_not_speak_are_left_out() -> None:
    line = f"a=fingerprint:sha-1 {':'.join(['AB'] * 20)}\r\na=setup:actpass"
    text = recorded("chromium-156-audio-only-sendrecv-offer").replace("a=setup:actpass", line)
    assert [one.algorithm for one in _answered(text).remote.fingerprints] == ["sha-256"]


def test_of_very_many_codecs_the_first_are_answered() -> None:
    """An offer of 7,000 formats kept the server busy for a tenth of a second."""
    offer = parse(recorded("chromium-156-audio-only-sendrecv-offer"))
    numbers = range(64, 128)
    formats = tuple(RtpMap(number, "opus", 48000, 2) for number in numbers)
    rest = tuple(one for one in offer.media[0].attributes if not isinstance(one, RtpMap))
    many = replace(offer.media[0], formats=tuple(map(str, numbers)), attributes=(*rest, *formats))
    codecs = _answered(str(replace(offer, media=(many,)))).sections[0].codecs
    assert [codec.payload_type for codec in codecs] == list(numbers[:MAX_CODECS])
