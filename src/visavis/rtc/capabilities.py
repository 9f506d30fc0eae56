"""`getCapabilities` of sender and receiver (webrtc-pc sections 5.2 and 5.3)."""

from visavis.dataplane.commands import Kind
from visavis.jsep import DEFAULT_CAPABILITIES, Capabilities
from visavis.rtc.parameters import (
    RTCRtpCapabilities,
    RTCRtpCodec,
    RTCRtpHeaderExtensionCapability,
    codec_of,
    codecs_match,
)


def capabilities(
    kind: str, *, send: bool, of: Capabilities = DEFAULT_CAPABILITIES
) -> RTCRtpCapabilities | None:
    """What can be sent, or received, of a kind; None for no kind of media."""
    if kind not in tuple(Kind):
        return None
    return RTCRtpCapabilities(
        codecs(Kind(kind), send=send, of=of),
        [
            RTCRtpHeaderExtensionCapability(extension.uri)
            for extension in of.extensions
            if kind in extension.kinds
        ],
    )


def codecs(kind: Kind, *, send: bool, of: Capabilities = DEFAULT_CAPABILITIES) -> list[RTCRtpCodec]:
    """The list of implemented codecs, retransmission last, once for all (section 5.2.10)."""
    listed: list[RTCRtpCodec] = []
    rtx: RTCRtpCodec | None = None
    for capability in of.of(kind):
        if not (capability.send if send else capability.receive):
            continue
        codec = codec_of(capability.format)
        if not any(codecs_match(codec, other) for other in listed):
            listed.append(codec)
        if capability.rtx_payload_type is not None:
            rtx = RTCRtpCodec(f"{kind}/rtx", capability.clock_hz)
    return [*listed, rtx] if rtx is not None else listed
