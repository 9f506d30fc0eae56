"""Tracks, streams, devices, codecs: everything about pictures and sound but their way through the network."""

from visavis.media.constraints import OverconstrainedError
from visavis.media.devices import (
    DeviceChangeEvent,
    InputDevice,
    InputDeviceInfo,
    MediaDeviceInfo,
    MediaDevices,
    MediaStreamConstraints,
    mediaDevices,
    synthetic_devices,
)
from visavis.media.frames import AudioFrame, Frame, VideoFrame
from visavis.media.queue import FrameQueue
from visavis.media.source import MediaSource
from visavis.media.stream import MediaStream, MediaStreamTrackEvent
from visavis.media.track import MediaStreamTrack, MediaStreamTrackState

__all__ = [
    "AudioFrame",
    "DeviceChangeEvent",
    "Frame",
    "FrameQueue",
    "InputDevice",
    "InputDeviceInfo",
    "MediaDeviceInfo",
    "MediaDevices",
    "MediaSource",
    "MediaStream",
    "MediaStreamConstraints",
    "MediaStreamTrack",
    "MediaStreamTrackEvent",
    "MediaStreamTrackState",
    "OverconstrainedError",
    "VideoFrame",
    "mediaDevices",
    "synthetic_devices",
]
