"""Bounds that the operator of a server may move."""

from dataclasses import dataclass

from visavis.dataplane.commands import Kind
from visavis.errors import ConfigError
from visavis.jsep import MAX_SECTIONS


@dataclass(frozen=True, slots=True)
class SubscriberOptions:
    """Bounds of one subscriber's connection.

    A full room of a hundred is heard by all; what is left of the m-lines that browsers take is for pictures.

    `unknown_codec_lines` bounds the m-lines of a kind until an answer has said which codecs the rest need
    to list. `answer_bytes_per_s` spaces offers by the size of the answers, which the client's signaling
    rate bounds.
    """

    audio_lines: int = 100
    video_lines: int = MAX_SECTIONS - 100
    unknown_codec_lines: int = 6
    coalesce_s: float = 0.02
    streams_interval_s: float = 0.1
    answer_bytes_per_s: int = 64 * 1024
    longest_pause_s: float = 2.0

    def __post_init__(self) -> None:
        """Raises ConfigError when browsers could not take that many m-lines."""
        if self.audio_lines + self.video_lines > MAX_SECTIONS:
            raise ConfigError(f"audio_lines and video_lines are more than {MAX_SECTIONS} together")

    def lines(self, kind: Kind, *, codecs_known: bool = True) -> int:
        """How many m-lines of a kind there may be."""
        most = self.audio_lines if kind is Kind.AUDIO else self.video_lines
        return most if codecs_known else min(most, self.unknown_codec_lines)
