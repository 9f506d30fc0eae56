"""What the data plane tells Python."""

from visavis.dataplane._native import (
    AssociationState,
    AudioLevels,
    Fatal,
    Forwarding,
    FramesReady,
    KeyFrameWanted,
    MessagesReady,
    PairLearnt,
    PairSelected,
    PairState,
    RoleChanged,
    SocketLost,
    StunResult,
    TargetBitrate,
    TrackState,
    TransportState,
    TransportStats,
)

__all__ = [
    "AssociationState",
    "AudioLevels",
    "Fatal",
    "Forwarding",
    "FramesReady",
    "IceReport",
    "KeyFrameWanted",
    "MessagesReady",
    "PairLearnt",
    "PairSelected",
    "PairState",
    "Report",
    "RoleChanged",
    "SocketLost",
    "StunResult",
    "TargetBitrate",
    "TrackState",
    "TransportState",
    "TransportStats",
]

IceReport = PairState | PairLearnt | PairSelected | RoleChanged | SocketLost | StunResult
"""What only the owner of a full transport's ICE agent hears."""

Report = (
    TransportState
    | TrackState
    | Forwarding
    | AudioLevels
    | TransportStats
    | KeyFrameWanted
    | TargetBitrate
    | IceReport
    | FramesReady
    | AssociationState
    | MessagesReady
    | Fatal
)
