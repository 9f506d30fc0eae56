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
from visavis.media.files import file_devices, open_media
from visavis.media.frames import AudioFrame, Frame, VideoFrame
from visavis.media.pushed import AudioSource, PulledSource, VideoSource
from visavis.media.queue import FrameQueue
from visavis.media.receiving import (
    FrameSource,
    ReceivedFrame,
    ReceiverPipeline,
    ReceivingCodec,
    ReceivingFigures,
)
from visavis.media.sending import Encoding, FrameSink, SenderPipeline, SendingFigures
from visavis.media.source import MediaSource
from visavis.media.stream import MediaStream, MediaStreamTrackEvent
from visavis.media.track import MediaStreamTrack, MediaStreamTrackState

__all__ = [
    "AudioFrame",
    "AudioSource",
    "DeviceChangeEvent",
    "Encoding",
    "Frame",
    "FrameQueue",
    "FrameSink",
    "FrameSource",
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
    "PulledSource",
    "ReceivedFrame",
    "ReceiverPipeline",
    "ReceivingCodec",
    "ReceivingFigures",
    "SenderPipeline",
    "SendingFigures",
    "VideoFrame",
    "VideoSource",
    "file_devices",
    "mediaDevices",
    "open_media",
    "synthetic_devices",
]
