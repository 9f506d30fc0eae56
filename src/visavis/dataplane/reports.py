"""What the data plane tells Python."""

from visavis.dataplane._native import (
    AudioLevels,
    Fatal,
    Forwarding,
    FramesReady,
    KeyFrameWanted,
    TargetBitrate,
    TrackState,
    TransportState,
    TransportStats,
)

__all__ = [
    "AudioLevels",
    "Fatal",
    "Forwarding",
    "FramesReady",
    "KeyFrameWanted",
    "Report",
    "TargetBitrate",
    "TrackState",
    "TransportState",
    "TransportStats",
]

Report = (
    TransportState
    | TrackState
    | Forwarding
    | AudioLevels
    | TransportStats
    | KeyFrameWanted
    | TargetBitrate
    | FramesReady
    | Fatal
)
