"""Reports of the data plane on their way to whom they concern."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVarTuple, assert_never

from visavis.dataplane.commands import PairId, SlotId, SocketId, TrackId, TransportId
from visavis.dataplane.events import AssociationEvents, IceEvents, TransportEvents
from visavis.dataplane.frames import FrameReceiver
from visavis.dataplane.identifiers import Identifiers
from visavis.dataplane.reports import (
    AssociationState,
    AudioLevels,
    Fatal,
    Forwarding,
    FramesReady,
    IceReport,
    KeyFrameWanted,
    MessagesReady,
    PairLearnt,
    PairSelected,
    PairState,
    Report,
    RoleChanged,
    SocketLost,
    StunResult,
    TargetBitrate,
    TrackState,
    TransportState,
    TransportStats,
)
from visavis.errors import LocalProtocolError

_log = logging.getLogger(__name__)
_Arguments = TypeVarTuple("_Arguments")


class Dispatcher:
    """Who hears what, by transports and tracks, and what is kept of reports."""

    def __init__(self, identifiers: Identifiers) -> None:
        """`identifiers` say whose a track is, and which transports a thread has."""
        self._identifiers = identifiers
        self.transports: dict[TransportId, TransportEvents] = {}
        self.ice: dict[TransportId, IceEvents] = {}
        self.associations: dict[TransportId, tuple[int, AssociationEvents]] = {}
        self.tracks: dict[TrackId, Callable[[TrackState], None]] = {}
        self.encoders: dict[TrackId, Callable[[int], None]] = {}
        self.bitrates: dict[TransportId, Callable[[int], None]] = {}
        self.receivers: dict[TrackId, list[tuple[FrameReceiver, Callable[[], None]]]] = {}
        self.waiting_for_stats: dict[TransportId, list[asyncio.Future[TransportStats]]] = {}
        self.certificates: dict[TransportId, bytes] = {}
        self.lost_threads = 0

    def forget(self, transport: TransportId, tracks: Iterable[TrackId]) -> None:
        """Nothing is handed on any more of a transport and its tracks."""
        self.transports.pop(transport, None)
        self.ice.pop(transport, None)
        self.associations.pop(transport, None)
        self.bitrates.pop(transport, None)
        self.certificates.pop(transport, None)
        for track in tracks:
            self.tracks.pop(track, None)
            self.encoders.pop(track, None)
            self.receivers.pop(track, None)
        self._fail_stats(transport, "the transport was forgotten")

    def close(self) -> None:
        """No more reports come."""
        for transport in list(self.waiting_for_stats):
            self._fail_stats(transport, "the data plane was closed")

    def dispatch(self, report: Report) -> None:
        """Hands a report on."""
        match report:
            case TransportState(transport=transport, state=state, reason=reason):
                _log_state(report)
                if report.certificate and TransportId(transport) in self.ice:
                    self.certificates[TransportId(transport)] = report.certificate
                self._tell_state(TransportId(transport), state, reason)
            case TrackState(track=track):
                if handler := self.tracks.get(TrackId(track)):
                    _call(handler, report)
            case Forwarding(transport=transport, slot=slot, reason=reason):
                if events := self.transports.get(TransportId(transport)):
                    _call(events.forwarding, SlotId(slot), reason)
            case AudioLevels(levels=levels):
                self._tell_levels(levels)
            case TransportStats(transport=transport):
                for future in self.waiting_for_stats.pop(TransportId(transport), []):
                    if not future.done():
                        future.set_result(report)
            case PairState() | PairLearnt() | PairSelected() | RoleChanged() | SocketLost() | StunResult():
                if ice := self.ice.get(TransportId(report.transport)):
                    _tell_ice(ice, report)
            case KeyFrameWanted(track=track, layer=layer):
                if encoder := self.encoders.get(TrackId(track)):
                    _call(encoder, layer)
            case TargetBitrate(transport=transport, bps=bps):
                if encoder := self.bitrates.get(TransportId(transport)):
                    _call(encoder, bps)
            case FramesReady(track=track):
                self._tell_ready(TrackId(track))
            case AssociationState(transport=transport):
                known = self.associations.get(TransportId(transport))
                if known is not None and known[0] == report.association:
                    _tell_association(known[1], report)
            case MessagesReady(transport=transport):
                if reader := self.associations.get(TransportId(transport)):
                    _call(reader[1].messages_ready)
            case Fatal(thread=thread, message=message):
                self.lost_threads += 1
                _log.critical("data plane thread %d is lost: %s", thread, message)
                for transport in self._identifiers.on_thread(thread):
                    self._tell_state(transport, "failed", "thread-lost")
                    if known := self.associations.get(transport):
                        _tell_association(known[1], AssociationState(transport, "failed", "thread-lost"))
            case _:
                assert_never(report)

    def _tell_state(self, transport: TransportId, state: str, reason: str) -> None:
        if events := self.transports.get(transport):
            _call(events.transport_state, state, reason)
        if state in ("failed", "closed"):
            self._fail_stats(transport, f"the transport is {state}")

    def _tell_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        by_transport: dict[TransportId, list[tuple[int, int]]] = {}
        for track, level in levels:
            owner = self._identifiers.owner(TrackId(track))
            if owner is not None:
                by_transport.setdefault(owner, []).append((track, level))
        for transport, its_levels in by_transport.items():
            if events := self.transports.get(transport):
                _call(events.audio_levels, its_levels)

    def _tell_ready(self, track: TrackId) -> None:
        for _, on_ready in list(self.receivers.get(track, [])):
            _call(on_ready)
        remaining = [entry for entry in self.receivers.get(track, []) if not entry[0].is_ended]
        if remaining:
            self.receivers[track] = remaining
        else:
            self.receivers.pop(track, None)

    def _fail_stats(self, transport: TransportId, why: str) -> None:
        for future in self.waiting_for_stats.pop(transport, []):
            if not future.done():
                future.set_exception(LocalProtocolError(why))


def _tell_association(events: AssociationEvents, report: AssociationState) -> None:
    _call(events.association_state, report.state, report.reason, report.inbound, report.outbound)


def _tell_ice(events: IceEvents, report: IceReport) -> None:
    match report:
        case PairState(pair=pair, state=state, mapped=mapped, rtt_s=rtt_s, reason=reason):
            _call(events.pair_state, PairId(pair), state, mapped, rtt_s, reason)
        case PairLearnt(pair=pair, socket=socket, remote=remote, priority=priority):
            _call(events.pair_learnt, PairId(pair), SocketId(socket), remote, priority)
        case PairSelected(pair=pair, reason=reason):
            _call(events.pair_selected, PairId(pair), reason)
        case RoleChanged(controlling=controlling):
            _call(events.role_changed, controlling)
        case SocketLost(socket=socket):
            _call(events.socket_lost, SocketId(socket))
        case StunResult():
            _call(
                events.stun_result,
                report.request,
                report.code,
                report.attributes,
                report.rtt_s,
                report.transaction,
            )
        case _:
            assert_never(report)


def _log_state(report: TransportState) -> None:
    level = logging.INFO if report.state in ("connected", "failed") else logging.DEBUG
    if not _log.isEnabledFor(level):
        return
    fields = {
        "event": f"transport-{report.state}",
        "transport": report.transport,
        "remote": report.remote,
        "dtls": report.dtls_version,
        "srtp": report.srtp_profile,
    }
    known = {name: value for name, value in fields.items() if value != ""}
    _log.log(level, "transport %s: %s", report.state, report.reason, extra=known)


def _call(handler: Callable[[*_Arguments], None], *arguments: *_Arguments) -> None:
    """A handler that raises has a defect; it is logged, and the others have their turn."""
    try:
        handler(*arguments)
    except Exception:
        _log.exception("a handler of data plane reports failed")
