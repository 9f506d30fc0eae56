"""The only door to the Rust data plane: commands and frames down, reports and frames up."""

from visavis.dataplane._native import Certificate
from visavis.dataplane.frames import Frame, FrameReceiver, FrameSender
from visavis.dataplane.plane import IceEvents, NativePlane, Plane, TransportEvents

__all__ = [
    "Certificate",
    "Frame",
    "FrameReceiver",
    "FrameSender",
    "IceEvents",
    "NativePlane",
    "Plane",
    "TransportEvents",
]
