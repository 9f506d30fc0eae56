"""The only door to the Rust data plane: commands down, reports up."""

from visavis.dataplane.plane import NativePlane, Plane, TransportEvents

__all__ = ["NativePlane", "Plane", "TransportEvents"]
