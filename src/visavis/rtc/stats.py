"""RTCStatsReport (webrtc-pc section 8.4), and which figures a selector asks for (section 8.5)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from visavis.rtc.receiver import RTCRtpReceiver
    from visavis.rtc.sender import RTCRtpSender

Selector = Union["RTCRtpSender", "RTCRtpReceiver", None]
Stats = dict[str, object]
"""One dictionary of webrtc-stats; members that are not known are not there."""


class RTCStatsReport(Mapping[str, Stats]):
    """Figures by their ids: each has `id`, `type`, `timestamp` (ms since 1970), and its type's members."""

    def __init__(self, stats: Mapping[str, Stats]) -> None:
        self._stats = dict(stats)

    def __getitem__(self, id: str) -> Stats:
        """The figures of one object."""
        return self._stats[id]

    def __iter__(self) -> Iterator[str]:
        """The ids."""
        return iter(self._stats)

    def __len__(self) -> int:
        """How many objects there are."""
        return len(self._stats)


@dataclass(slots=True)
class RTCStats:
    """What all figures have in common."""

    timestamp: float
    type: str
    id: str


def referenced(everything: Mapping[str, Stats], roots: set[str]) -> dict[str, Stats]:
    """Some figures, and what they refer to, directly or not (section 8.5)."""
    wanted, found = set(roots), dict[str, Stats]()
    while wanted:
        id = wanted.pop()
        if id in found or id not in everything:
            continue
        found[id] = everything[id]
        for name, value in everything[id].items():
            if name.endswith("Id") and isinstance(value, str):
                wanted.add(value)
    return found
