"""Which formats are the same format (RFC 3264 section 6.1)."""

from visavis.jsep.capabilities import CodecCapability, Format, FormatIdentity
from visavis.jsep.codecs import h264_profile
from visavis.sdp import Fmtp


def identity(format: Format | CodecCapability) -> FormatIdentity:
    """What makes a format another one: H.264 in another profile is, Opus with another bitrate is not."""
    values = {} if format.parameters is None else Fmtp(0, format.parameters).parameters
    name = format.name.lower()
    told: tuple[tuple[str, str], ...] = ()
    match name:
        case "rtx":
            told = (("apt", values.get("apt", "")),)
        case "vp9":
            told = (("profile-id", values.get("profile-id", "0")),)
        case "av1":
            told = (("profile", values.get("profile", "0")),)
        case "h264":
            profile = h264_profile(values)
            mode = values.get("packetization-mode", "0")
            shown = values["profile-level-id"] if profile is None else profile.value
            told = (("mode", mode), ("profile", shown))
        case _:
            pass
    return (format.kind, name, format.clock_hz, format.channels or 1, told)
