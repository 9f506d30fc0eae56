from visavis.dataplane.commands import Kind
from visavis.jsep import CodecCapability, Format
from visavis.jsep.capabilities import ExtensionCapability
from visavis.jsep.formats import answered_formats, formats_of, offered_formats, received_formats, sent_formats
from visavis.jsep.identity import identity
from visavis.jsep.numbers import Numbers, offered_ids
from visavis.sdp import ExtMap, Fmtp, MediaDescription, RtcpFeedback, RtpMap

VP8 = CodecCapability(Kind.VIDEO, "VP8", 90000, 96, feedback=("nack", "transport-cc"), rtx_payload_type=97)
BASELINE = CodecCapability(
    Kind.VIDEO, "H264", 90000, 102, parameters="packetization-mode=1;profile-level-id=42e01f"
)


def _h264(parameters: str) -> Format:
    return Format(Kind.VIDEO, "H264", 90000, parameters=parameters)


def test_what_makes_a_format_another_one() -> None:
    high = _h264("packetization-mode=1;profile-level-id=64001f")
    assert identity(BASELINE) != identity(high)
    assert identity(BASELINE) != identity(_h264("profile-level-id=42e01f"))
    assert identity(BASELINE) == identity(_h264("profile-level-id=42c02a;packetization-mode=1"))
    assert identity(Format(Kind.AUDIO, "OPUS", 48000, 2, "stereo=1")) == identity(
        Format(Kind.AUDIO, "opus", 48000, 2, "useinbandfec=1")
    )
    assert identity(Format(Kind.AUDIO, "opus", 48000, 2)) != identity(Format(Kind.AUDIO, "opus", 48000))
    assert identity(Format(Kind.VIDEO, "VP9", 90000)) == identity(
        Format(Kind.VIDEO, "vp9", 90000, parameters="profile-id=0")
    )
    assert identity(Format(Kind.VIDEO, "VP9", 90000)) != identity(
        Format(Kind.VIDEO, "VP9", 90000, parameters="profile-id=2")
    )


def test_an_h264_profile_that_nobody_knows_is_itself_only() -> None:
    odd = _h264("profile-level-id=nonsense")
    assert identity(odd) == identity(odd)
    assert identity(odd) != identity(BASELINE)


def test_static_payload_types_need_no_map() -> None:
    media = MediaDescription("audio", 9, "RTP/AVP", ("0", "8", "50"))
    assert [(one.name, one.payload_type) for one in formats_of(media, Kind.AUDIO)] == [
        ("PCMU", 0),
        ("PCMA", 8),
    ]
    assert formats_of(MediaDescription("video", 9, "RTP/AVP", ("0",)), Kind.VIDEO) == ()


def test_a_format_has_all_that_the_m_line_says_of_it() -> None:
    lines = (
        RtpMap(96, "VP8", 90000),
        RtcpFeedback(96, "nack"),
        RtcpFeedback(None, "ccm fir"),
        Fmtp(96, "max-fr=60"),
    )
    (one,) = formats_of(MediaDescription("video", 9, "RTP/SAVPF", ("96",), lines), Kind.VIDEO)
    assert one == Format(Kind.VIDEO, "VP8", 90000, None, "max-fr=60", 96, ("nack", "ccm fir"))


def test_numbers_are_kept_and_never_given_twice() -> None:
    numbers = Numbers([(96, identity(BASELINE))], [(98, identity(BASELINE))])
    offered = offered_formats((VP8, BASELINE), (), numbers)
    by_name = {one.name: one.payload_type for one in offered}
    assert by_name["H264"] == 96
    assert by_name["rtx"] == 97 or by_name["rtx"] != by_name["VP8"]
    assert by_name["VP8"] not in (96, 98)
    assert offered_formats((VP8, BASELINE), offered, numbers) == offered


def test_a_format_without_a_number_left_is_not_offered() -> None:
    opus = CodecCapability(Kind.AUDIO, "opus", 48000, 111, 2)
    other = identity(VP8)
    taken = [(number, other) for number in (*range(35, 64), *range(96, 128))]
    assert offered_formats((opus,), (), Numbers(taken, [])) == ()
    assert offered_formats((opus,), (), Numbers(taken[1:], []))[0].payload_type == 35


def test_of_a_format_that_is_offered_twice_the_first_is_answered_with_its_rtx() -> None:
    offered = (
        Format(Kind.VIDEO, "VP8", 90000, payload_type=96),
        Format(Kind.VIDEO, "rtx", 90000, parameters="apt=98", payload_type=97),
        Format(Kind.VIDEO, "VP8", 90000, payload_type=98),
        Format(Kind.VIDEO, "rtx", 90000, parameters="apt=96", payload_type=99),
    )
    answered = answered_formats((VP8,), offered, Numbers([], []), preferred=False, shared=True)
    assert [(one.name, one.payload_type, one.repairs) for one in answered] == [
        ("VP8", 96, None),
        ("rtx", 99, 96),
    ]


def test_rtx_of_nothing_is_not_sent() -> None:
    """RFC 9429 section 5.10 would refuse the description for it."""
    remote = (
        Format(Kind.VIDEO, "VP8", 90000, payload_type=96),
        Format(Kind.VIDEO, "rtx", 90000, parameters="apt=100", payload_type=97),
        Format(Kind.VIDEO, "rtx", 90000, parameters="apt=nonsense", payload_type=98),
    )
    assert [one.payload_type for one in sent_formats(remote, (VP8,), None)] == [96]


def test_feedback_is_what_both_know() -> None:
    remote = (Format(Kind.VIDEO, "VP8", 90000, payload_type=120, feedback=("goog-remb", "nack")),)
    local = (Format(Kind.VIDEO, "VP8", 90000, payload_type=96, feedback=("nack", "transport-cc")),)
    assert sent_formats(remote, (VP8,), local)[0].feedback == ("nack",)
    assert received_formats(local, remote)[0].feedback == ("nack",)
    assert sent_formats(remote, (VP8,), local)[0].payload_type == 120
    assert received_formats(local, remote)[0].payload_type == 96


def test_extension_ids_are_kept_and_never_given_twice() -> None:
    wanted = [ExtensionCapability(uri, 1, frozenset(Kind)) for uri in ("a", "b", "c")]
    lines = offered_ids(wanted, [(5, "b"), (1, "old")], [ExtMap(2, "theirs"), ExtMap(3, "c")])
    assert [(line.uri, line.id) for line in lines] == [("a", 4), ("b", 5), ("c", 3)]


def test_the_id_15_is_never_given() -> None:
    wanted = [ExtensionCapability(str(number), number, frozenset(Kind)) for number in range(1, 15)]
    more = [ExtensionCapability("more", 1, frozenset(Kind))]
    assert offered_ids([*wanted, *more], [], [])[-1].id == 16
