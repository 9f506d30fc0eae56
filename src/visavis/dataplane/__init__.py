"""The only door to the Rust data plane: commands and frames down, reports and frames up."""

from visavis.dataplane._native import Certificate
from visavis.dataplane.channels import Arrivals, MessagePort
from visavis.dataplane.frames import Frame, FrameReceiver, FrameSender
from visavis.dataplane.plane import AssociationEvents, IceEvents, NativePlane, Plane, TransportEvents

__all__ = [
    "Arrivals",
    "AssociationEvents",
    "Certificate",
    "Frame",
    "FrameReceiver",
    "FrameSender",
    "IceEvents",
    "MessagePort",
    "NativePlane",
    "Plane",
    "TransportEvents",
]
