"""The only door to the Rust data plane: commands and frames down, reports and frames up."""

from visavis.dataplane._native import Certificate
from visavis.dataplane.channels import Arrivals, MessagePort
from visavis.dataplane.events import AssociationEvents, IceEvents, TransportEvents
from visavis.dataplane.frames import Frame, FrameReceiver, FrameSender
from visavis.dataplane.plane import NativePlane, Plane

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
