"""visavis: WebRTC, complete, in one Python package. The W3C names are here, loaded when they are used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visavis.errors import DOMException as DOMException
    from visavis.errors import RangeError as RangeError
    from visavis.media import DeviceChangeEvent as DeviceChangeEvent
    from visavis.media import InputDeviceInfo as InputDeviceInfo
    from visavis.media import MediaDeviceInfo as MediaDeviceInfo
    from visavis.media import MediaDevices as MediaDevices
    from visavis.media import MediaStream as MediaStream
    from visavis.media import MediaStreamTrack as MediaStreamTrack
    from visavis.media import MediaStreamTrackEvent as MediaStreamTrackEvent
    from visavis.media import OverconstrainedError as OverconstrainedError
    from visavis.media import mediaDevices as mediaDevices
    from visavis.rtc import Event as Event
    from visavis.rtc import EventTarget as EventTarget
    from visavis.rtc import InternalsLog as InternalsLog
    from visavis.rtc import MessageEvent as MessageEvent
    from visavis.rtc import NetworkSettings as NetworkSettings
    from visavis.rtc import RTCAnswerOptions as RTCAnswerOptions
    from visavis.rtc import RTCBundlePolicy as RTCBundlePolicy
    from visavis.rtc import RTCCertificate as RTCCertificate
    from visavis.rtc import RTCCertificateExpiration as RTCCertificateExpiration
    from visavis.rtc import RTCConfiguration as RTCConfiguration
    from visavis.rtc import RTCDataChannel as RTCDataChannel
    from visavis.rtc import RTCDataChannelEvent as RTCDataChannelEvent
    from visavis.rtc import RTCDataChannelEventInit as RTCDataChannelEventInit
    from visavis.rtc import RTCDataChannelInit as RTCDataChannelInit
    from visavis.rtc import RTCDataChannelState as RTCDataChannelState
    from visavis.rtc import RTCDtlsFingerprint as RTCDtlsFingerprint
    from visavis.rtc import RTCDtlsRole as RTCDtlsRole
    from visavis.rtc import RTCDtlsTransport as RTCDtlsTransport
    from visavis.rtc import RTCDtlsTransportState as RTCDtlsTransportState
    from visavis.rtc import RTCDTMFSender as RTCDTMFSender
    from visavis.rtc import RTCDTMFToneChangeEvent as RTCDTMFToneChangeEvent
    from visavis.rtc import RTCDTMFToneChangeEventInit as RTCDTMFToneChangeEventInit
    from visavis.rtc import RTCEncodingOptions as RTCEncodingOptions
    from visavis.rtc import RTCError as RTCError
    from visavis.rtc import RTCErrorDetailType as RTCErrorDetailType
    from visavis.rtc import RTCErrorEvent as RTCErrorEvent
    from visavis.rtc import RTCErrorEventInit as RTCErrorEventInit
    from visavis.rtc import RTCErrorInit as RTCErrorInit
    from visavis.rtc import RTCIceCandidate as RTCIceCandidate
    from visavis.rtc import RTCIceCandidateInit as RTCIceCandidateInit
    from visavis.rtc import RTCIceCandidatePair as RTCIceCandidatePair
    from visavis.rtc import RTCIceCandidateType as RTCIceCandidateType
    from visavis.rtc import RTCIceComponent as RTCIceComponent
    from visavis.rtc import RTCIceConnectionState as RTCIceConnectionState
    from visavis.rtc import RTCIceGathererState as RTCIceGathererState
    from visavis.rtc import RTCIceGatheringState as RTCIceGatheringState
    from visavis.rtc import RTCIceParameters as RTCIceParameters
    from visavis.rtc import RTCIceProtocol as RTCIceProtocol
    from visavis.rtc import RTCIceRole as RTCIceRole
    from visavis.rtc import RTCIceServer as RTCIceServer
    from visavis.rtc import RTCIceServerTransportProtocol as RTCIceServerTransportProtocol
    from visavis.rtc import RTCIceTcpCandidateType as RTCIceTcpCandidateType
    from visavis.rtc import RTCIceTransport as RTCIceTransport
    from visavis.rtc import RTCIceTransportPolicy as RTCIceTransportPolicy
    from visavis.rtc import RTCIceTransportState as RTCIceTransportState
    from visavis.rtc import RTCLocalIceCandidateInit as RTCLocalIceCandidateInit
    from visavis.rtc import RTCLocalSessionDescriptionInit as RTCLocalSessionDescriptionInit
    from visavis.rtc import RTCOfferAnswerOptions as RTCOfferAnswerOptions
    from visavis.rtc import RTCOfferOptions as RTCOfferOptions
    from visavis.rtc import RTCPeerConnection as RTCPeerConnection
    from visavis.rtc import RTCPeerConnectionIceErrorEvent as RTCPeerConnectionIceErrorEvent
    from visavis.rtc import RTCPeerConnectionIceErrorEventInit as RTCPeerConnectionIceErrorEventInit
    from visavis.rtc import RTCPeerConnectionIceEvent as RTCPeerConnectionIceEvent
    from visavis.rtc import RTCPeerConnectionIceEventInit as RTCPeerConnectionIceEventInit
    from visavis.rtc import RTCPeerConnectionState as RTCPeerConnectionState
    from visavis.rtc import RTCPriorityType as RTCPriorityType
    from visavis.rtc import RTCRtcpMuxPolicy as RTCRtcpMuxPolicy
    from visavis.rtc import RTCRtcpParameters as RTCRtcpParameters
    from visavis.rtc import RTCRtpCapabilities as RTCRtpCapabilities
    from visavis.rtc import RTCRtpCodec as RTCRtpCodec
    from visavis.rtc import RTCRtpCodecParameters as RTCRtpCodecParameters
    from visavis.rtc import RTCRtpCodingParameters as RTCRtpCodingParameters
    from visavis.rtc import RTCRtpContributingSource as RTCRtpContributingSource
    from visavis.rtc import RTCRtpEncodingParameters as RTCRtpEncodingParameters
    from visavis.rtc import RTCRtpHeaderExtensionCapability as RTCRtpHeaderExtensionCapability
    from visavis.rtc import RTCRtpHeaderExtensionParameters as RTCRtpHeaderExtensionParameters
    from visavis.rtc import RTCRtpParameters as RTCRtpParameters
    from visavis.rtc import RTCRtpReceiveParameters as RTCRtpReceiveParameters
    from visavis.rtc import RTCRtpReceiver as RTCRtpReceiver
    from visavis.rtc import RTCRtpSender as RTCRtpSender
    from visavis.rtc import RTCRtpSendParameters as RTCRtpSendParameters
    from visavis.rtc import RTCRtpSynchronizationSource as RTCRtpSynchronizationSource
    from visavis.rtc import RTCRtpTransceiver as RTCRtpTransceiver
    from visavis.rtc import RTCRtpTransceiverDirection as RTCRtpTransceiverDirection
    from visavis.rtc import RTCRtpTransceiverInit as RTCRtpTransceiverInit
    from visavis.rtc import RTCSctpTransport as RTCSctpTransport
    from visavis.rtc import RTCSctpTransportState as RTCSctpTransportState
    from visavis.rtc import RTCSdpType as RTCSdpType
    from visavis.rtc import RTCSessionDescription as RTCSessionDescription
    from visavis.rtc import RTCSessionDescriptionInit as RTCSessionDescriptionInit
    from visavis.rtc import RTCSetParameterOptions as RTCSetParameterOptions
    from visavis.rtc import RTCStats as RTCStats
    from visavis.rtc import RTCStatsReport as RTCStatsReport
    from visavis.rtc import RTCTrackEvent as RTCTrackEvent
    from visavis.rtc import RTCTrackEventInit as RTCTrackEventInit

_HOMES = {
    "visavis.errors": ("DOMException", "RangeError"),
    "visavis.media": (
        "DeviceChangeEvent",
        "InputDeviceInfo",
        "MediaDeviceInfo",
        "MediaDevices",
        "MediaStream",
        "MediaStreamTrack",
        "MediaStreamTrackEvent",
        "OverconstrainedError",
        "mediaDevices",
    ),
    "visavis.rtc": (
        "Event",
        "EventTarget",
        "InternalsLog",
        "MessageEvent",
        "NetworkSettings",
        "RTCAnswerOptions",
        "RTCBundlePolicy",
        "RTCCertificate",
        "RTCCertificateExpiration",
        "RTCConfiguration",
        "RTCDTMFSender",
        "RTCDTMFToneChangeEvent",
        "RTCDTMFToneChangeEventInit",
        "RTCDataChannel",
        "RTCDataChannelEvent",
        "RTCDataChannelEventInit",
        "RTCDataChannelInit",
        "RTCDataChannelState",
        "RTCDtlsFingerprint",
        "RTCDtlsRole",
        "RTCDtlsTransport",
        "RTCDtlsTransportState",
        "RTCEncodingOptions",
        "RTCError",
        "RTCErrorDetailType",
        "RTCErrorEvent",
        "RTCErrorEventInit",
        "RTCErrorInit",
        "RTCIceCandidate",
        "RTCIceCandidateInit",
        "RTCIceCandidatePair",
        "RTCIceCandidateType",
        "RTCIceComponent",
        "RTCIceConnectionState",
        "RTCIceGathererState",
        "RTCIceGatheringState",
        "RTCIceParameters",
        "RTCIceProtocol",
        "RTCIceRole",
        "RTCIceServer",
        "RTCIceServerTransportProtocol",
        "RTCIceTcpCandidateType",
        "RTCIceTransport",
        "RTCIceTransportPolicy",
        "RTCIceTransportState",
        "RTCLocalIceCandidateInit",
        "RTCLocalSessionDescriptionInit",
        "RTCOfferAnswerOptions",
        "RTCOfferOptions",
        "RTCPeerConnection",
        "RTCPeerConnectionIceErrorEvent",
        "RTCPeerConnectionIceErrorEventInit",
        "RTCPeerConnectionIceEvent",
        "RTCPeerConnectionIceEventInit",
        "RTCPeerConnectionState",
        "RTCPriorityType",
        "RTCRtcpMuxPolicy",
        "RTCRtcpParameters",
        "RTCRtpCapabilities",
        "RTCRtpCodec",
        "RTCRtpCodecParameters",
        "RTCRtpCodingParameters",
        "RTCRtpContributingSource",
        "RTCRtpEncodingParameters",
        "RTCRtpHeaderExtensionCapability",
        "RTCRtpHeaderExtensionParameters",
        "RTCRtpParameters",
        "RTCRtpReceiveParameters",
        "RTCRtpReceiver",
        "RTCRtpSendParameters",
        "RTCRtpSender",
        "RTCRtpSynchronizationSource",
        "RTCRtpTransceiver",
        "RTCRtpTransceiverDirection",
        "RTCRtpTransceiverInit",
        "RTCSctpTransport",
        "RTCSctpTransportState",
        "RTCSdpType",
        "RTCSessionDescription",
        "RTCSessionDescriptionInit",
        "RTCSetParameterOptions",
        "RTCStats",
        "RTCStatsReport",
        "RTCTrackEvent",
        "RTCTrackEventInit",
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    """Loads the part of the package that a name is in."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """The names, loaded or not."""
    return sorted({*globals(), *_HOME_OF})
