"""What the data plane was told of a subscriber and what it must be told now."""

from collections.abc import Callable, Iterable, Sequence

from visavis.dataplane.commands import (
    Command,
    Extension,
    Route,
    Rung,
    Send,
    SendSlot,
    SetLadder,
    TransportId,
)
from visavis.jsep import match_payloads
from visavis.sfu.ladder import Seat
from visavis.sfu.model import StreamReason
from visavis.sfu.plane import DataPlane
from visavis.sfu.pool import Line

Ladder = Callable[[Sequence[Seat]], tuple[Rung, ...]]


class Routing:
    """Brings the data plane to what a subscriber's m-lines say: slots first, then routes, then the ladder."""

    def __init__(self, plane: DataPlane, transport: TransportId, cname: str, ladder: Ladder) -> None:
        self._plane = plane
        self._transport = transport
        self._cname = cname
        self._ladder = ladder
        self._sent: Send | None = None
        self._rungs: tuple[Rung, ...] = ()

    def apply(self, lines: Iterable[Line], extensions: dict[int, Extension]) -> bool:
        """Tells all that differs; True when the subscriber should hear of streams that fell silent."""
        lines = list(lines)
        commands: list[Command] = []
        slots = tuple(_slot(line, self._cname) for line in lines if line.codecs)
        send = Send(self._transport, extensions, slots)
        if send != self._sent:
            self._sent = send
            commands.append(send)
        news = False
        for line in lines:
            news |= self._reroute(line, commands)
        self._rank(lines, commands)
        if commands:
            self._plane.submit(*commands)
        return news

    def rerank(self, lines: Iterable[Line]) -> None:
        """Tells the ladder if it differs."""
        commands: list[Command] = []
        self._rank(lines, commands)
        if commands:
            self._plane.submit(*commands)

    def unroute(self, line: Line) -> None:
        """Takes away what a slot carries, at once; the ladder may follow later."""
        if line.live is not None:
            line.live, line.payloads = None, ()
            self._plane.submit(Route(self._transport, line.slot, None))

    def _reroute(self, line: Line, commands: list[Command]) -> bool:
        due = line.due
        if due is line.live and (due is None or due.codecs is line.payloads_of):
            return False
        payloads = match_payloads(due.codecs, line.codecs) if due is not None else ()
        news = False
        if due is not None and not payloads:
            due = None
            news = line.reason is not StreamReason.UNSUPPORTED_CODEC
            line.reason = StreamReason.UNSUPPORTED_CODEC
        elif due is not None and line.reason is StreamReason.UNSUPPORTED_CODEC:
            line.expect_media()
            news = True
        line.payloads_of = due.codecs if due is not None else ()
        if due is line.live and payloads == line.payloads:
            return news
        news |= due is None
        line.live, line.payloads = due, payloads
        commands.append(Route(self._transport, line.slot, due.track if due else None, payloads))
        return news

    def _rank(self, lines: Iterable[Line], commands: list[Command]) -> None:
        seats = [
            Seat(line.slot, line.live.participant, line.live.source, line.live.layers)
            for line in lines
            if line.live is not None
        ]
        rungs = self._ladder(seats)
        if rungs != self._rungs:
            self._rungs = rungs
            commands.append(SetLadder(self._transport, rungs))


def _slot(line: Line, cname: str) -> SendSlot:
    """A slot has RTX only when the subscriber agreed to it for some codec (RFC 4588 section 8.1)."""
    rtx = any(codec.rtx_payload_type is not None for codec in line.codecs)
    return SendSlot(line.slot, line.mid, line.kind, line.ssrc, line.rtx_ssrc if rtx else None, cname)
