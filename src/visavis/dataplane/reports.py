"""What the data plane tells Python."""

from visavis.dataplane._native import (
    AudioLevels,
    Fatal,
    Forwarding,
    PairLearnt,
    PairSelected,
    PairState,
    RoleChanged,
    StunResult,
    TrackState,
    TransportState,
    TransportStats,
)

__all__ = [
    "AudioLevels",
    "Fatal",
    "Forwarding",
    "IceReport",
    "PairLearnt",
    "PairSelected",
    "PairState",
    "Report",
    "RoleChanged",
    "StunResult",
    "TrackState",
    "TransportState",
    "TransportStats",
]

IceReport = PairState | PairLearnt | PairSelected | RoleChanged | StunResult
"""What only the owner of a full transport's ICE agent hears."""

Report = TransportState | TrackState | Forwarding | AudioLevels | TransportStats | IceReport | Fatal
