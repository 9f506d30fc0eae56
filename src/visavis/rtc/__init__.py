"""The W3C's interfaces (webrtc-pc): camelCase and `RTC*`, exactly as in the standard."""

from visavis.events import Event, EventTarget
from visavis.rtc.certificate import RTCCertificate, RTCCertificateExpiration, RTCDtlsFingerprint
from visavis.rtc.configuration import (
    NetworkChange,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCRtcpMuxPolicy,
)
from visavis.rtc.data_channel import RTCDataChannel
from visavis.rtc.data_channel_event import RTCDataChannelEvent, RTCDataChannelEventInit
from visavis.rtc.data_channel_incoming import MessageEvent
from visavis.rtc.data_channel_init import RTCDataChannelInit, RTCDataChannelState
from visavis.rtc.dtls_transport import RTCDtlsRole, RTCDtlsTransport, RTCDtlsTransportState
from visavis.rtc.dtmf import RTCDTMFSender, RTCDTMFToneChangeEvent, RTCDTMFToneChangeEventInit
from visavis.rtc.error import (
    RTCError,
    RTCErrorDetailType,
    RTCErrorEvent,
    RTCErrorEventInit,
    RTCErrorInit,
)
from visavis.rtc.ice_candidate import (
    RTCIceCandidate,
    RTCIceCandidateInit,
    RTCIceCandidateType,
    RTCIceComponent,
    RTCIceProtocol,
    RTCIceServerTransportProtocol,
    RTCIceTcpCandidateType,
    RTCLocalIceCandidateInit,
)
from visavis.rtc.ice_events import (
    RTCPeerConnectionIceErrorEvent,
    RTCPeerConnectionIceErrorEventInit,
    RTCPeerConnectionIceEvent,
    RTCPeerConnectionIceEventInit,
)
from visavis.rtc.ice_transport import (
    RTCIceCandidatePair,
    RTCIceGathererState,
    RTCIceParameters,
    RTCIceRole,
    RTCIceTransport,
    RTCIceTransportState,
)
from visavis.rtc.internals import InternalsLog
from visavis.rtc.network_settings import NetworkSettings
from visavis.rtc.options import RTCAnswerOptions, RTCOfferAnswerOptions, RTCOfferOptions
from visavis.rtc.parameters import (
    RTCEncodingOptions,
    RTCPriorityType,
    RTCRtcpParameters,
    RTCRtpCapabilities,
    RTCRtpCodec,
    RTCRtpCodecParameters,
    RTCRtpCodingParameters,
    RTCRtpContributingSource,
    RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability,
    RTCRtpHeaderExtensionParameters,
    RTCRtpParameters,
    RTCRtpReceiveParameters,
    RTCRtpSendParameters,
    RTCRtpSynchronizationSource,
    RTCRtpTransceiverDirection,
    RTCSetParameterOptions,
)
from visavis.rtc.peer_connection import RTCPeerConnection
from visavis.rtc.receiver import RTCRtpReceiver
from visavis.rtc.sctp_transport import RTCSctpTransport, RTCSctpTransportState
from visavis.rtc.sender import RTCRtpSender
from visavis.rtc.session_description import (
    RTCLocalSessionDescriptionInit,
    RTCSdpType,
    RTCSessionDescription,
    RTCSessionDescriptionInit,
)
from visavis.rtc.states import RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionState
from visavis.rtc.stats import RTCStats, RTCStatsReport
from visavis.rtc.track_event import RTCTrackEvent, RTCTrackEventInit
from visavis.rtc.transceiver import RTCRtpTransceiver
from visavis.rtc.transceiver_init import RTCRtpTransceiverInit

__all__ = [
    "Event",
    "EventTarget",
    "InternalsLog",
    "MessageEvent",
    "NetworkChange",
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
]
