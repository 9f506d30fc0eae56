"""What every encoder and decoder can do.

They are used by one thread at a time, whichever; what takes long is done without the GIL. `close` frees what
the library holds; it is called by garbage collection too.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from visavis.media.frames import AudioFrame

FrameT = TypeVar("FrameT")
InT = TypeVar("InT", contravariant=True)
OutT = TypeVar("OutT", covariant=True)


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame as the codec writes it, whole.

    Attributes:
        data: The bitstream.
        timestamp_s: Of the first picture or sample in it.
        duration_s: How long it lasts; 0 for a picture, which lasts until the next one.
        key: Whether it can be decoded without those before it.
    """

    data: bytes
    timestamp_s: float
    duration_s: float
    key: bool


class Encoder(Protocol[InT]):
    """Frames in, bitstream out."""

    def encode(self, frame: InT, *, force_key_frame: bool = False) -> list[EncodedFrame]:
        """Takes a frame, and gives what is complete by now: often one encoded frame, or none when the rate
        leaves no room for it."""
        ...

    def set_rate(self, target_bps: int) -> None:
        """The rate from the next frame on. It takes no key frame."""

    def force_key_frame(self) -> None:
        """The next frame becomes a key frame; nothing for a codec that has none."""

    def close(self) -> None:
        """Frees it; idempotent. `encode` must not be called afterwards."""


class Decoder(Protocol[OutT]):
    """Bitstream in, frames out. What comes from the network raises nothing: `errors` counts it."""

    @property
    def errors(self) -> int:
        """How many frames could not be decoded."""
        ...

    def decode_untrusted(self, data: bytes, timestamp_s: float) -> OutT | None:
        """The next frame; None when it cannot be decoded, or shows nothing."""
        ...

    def conceal(self, samples: int, timestamp_s: float) -> OutT | None:
        """What may stand for a frame that was lost: `samples` of sound, or the last picture again."""
        ...

    def close(self) -> None:
        """Frees it; idempotent. Nothing must be decoded afterwards."""


class AudioDecoder(Decoder[AudioFrame], Protocol):
    """A decoder of sound whose frames may repeat the one before in less detail."""

    def recover_untrusted(self, data: bytes, samples: int, timestamp_s: float) -> AudioFrame | None:
        """The lost frame before this one, of so many samples, from the redundancy in this one."""
        ...
