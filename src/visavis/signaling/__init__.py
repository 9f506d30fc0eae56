"""How browsers reach a room: JSON over one WebSocket (docs/signaling.md)."""

from visavis.signaling.visitors import Visitors
from visavis.signaling.websocket import SignalingEndpoint

__all__ = ["SignalingEndpoint", "Visitors"]
