"""What can be chosen about a camera or a microphone: its capabilities, and the settings that are possible."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from visavis.media.constraints import AUDIO_PROPERTIES, VIDEO_PROPERTIES, Settings, Value

Capabilities = dict[str, object]
"""A `MediaTrackCapabilities` dictionary: ranges as `{"min", "max"}`, choices as lists, and identifiers."""


class Constrainable(Protocol):
    """The choices that a source leaves to its tracks."""

    @property
    def properties(self) -> Sequence[str]:
        """The constrainable properties of its kind."""
        ...

    def capabilities(self) -> Capabilities:
        """All that is possible (W3C mediacapture-main section 4.3.6)."""
        ...

    def candidates(self, interest: Mapping[str, Sequence[float]]) -> list[Settings]:
        """Possible settings, preferred ones first: of the infinitely many those that have a default value, a
        bound, or one of the numbers of interest."""
        ...


@dataclass(frozen=True, slots=True)
class VideoMode:
    """What a camera gives natively."""

    width: int
    height: int
    frame_rate: float


@dataclass(frozen=True, slots=True)
class CameraChoices:
    """A camera's modes, the default one first, and all that can be had from them by cropping, downscaling
    and leaving frames out."""

    device_id: str
    group_id: str
    modes: tuple[VideoMode, ...]
    facing_modes: tuple[str, ...] = ()

    @property
    def properties(self) -> Sequence[str]:
        """Those of video."""
        return VIDEO_PROPERTIES

    def capabilities(self) -> Capabilities:
        """All that is possible."""
        width = max(mode.width for mode in self.modes)
        height = max(mode.height for mode in self.modes)
        return {
            "width": {"min": 1, "max": width},
            "height": {"min": 1, "max": height},
            "aspectRatio": {"min": _aspect(1, height), "max": _aspect(width, 1)},
            "frameRate": {"min": 0.0, "max": max(mode.frame_rate for mode in self.modes)},
            "facingMode": list(self.facing_modes),
            "resizeMode": ["none", "crop-and-scale"],
            "backgroundBlur": [False],
            "deviceId": self.device_id,
            "groupId": self.group_id,
        }

    def candidates(self, interest: Mapping[str, Sequence[float]]) -> list[Settings]:
        """Native modes first, then native shapes, then others; each nearest to the default mode first."""
        default = self.modes[0]
        sizes = sorted(
            self._sizes(interest), key=lambda size: abs(size[0] * size[1] - default.width * default.height)
        )
        shapes = list(dict.fromkeys(_aspect(mode.width, mode.height) for mode in self.modes))
        sizes.sort(key=lambda size: _rank(_aspect(*size), shapes))
        found = [
            self._settings(mode.width, mode.height, mode.frame_rate, resize_mode)
            for resize_mode in ("none", "crop-and-scale")
            for mode in self.modes
        ]
        for width, height in sizes:
            fastest = self.frame_rate_at(width, height)
            rates = {
                min(rate, fastest) for rate in (fastest, default.frame_rate, *interest.get("frameRate", ()))
            }
            for rate in sorted(rates - {0}, key=lambda rate: abs(rate - default.frame_rate)):
                if rate > 0:
                    found.append(self._settings(width, height, rate, "crop-and-scale"))
        return found

    def frame_rate_at(self, width: int, height: int) -> float:
        """The highest that a mode which covers the size has; 0 when none does."""
        covering = [m.frame_rate for m in self.modes if m.width >= width and m.height >= height]
        return max(covering, default=0.0)

    def mode_for(self, tracks: Iterable[Settings]) -> VideoMode:
        """The smallest mode that gives what all tracks have chosen."""
        wanted = list(tracks)
        width = max((_number(settings, "width") for settings in wanted), default=0)
        height = max((_number(settings, "height") for settings in wanted), default=0)
        rate = max((_number(settings, "frameRate") for settings in wanted), default=0)
        covering = [m for m in self.modes if m.width >= width and m.height >= height]
        smallest = sorted(covering or self.modes, key=lambda m: (m.width * m.height, m.frame_rate))
        return next((m for m in smallest if m.frame_rate >= rate), smallest[-1])

    def _sizes(self, interest: Mapping[str, Sequence[float]]) -> set[tuple[int, int]]:
        widest = max(mode.width for mode in self.modes)
        highest = max(mode.height for mode in self.modes)
        shapes = [_aspect(mode.width, mode.height) for mode in self.modes]
        shapes += [shape for shape in interest.get("aspectRatio", ()) if shape > 0]
        widths = {_clamp(w, widest) for w in (*(m.width for m in self.modes), *interest.get("width", ()))}
        heights = {_clamp(h, highest) for h in (*(m.height for m in self.modes), *interest.get("height", ()))}
        sizes = set(itertools.product(widths, heights))
        sizes |= {(width, _clamp(width / shape, highest)) for width in widths for shape in shapes}
        sizes |= {(_clamp(height * shape, widest), height) for height in heights for shape in shapes}
        return {size for size in sizes if self.frame_rate_at(*size) > 0}

    def _settings(self, width: int, height: int, frame_rate: float, resize_mode: str) -> Settings:
        settings: Settings = {
            "width": width,
            "height": height,
            "aspectRatio": _aspect(width, height),
            "frameRate": frame_rate,
            "resizeMode": resize_mode,
            "backgroundBlur": False,
            "deviceId": self.device_id,
            "groupId": self.group_id,
        }
        if self.facing_modes:
            settings["facingMode"] = self.facing_modes[0]
        return settings


@dataclass(frozen=True, slots=True)
class MicrophoneChoices:
    """A microphone's sample rates and numbers of channels, the default ones first."""

    device_id: str
    group_id: str
    sample_rates_hz: tuple[int, ...]
    channel_counts: tuple[int, ...]
    latency_s: float

    @property
    def properties(self) -> Sequence[str]:
        """Those of audio."""
        return AUDIO_PROPERTIES

    def capabilities(self) -> Capabilities:
        """All that is possible; sound is not processed, so its processings are False."""
        return {
            "sampleRate": {"min": min(self.sample_rates_hz), "max": max(self.sample_rates_hz)},
            "sampleSize": {"min": 16, "max": 16},
            "echoCancellation": [False],
            "autoGainControl": [False],
            "noiseSuppression": [False],
            "voiceIsolation": [False],
            "latency": {"min": self.latency_s, "max": self.latency_s},
            "channelCount": {"min": min(self.channel_counts), "max": max(self.channel_counts)},
            "deviceId": self.device_id,
            "groupId": self.group_id,
        }

    def candidates(self, interest: Mapping[str, Sequence[float]]) -> list[Settings]:
        """Each sample rate with each number of channels."""
        fixed: dict[str, Value] = {
            "sampleSize": 16,
            "echoCancellation": False,
            "autoGainControl": False,
            "noiseSuppression": False,
            "voiceIsolation": False,
            "latency": self.latency_s,
            "deviceId": self.device_id,
            "groupId": self.group_id,
        }
        return [
            {"sampleRate": rate, "channelCount": channels, **fixed}
            for rate in self.sample_rates_hz
            for channels in self.channel_counts
        ]


def _aspect(width: float, height: float) -> float:
    """Rounded to the tenth decimal place (section 4.3.8)."""
    return round(width / height, 10)


def _rank(shape: float, shapes: Sequence[float]) -> int:
    """Which of the native shapes it is, but for rounding to whole pixels; the last rank is none."""
    return next((rank for rank, native in enumerate(shapes) if abs(shape / native - 1) < 0.01), len(shapes))


def _clamp(value: float, largest: int) -> int:
    return max(1, min(largest, round(value)))


def _number(settings: Settings, name: str) -> float:
    value = settings.get(name, 0)
    return 0.0 if isinstance(value, str) else float(value)
