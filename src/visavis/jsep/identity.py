"""Which formats are the same format (RFC 3264 section 6.1)."""

from collections.abc import Callable, Mapping

from visavis.jsep.capabilities import CodecCapability, Format, FormatIdentity
from visavis.jsep.codecs import h264_profile
from visavis.sdp import Fmtp

Told = tuple[tuple[str, str], ...]


def identity(format: Format | CodecCapability) -> FormatIdentity:
    """What makes a format another one: H.264 in another profile is, Opus with another bitrate is not."""
    name = format.name.lower()
    tell = _TELLING.get(name)
    told = () if tell is None else tell(Fmtp(0, format.parameters or "").parameters)
    return (format.kind, name, format.clock_hz, format.channels or 1, told)


def _h264(values: Mapping[str, str]) -> Told:
    profile = h264_profile(values)
    shown = values["profile-level-id"] if profile is None else profile.value
    return (("mode", values.get("packetization-mode", "0")), ("profile", shown))


_TELLING: dict[str, Callable[[Mapping[str, str]], Told]] = {
    "rtx": lambda values: (("apt", values.get("apt", "")),),
    "vp9": lambda values: (("profile-id", values.get("profile-id", "0")),),
    "av1": lambda values: (("profile", values.get("profile", "0")),),
    "h264": _h264,
}
"""What tells the formats of one name apart, from their parameters."""
