"""Bounds that the operator of a server may move."""

from dataclasses import dataclass

from visavis.dataplane.commands import Kind


@dataclass(frozen=True, slots=True)
class SubscriberOptions:
    """Bounds of one subscriber's connection.

    `unknown_codec_lines` bounds the m-lines of a kind until an answer has said which codecs the rest need
    to list. `answer_bytes_per_s` spaces offers by the size of the answers, which the client's signaling
    rate bounds.
    """

    audio_lines: int = 100
    video_lines: int = 50
    unknown_codec_lines: int = 6
    coalesce_s: float = 0.02
    streams_interval_s: float = 0.1
    answer_bytes_per_s: int = 64 * 1024
    longest_pause_s: float = 2.0

    def lines(self, kind: Kind, *, codecs_known: bool = True) -> int:
        """How many m-lines of a kind there may be."""
        most = self.audio_lines if kind is Kind.AUDIO else self.video_lines
        return most if codecs_known else min(most, self.unknown_codec_lines)
