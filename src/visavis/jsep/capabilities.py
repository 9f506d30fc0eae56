"""What an endpoint can do: formats and header extensions; and formats as descriptions name them."""

from dataclasses import dataclass

from visavis.dataplane.commands import Kind
from visavis.sdp import Fmtp

FormatIdentity = tuple[str, str, int, int, tuple[tuple[str, str], ...]]
"""Kind, name in lower case, clock rate, channels, and the parameters that make it another format."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format on an m-line (RFC 8866 section 6.6), or one that a program prefers.

    `channels` is None where the description leaves it out (video). `parameters` is the text of `a=fmtp`, None
    without. `payload_type` is None in a preference.
    """

    kind: Kind
    name: str
    clock_hz: int
    channels: int | None = None
    parameters: str | None = None
    payload_type: int | None = None
    feedback: tuple[str, ...] = ()

    @property
    def mime(self) -> str:
        """`mimeType` (W3C webrtc-pc section 5.2.5), as `audio/opus`."""
        return f"{self.kind}/{self.name}"

    @property
    def is_rtx(self) -> bool:
        """Whether it carries retransmissions (RFC 4588)."""
        return self.name.lower() == "rtx"

    @property
    def values(self) -> dict[str, str]:
        """The parameters as `name=value` pairs, names in lower case."""
        return {} if self.parameters is None else Fmtp(0, self.parameters).parameters

    @property
    def repairs(self) -> int | None:
        """The payload type that RTX repairs (`apt`), None for others and where it is no number."""
        text = self.values.get("apt", "") if self.is_rtx else ""
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else None


@dataclass(frozen=True, slots=True)
class CodecCapability:
    """A format that the endpoint sends, receives, or both; with `rtx_payload_type` its retransmissions too.

    `payload_type` and `rtx_payload_type` are the numbers that offers prefer; another one is found where they
    are taken. `max_ptime_ms` is the longest packet (`a=maxptime`), None where packets have no duration.
    """

    kind: Kind
    name: str
    clock_hz: int
    payload_type: int
    channels: int | None = None
    parameters: str | None = None
    feedback: tuple[str, ...] = ()
    rtx_payload_type: int | None = None
    max_ptime_ms: int | None = None
    send: bool = True
    receive: bool = True

    @property
    def format(self) -> Format:
        """Itself, without a number."""
        return Format(
            self.kind, self.name, self.clock_hz, self.channels, self.parameters, feedback=self.feedback
        )


@dataclass(frozen=True, slots=True)
class ExtensionCapability:
    """A header extension by its URI; `id` is what offers prefer (RFC 8285 section 5)."""

    uri: str
    id: int
    kinds: frozenset[Kind]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """All that an endpoint can do, in its order of preference."""

    codecs: tuple[CodecCapability, ...]
    extensions: tuple[ExtensionCapability, ...]
    max_message_size_bytes: int = 262_144
    max_encodings: int = 3

    def of(self, kind: Kind) -> tuple[CodecCapability, ...]:
        """The formats of one kind."""
        return tuple(codec for codec in self.codecs if codec.kind is kind)
