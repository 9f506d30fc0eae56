"""What the data plane is told of a connection's media: pure functions from what was negotiated."""

from collections.abc import Iterable
from dataclasses import dataclass

from visavis.dataplane.commands import (
    Codec,
    Extension,
    Kind,
    Payload,
    PayloadMap,
    ReceiveSection,
    SendSlot,
    SlotId,
    SourcePayload,
    TrackId,
)
from visavis.jsep import Format, Transceiver
from visavis.jsep.extensions import URIS
from visavis.media.codecs.registry import Codec as MediaCodec
from visavis.media.codecs.registry import find_codec
from visavis.sdp import Direction

SOURCE_PAYLOAD_TYPE = 96
"""What every local source calls its frames; its route names what was negotiated."""

TONE_PAYLOAD_TYPE = 97
"""The same for telephone events."""

MAX_ENCODINGS = 8
_EXTENSION_OF = {uri: extension for extension, uri in URIS.items()}
_RECEIVING = (Direction.SENDRECV, Direction.RECVONLY)
_CODECS = {"opus": Codec.OPUS, "vp8": Codec.VP8, "vp9": Codec.VP9, "h264": Codec.H264, "av1": Codec.AV1}


@dataclass(frozen=True, slots=True)
class SendingFormat:
    """The codec that a sender uses, of those that were negotiated."""

    format: Format
    codec: MediaCodec
    rtx_payload_type: int | None
    tones: Format | None

    @property
    def payloads(self) -> tuple[PayloadMap, ...]:
        """How the source's frames are called on the wire."""
        maps = [(SOURCE_PAYLOAD_TYPE, self.format, self.rtx_payload_type)]
        if self.tones is not None:
            maps.append((TONE_PAYLOAD_TYPE, self.tones, None))
        return tuple(
            PayloadMap(own, format.payload_type, rtx)
            for own, format, rtx in maps
            if format.payload_type is not None
        )

    @property
    def source_payloads(self) -> tuple[SourcePayload, ...]:
        """What the source's frames are."""
        payloads = [SourcePayload(SOURCE_PAYLOAD_TYPE, _wire_codec(self.codec), self.format.clock_hz)]
        if self.tones is not None:
            payloads.append(SourcePayload(TONE_PAYLOAD_TYPE, Codec.OTHER, self.tones.clock_hz))
        return tuple(payloads)


def receives(state: Transceiver) -> bool:
    """Whether it was agreed that media comes on an m-line, and the peer's last offer did not end that."""
    agreed = (state.current_direction, state.fired_direction)
    return not state.stopping and all(one in _RECEIVING for one in agreed)


def sends(state: Transceiver) -> bool:
    """Whether it was agreed that media goes out on an m-line."""
    return not state.stopping and state.current_direction in (Direction.SENDRECV, Direction.SENDONLY)


def sending_format(state: Transceiver, wanted: str | None = None) -> SendingFormat | None:
    """The first negotiated codec that can be encoded, or `wanted` by its MIME type; None without one."""
    for format in state.send_formats:
        codec = find_codec(format.mime)
        if codec is not None and (wanted is None or format.mime.lower() == wanted.lower()):
            return SendingFormat(
                format, codec, _rtx_of(format, state.send_formats), _tones(state, format.clock_hz)
            )
    return None


def section(state: Transceiver, track: TrackId) -> ReceiveSection:
    """How the data plane recognises what comes on an m-line."""
    payloads = tuple(
        Payload(
            format.payload_type,
            _CODECS.get(format.name.lower(), Codec.OTHER),
            format.clock_hz,
            _rtx_of(format, state.receive_formats),
            nack="nack" in format.feedback,
            pli="nack pli" in format.feedback,
            fir="ccm fir" in format.feedback,
        )
        for format in state.receive_formats
        if format.payload_type is not None and not format.is_rtx
    )
    rids = state.receive_rids
    ssrcs = () if rids else state.remote_ssrcs
    return ReceiveSection(track, state.mid or "", state.kind, payloads, ssrcs, rids)


def slot(state: Transceiver, number: SlotId, cname: str, rid: str | None, ssrcs: tuple[int, int]) -> SendSlot:
    """What goes out on an m-line, or one simulcast encoding of it."""
    ssrc, rtx_ssrc = ssrcs
    has_rtx = state.kind is Kind.VIDEO and any(format.is_rtx for format in state.send_formats)
    return SendSlot(number, state.mid or "", state.kind, ssrc, rtx_ssrc if has_rtx else None, cname, rid)


def extensions(states: Iterable[Transceiver]) -> dict[int, Extension]:
    """The header extensions of all m-lines of a transport: an id means the same on each (RFC 8843)."""
    return {
        line.id: _EXTENSION_OF[line.uri]
        for state in states
        for line in state.extensions
        if line.uri in _EXTENSION_OF
    }


def _wire_codec(codec: MediaCodec) -> Codec:
    """What the data plane must know of a codec."""
    return _CODECS.get(codec.mime_type.partition("/")[2].lower(), Codec.OTHER)


def _tones(state: Transceiver, clock_hz: int) -> Format | None:
    """Telephone events with the clock of the sound (RFC 7874 section 3)."""
    return next(
        (
            format
            for format in state.send_formats
            if format.name.lower() == "telephone-event" and format.clock_hz == clock_hz
        ),
        None,
    )


def _rtx_of(format: Format, among: tuple[Format, ...]) -> int | None:
    return next((other.payload_type for other in among if other.repairs == format.payload_type), None)
