"""The only door to the Rust data plane: commands down, reports up."""

from visavis.dataplane.frames import Frame, FrameReceiver, FrameSender
from visavis.dataplane.plane import NativePlane, Plane, TransportEvents

__all__ = ["Frame", "FrameReceiver", "FrameSender", "NativePlane", "Plane", "TransportEvents"]
