"""A subscriber's m-lines, used again and again: an m-line and its SSRCs live as long as the transport."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from visavis.dataplane.commands import Kind, PayloadMap, SlotId
from visavis.jsep import NegotiatedCodec
from visavis.sfu.model import PublishedTrack, StreamInfo, StreamReason, StreamState


@dataclass(slots=True, eq=False)
class Line:
    """One m-line: what it shall carry, what the last offer and answer say it carries, what is routed to it.

    `wanted` changes first; an offer makes `offered` the same, its answer `agreed`, and `live` follows.
    `refused` is for good: the subscriber has rejected the m-line. `payloads` map the codecs in
    `payloads_of`. `codecs` are those of the last answer that accepted it, empty before the first.
    """

    slot: SlotId
    mid: str
    kind: Kind
    ssrc: int
    rtx_ssrc: int | None
    wanted: PublishedTrack | None = None
    offered: PublishedTrack | None = None
    agreed: PublishedTrack | None = None
    live: PublishedTrack | None = None
    payloads: tuple[PayloadMap, ...] = ()
    payloads_of: tuple[NegotiatedCodec, ...] = ()
    codecs: tuple[NegotiatedCodec, ...] = ()
    refused: bool = False
    reason: StreamReason = StreamReason.NO_MEDIA

    @property
    def needs_offer(self) -> bool:
        """Whether the subscriber must be told of a change."""
        return self.wanted is not self.offered and not self.refused

    @property
    def shown(self) -> PublishedTrack | None:
        """What the subscriber may take the m-line to carry."""
        return self.wanted if self.wanted is self.offered else None

    @property
    def due(self) -> PublishedTrack | None:
        """What is to be routed to it, as far as both ends agree."""
        return self.shown if self.shown is self.agreed and not self.refused else None

    def carry(self, track: PublishedTrack) -> None:
        """Shall carry `track` from the next answer on."""
        self.wanted = track
        self.expect_media()

    def expect_media(self) -> None:
        """Nothing is known yet of the media of what it carries."""
        self.reason = StreamReason.WAITING_FOR_KEY_FRAME if self.kind is Kind.VIDEO else StreamReason.NO_MEDIA

    def answered(self, accepted: bool, codecs: tuple[NegotiatedCodec, ...]) -> None:
        """Takes the subscriber's answer to what was offered on it."""
        self.agreed = self.offered if accepted else None
        if accepted:
            if codecs != self.codecs:
                self.codecs, self.payloads_of = codecs, ()
        elif self.offered is not None or not codecs:
            self.refused = True
            self.reason = StreamReason.UNSUPPORTED_CODEC

    def report(self, word: str) -> bool:
        """Takes the data plane's word on why it is silent or not; whether that is news."""
        reason = _FORWARD_REASONS.get(word, self.reason)
        news, self.reason = reason is not self.reason, reason
        return news

    def stream(self) -> StreamInfo:
        """What the subscriber is told of it."""
        track = self.shown
        if track is None:
            return StreamInfo(self.mid, None, None, StreamState.PAUSED, StreamReason.NO_MEDIA)
        state = StreamState.FORWARDING if self.reason is StreamReason.OK else StreamState.PAUSED
        return StreamInfo(self.mid, track.participant, track.id, state, self.reason)


_FORWARD_REASONS = {
    reason.value: reason
    for reason in (
        StreamReason.OK,
        StreamReason.BANDWIDTH,
        StreamReason.NO_MEDIA,
        StreamReason.NOT_SHOWN,
        StreamReason.WAITING_FOR_KEY_FRAME,
    )
}
"""What the data plane may say of a slot with a track; its `no-track` is about an earlier time."""


class Pool:
    """The m-lines of one subscriber, in the order of its session description."""

    def __init__(self, randomness: random.Random) -> None:
        self._randomness = randomness
        self._ssrcs: set[int] = set()
        self._lines: list[Line] = []
        self._of: dict[PublishedTrack, Line] = {}

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def at(self, slot: int) -> Line | None:
        """The m-line of a slot."""
        return self._lines[slot] if 0 <= slot < len(self._lines) else None

    def needs_offer(self) -> bool:
        """Whether any m-line changed since the last offer."""
        return any(line.needs_offer for line in self._lines)

    def refused(self, kind: Kind) -> int:
        """How many m-lines of a kind the subscriber will never take."""
        return sum(line.kind is kind and line.refused for line in self._lines)

    def release(self, track: PublishedTrack) -> Line | None:
        """Takes a track's m-line away from it, and gives it; None when there is none."""
        line = self._of.pop(track, None)
        if line is not None:
            line.wanted = None
        return line

    def assign(
        self, tracks: Sequence[PublishedTrack], bounds: Mapping[Kind, int]
    ) -> tuple[PublishedTrack, ...]:
        """Gives each of `tracks` an m-line, and takes them away from all others.

        Free m-lines are used again first, in the order of the description; then there are new ones, up to
        `bounds` of each kind. Gives the tracks for which there was none.
        """
        kept = set(tracks)
        for track in [track for track in self._of if track not in kept]:
            self.release(track)
        free = {kind: iter(self._free(kind)) for kind in Kind}
        fresh = {kind: bounds[kind] - sum(line.kind is kind for line in self._lines) for kind in Kind}
        left_out: list[PublishedTrack] = []
        for track in tracks:
            if track in self._of:
                continue
            line = next(free[track.kind], None)
            if line is None and fresh[track.kind] > 0:
                fresh[track.kind] -= 1
                line = self._add(track.kind)
            if line is None:
                left_out.append(track)
            else:
                line.carry(track)
                self._of[track] = line
        return tuple(left_out)

    def _free(self, kind: Kind) -> list[Line]:
        return [
            line for line in self._lines if line.kind is kind and line.wanted is None and not line.refused
        ]

    def _add(self, kind: Kind) -> Line:
        index = len(self._lines)
        rtx_ssrc = self._new_ssrc() if kind is Kind.VIDEO else None
        line = Line(SlotId(index), str(index), kind, self._new_ssrc(), rtx_ssrc)
        self._lines.append(line)
        return line

    def _new_ssrc(self) -> int:
        """One that the transport has not used yet (RFC 3550 section 8.1)."""
        while True:
            ssrc = self._randomness.randrange(1, 1 << 32)
            if ssrc not in self._ssrcs:
                self._ssrcs.add(ssrc)
                return ssrc
