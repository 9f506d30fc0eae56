"""The only door to the Rust data plane: commands down, reports up."""

from visavis.dataplane._native import Certificate
from visavis.dataplane.plane import IceEvents, NativePlane, Plane, TransportEvents

__all__ = ["Certificate", "IceEvents", "NativePlane", "Plane", "TransportEvents"]
