"""Offer and answer (RFC 9429) as pure functions over session descriptions.

For a peer connection: a `Session` and the functions that take it to the next one. For a server: the halves
`answer_publisher`, `offer_subscriber` and `accept_subscriber`.
"""

from visavis.jsep.answer import create_answer
from visavis.jsep.apply_local import set_local
from visavis.jsep.apply_remote import set_remote
from visavis.jsep.candidates import add_local_candidate, add_remote_candidate, end_local_candidates
from visavis.jsep.capabilities import Capabilities, CodecCapability, ExtensionCapability, Format
from visavis.jsep.codecs import match_payloads
from visavis.jsep.default_capabilities import DEFAULT_CAPABILITIES
from visavis.jsep.legacy import with_offer_options
from visavis.jsep.model import (
    LocalTransport,
    NegotiatedCodec,
    OfferedSection,
    PublisherAnswer,
    ReceivingSection,
    RemoteTransport,
    SendingSection,
    SubscriberAnswer,
    SubscriberCodecs,
)
from visavis.jsep.negotiation import needs_negotiation
from visavis.jsep.offer import create_offer
from visavis.jsep.offered import MAX_SECTIONS
from visavis.jsep.publish import PublisherOffer, answer_publisher, read_publisher
from visavis.jsep.rollback import roll_back
from visavis.jsep.session import (
    BundlePolicy,
    Changes,
    DataSection,
    Description,
    Draw,
    IceCredentials,
    RemoteCandidates,
    RemoteTrack,
    RtcpMuxPolicy,
    SdpType,
    Session,
    SignalingState,
    Transceiver,
    Transport,
)
from visavis.jsep.signaling import next_state
from visavis.jsep.sources import MAX_LAYERS
from visavis.jsep.subscribe import accept_subscriber, offer_subscriber
from visavis.jsep.transceivers import (
    add_transceiver,
    attach_track,
    close,
    restart_ice,
    set_codec_preferences,
    set_direction,
    set_receives_simulcast,
    set_streams,
    stop,
    want_data,
)

__all__ = [
    "DEFAULT_CAPABILITIES",
    "MAX_LAYERS",
    "MAX_SECTIONS",
    "BundlePolicy",
    "Capabilities",
    "Changes",
    "CodecCapability",
    "DataSection",
    "Description",
    "Draw",
    "ExtensionCapability",
    "Format",
    "IceCredentials",
    "LocalTransport",
    "NegotiatedCodec",
    "OfferedSection",
    "PublisherAnswer",
    "PublisherOffer",
    "ReceivingSection",
    "RemoteCandidates",
    "RemoteTrack",
    "RemoteTransport",
    "RtcpMuxPolicy",
    "SdpType",
    "SendingSection",
    "Session",
    "SignalingState",
    "SubscriberAnswer",
    "SubscriberCodecs",
    "Transceiver",
    "Transport",
    "accept_subscriber",
    "add_local_candidate",
    "add_remote_candidate",
    "add_transceiver",
    "answer_publisher",
    "attach_track",
    "close",
    "create_answer",
    "create_offer",
    "end_local_candidates",
    "match_payloads",
    "needs_negotiation",
    "next_state",
    "offer_subscriber",
    "read_publisher",
    "restart_ice",
    "roll_back",
    "set_codec_preferences",
    "set_direction",
    "set_local",
    "set_receives_simulcast",
    "set_remote",
    "set_streams",
    "stop",
    "want_data",
    "with_offer_options",
]
