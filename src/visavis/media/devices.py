"""`mediaDevices` (W3C mediacapture-main sections 9 and 10): devices found, and tracks taken from them."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict, cast

from visavis.clock import Clock
from visavis.errors import DOMException
from visavis.events import Event, EventHandler, EventTarget
from visavis.media.capabilities import CameraChoices, Capabilities, MicrophoneChoices, VideoMode
from visavis.media.constraints import AUDIO_PROPERTIES, VIDEO_PROPERTIES, parse_constraints, select_settings
from visavis.media.pacing import CAPTURE_CLOCK
from visavis.media.source import Kind, MediaSource
from visavis.media.stream import MediaStream
from visavis.media.synthetic import SyntheticCamera, SyntheticMicrophone
from visavis.media.track import MediaStreamTrack, new_track

MediaDeviceKind = Literal["audioinput", "audiooutput", "videoinput"]


class MediaStreamConstraints(TypedDict, total=False):
    """What `getUserMedia` is asked for (section 10.2)."""

    audio: bool | Mapping[str, object]
    video: bool | Mapping[str, object]


@dataclass(frozen=True, slots=True)
class MediaDeviceInfo:
    """A device, as far as the program may know it (section 9.3)."""

    deviceId: str
    kind: MediaDeviceKind
    label: str
    groupId: str

    def toJSON(self) -> dict[str, str]:
        """Its attributes."""
        return {"deviceId": self.deviceId, "kind": self.kind, "label": self.label, "groupId": self.groupId}


@dataclass(frozen=True, slots=True)
class InputDeviceInfo(MediaDeviceInfo):
    """A camera or a microphone (section 9.4)."""

    capabilities: Capabilities = field(default_factory=dict[str, object], repr=False, compare=False)

    def getCapabilities(self) -> Capabilities:
        """What its tracks can give; nothing while the device is not to be known."""
        return dict(self.capabilities)


class DeviceChangeEvent(Event):
    """The devices that the program may know have changed (section 9.5)."""

    def __init__(self, type: str, eventInitDict: Mapping[str, object] | None = None) -> None:
        """`eventInitDict` may have `devices` and `userInsertedDevices`, both sequences."""
        super().__init__(type, eventInitDict)
        init = eventInitDict or {}
        self.devices = tuple(cast(Sequence[MediaDeviceInfo], init.get("devices", ())))
        self.userInsertedDevices = tuple(cast(Sequence[MediaDeviceInfo], init.get("userInsertedDevices", ())))


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A camera or a microphone that `MediaDevices` can open.

    Attributes:
        kind: What it gives.
        label: What people call it.
        choices: What can be chosen about it; its identifiers are there.
        open: Makes a source of it, at once. Raises OSError when the device cannot be had.
    """

    kind: Kind
    label: str
    choices: CameraChoices | MicrophoneChoices
    open: Callable[[], MediaSource]


class MediaDevices(EventTarget):
    """The devices of this program.

    As in a browser, `enumerateDevices` tells one device of each kind without its name until `getUserMedia`
    has opened one of the kind (section 9.2.1); `inputs` tells all.
    """

    ondevicechange: EventHandler[DeviceChangeEvent] = EventHandler()

    def __init__(self, inputs: Iterable[InputDevice] = ()) -> None:
        """The first device of a kind is its default."""
        super().__init__()
        self._inputs = tuple(inputs)
        self._open: dict[str, list[MediaSource]] = {}
        self._exposed: set[Kind] = set()

    @property
    def inputs(self) -> tuple[InputDevice, ...]:
        """All devices."""
        return self._inputs

    def add(self, device: InputDevice) -> None:
        """Another device is there; fires `devicechange` if the program may know it.

        Raises:
            ValueError: A device with this identifier is there.
        """
        if any(other.choices.device_id == device.choices.device_id for other in self._inputs):
            raise ValueError(f"the device {device.label} is there already")
        self._change((*self._inputs, device))

    def remove(self, device: InputDevice) -> None:
        """A device is gone: its tracks end, and `devicechange` is fired if the program could know it."""
        if device in self._inputs:
            for source in self._open.pop(device.choices.device_id, []):
                source.end()
            self._change(tuple(other for other in self._inputs if other is not device))

    async def enumerateDevices(self) -> list[MediaDeviceInfo]:
        """The devices that the program may know, microphones first (section 9.2.1)."""
        return self._infos()

    def getSupportedConstraints(self) -> dict[str, bool]:
        """The properties that can be constrained."""
        return dict.fromkeys((*VIDEO_PROPERTIES, *AUDIO_PROPERTIES), True)

    async def getUserMedia(
        self, constraints: MediaStreamConstraints | Mapping[str, object] | None = None
    ) -> MediaStream:
        """A stream with a track of each kind that is asked for, of the devices that fit best (section 10.2).

        Raises:
            TypeError: Neither `audio` nor `video` is asked for, or a constraint has a wrong type.
            DOMException: `NotFoundError`, there is no device of the kind. `NotAllowedError` or
                `NotReadableError`, the system does not give it.
            OverconstrainedError: No device meets a required constraint.
        """
        asked = dict(constraints or {})
        kinds: list[Kind] = [kind for kind in ("audio", "video") if asked.get(kind) not in (None, False)]
        if not kinds:
            raise TypeError("getUserMedia is to be asked for audio, video, or both")
        wanted: dict[Kind, Mapping[str, object]] = {}
        chosen: dict[Kind, InputDevice] = {}
        for kind in kinds:
            raw = asked[kind]
            wanted[kind] = {} if raw is True else cast(Mapping[str, object], raw)
            chosen[kind] = self._select(kind, wanted[kind])
        tracks: list[MediaStreamTrack] = []
        try:
            for kind in kinds:
                tracks.append(new_track(self._open_source(chosen[kind]), wanted[kind]))
        except BaseException:
            for track in tracks:
                track.stop()
            raise
        self._exposed.update(kinds)
        return MediaStream(tracks)

    def _select(self, kind: Kind, raw: Mapping[str, object]) -> InputDevice:
        constraints = parse_constraints(kind, raw)
        devices = {device.choices.device_id: device for device in self._inputs if device.kind == kind}
        if not devices:
            raise DOMException(f"there is no device of {kind}", "NotFoundError")
        interest = constraints.interest()
        candidates = [found for device in devices.values() for found in device.choices.candidates(interest)]
        properties = VIDEO_PROPERTIES if kind == "video" else AUDIO_PROPERTIES
        return devices[str(select_settings(candidates, constraints, properties)["deviceId"])]

    def _open_source(self, device: InputDevice) -> MediaSource:
        try:
            source = device.open()
        except PermissionError as error:
            raise DOMException(f"{device.label}: {error}", "NotAllowedError") from error
        except OSError as error:
            raise DOMException(f"{device.label}: {error}", "NotReadableError") from error
        opened = self._open.setdefault(device.choices.device_id, [])
        opened[:] = [other for other in opened if not other.ended] + [source]
        return source

    def _change(self, inputs: tuple[InputDevice, ...]) -> None:
        before = self._infos()
        self._inputs = inputs
        after = self._infos()
        if before != after:
            self.dispatchEvent(DeviceChangeEvent("devicechange", {"devices": after}))

    def _infos(self) -> list[MediaDeviceInfo]:
        """Section 9.2.1, "creating a list of device info objects"."""
        infos: list[MediaDeviceInfo] = []
        kinds: tuple[tuple[Kind, MediaDeviceKind], ...] = (("audio", "audioinput"), ("video", "videoinput"))
        for kind, name in kinds:
            devices = [device for device in self._inputs if device.kind == kind]
            if kind in self._exposed:
                infos.extend(
                    InputDeviceInfo(
                        device.choices.device_id,
                        name,
                        device.label,
                        device.choices.group_id,
                        device.choices.capabilities(),
                    )
                    for device in devices
                )
            elif devices:
                infos.append(InputDeviceInfo("", name, "", ""))
        return infos


_MODES = tuple(
    VideoMode(width, height, frame_rate)
    for frame_rate in (30.0, 60.0)
    for width, height in ((640, 480), (160, 120), (320, 240), (640, 360), (1280, 720), (1920, 1080))
)


def device_id(label: str) -> str:
    """An identifier that a device of this name has in every run (section 9.3)."""
    return hashlib.sha256(label.encode()).hexdigest()


def synthetic_devices(clock: Clock = CAPTURE_CLOCK) -> tuple[InputDevice, InputDevice]:
    """A camera that shows a test card, and a microphone that hears a tone, both deterministic."""
    group = device_id("visavis synthetic devices")
    camera, microphone = "visavis test card", "visavis tone"
    pictures = CameraChoices(device_id(camera), group, _MODES, ("user",))
    sound = MicrophoneChoices(device_id(microphone), group, (48_000,), (1, 2), latency_s=0.02)
    return (
        InputDevice("video", camera, pictures, lambda: SyntheticCamera(pictures, clock, label=camera)),
        InputDevice("audio", microphone, sound, lambda: SyntheticMicrophone(sound, clock, label=microphone)),
    )


mediaDevices = MediaDevices(synthetic_devices())
"""The devices of this program: the synthetic ones, until it adds others or removes them."""
