"""What the data plane tells Python."""

from visavis.dataplane._native import (
    AudioLevels,
    Fatal,
    Forwarding,
    TrackState,
    TransportState,
    TransportStats,
)

__all__ = [
    "AudioLevels",
    "Fatal",
    "Forwarding",
    "Report",
    "TrackState",
    "TransportState",
    "TransportStats",
]

Report = TransportState | TrackState | Forwarding | AudioLevels | TransportStats | Fatal
