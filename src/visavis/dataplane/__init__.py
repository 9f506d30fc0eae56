"""The only door to the Rust data plane: commands down, reports up."""

from visavis.dataplane.plane import IceEvents, NativePlane, Plane, TransportEvents

__all__ = ["IceEvents", "NativePlane", "Plane", "TransportEvents"]
