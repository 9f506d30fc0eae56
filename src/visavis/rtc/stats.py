"""RTCStatsReport (webrtc-pc section 8.4), and what is in it (webrtc-stats)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from visavis.rtc.certificate import now_ms

if TYPE_CHECKING:
    from visavis.rtc.connection import Connection
    from visavis.rtc.receiver import RTCRtpReceiver
    from visavis.rtc.sender import RTCRtpSender

Selector = Union["RTCRtpSender", "RTCRtpReceiver", None]
Stats = Mapping[str, object]


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


def report(connection: "Connection", selector: Selector) -> RTCStatsReport:
    """Gathers what is known (webrtc-pc section 8.5, "the stats selection algorithm")."""
    now = now_ms()
    return RTCStatsReport(
        {"P": {"id": "P", "type": "peer-connection", "timestamp": now}} if selector is None else {}
    )
