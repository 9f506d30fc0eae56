"""The selective forwarding unit: it decides who gets what from whom; the data plane carries it out."""

from visavis.sfu.model import (
    PeerEvents,
    Source,
    StreamInfo,
    StreamReason,
    StreamState,
    Tile,
    TrackInfo,
    TrackSource,
)
from visavis.sfu.options import SubscriberOptions
from visavis.sfu.peer import Peer
from visavis.sfu.plane import DataPlane, TransportEvents
from visavis.sfu.publish import MAX_TRACKS
from visavis.sfu.router import Router

__all__ = [
    "MAX_TRACKS",
    "DataPlane",
    "Peer",
    "PeerEvents",
    "Router",
    "Source",
    "StreamInfo",
    "StreamReason",
    "StreamState",
    "SubscriberOptions",
    "Tile",
    "TrackInfo",
    "TrackSource",
    "TransportEvents",
]
