"""The TURN client's decisions (RFC 8656): allocations, permissions, channels; packets are the data
plane's."""

from visavis.turn.allocation import MALFORMED, Allocation, AllocationEvents, AllocationState

__all__ = ["MALFORMED", "Allocation", "AllocationEvents", "AllocationState"]
