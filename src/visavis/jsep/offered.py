"""The formats of our offers: one table, so that a payload type means the same for the life of a connection.

RFC 3264 section 8.3.2 forbids giving a number another meaning. The numbers avoid 64 to 95, which RTCP packet
types occupy where it shares a port with RTP (RFC 5761 section 4).

A subscriber repeats each format that it accepts on each m-line of its answers, so the table is short: what
publishers send once `answer_publisher` has put its preference, and not all that they could.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from visavis.dataplane.commands import Kind
from visavis.jsep.codecs import rtx_lines
from visavis.jsep.model import SubscriberCodecs
from visavis.sdp import Attribute, Fmtp, RtcpFeedback, RtpMap


@dataclass(frozen=True, slots=True)
class Format:
    """One format of an offer."""

    payload_type: int
    rtx_payload_type: int | None
    encoding: str
    clock_hz: int
    channels: int | None
    parameters: str

    @property
    def payload_types(self) -> tuple[int, ...]:
        """Its own, and that of its RTX."""
        return (
            (self.payload_type,)
            if self.rtx_payload_type is None
            else (self.payload_type, self.rtx_payload_type)
        )

    def lines(self) -> Iterator[Attribute]:
        """What an m-line says of it."""
        yield RtpMap(self.payload_type, self.encoding, self.clock_hz, self.channels)
        if self.parameters:
            yield Fmtp(self.payload_type, self.parameters)
        if self.rtx_payload_type is not None:
            yield from rtx_lines(self.rtx_payload_type, self.payload_type, self.clock_hz)


def _video(payload_type: int, encoding: str, parameters: str = "") -> Format:
    return Format(payload_type, payload_type + 1, encoding, 90000, None, parameters)


def _h264(payload_type: int, profile_level_id: str) -> Format:
    """Mode 1 alone: it can carry what a publisher sends in mode 0 (RFC 6184 section 6.3)."""
    parameters = f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile_level_id}"
    return _video(payload_type, "H264", parameters)


_FORMATS = {
    Kind.AUDIO: (Format(111, None, "opus", 48000, 2, "minptime=10;useinbandfec=1"),),
    Kind.VIDEO: (
        _video(96, "VP8"),
        _video(98, "VP9", "profile-id=0"),
        _video(45, "AV1", "level-idx=5;profile=0;tier=0"),
        _h264(102, "42e01f"),  # constrained baseline
        _h264(104, "640c1f"),  # constrained high
        _h264(106, "64001f"),  # high
    ),
}
MAX_SECTIONS = 128
"""How many m-lines Firefox takes on one transport: it reads no more than 128 names of a BUNDLE group."""

_FEEDBACK = {Kind.AUDIO: ("transport-cc",), Kind.VIDEO: ("transport-cc", "ccm fir", "nack", "nack pli")}


def offered_formats(kind: Kind, codecs: SubscriberCodecs | None) -> tuple[Format, ...]:
    """The formats of a kind, without those that earlier answers left out."""
    accepted = codecs.of(kind) if codecs is not None else frozenset[int]()
    formats = _FORMATS[kind]
    return tuple(one for one in formats if one.payload_type in accepted) or formats


def offered_feedback(kind: Kind) -> tuple[RtcpFeedback, ...]:
    """The feedback we act upon, for all formats of an m-line at once (RFC 4585 section 4.2)."""
    return tuple(RtcpFeedback(None, value) for value in _FEEDBACK[kind])
