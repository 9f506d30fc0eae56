"""The connection on which a participant subscribes: the server offers, one offer at a time."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from visavis import sdp
from visavis.clock import Clock, TimerHandle
from visavis.dataplane.commands import (
    CloseTransport,
    Command,
    ConnectTransport,
    Extension,
    Kind,
    OpenTransport,
    RestartIce,
    TransportId,
)
from visavis.errors import RemoteProtocolError, SdpError
from visavis.jsep import (
    LocalTransport,
    OfferedSection,
    RemoteTransport,
    SubscriberAnswer,
    SubscriberCodecs,
    accept_subscriber,
    offer_subscriber,
)
from visavis.sdp import Candidate
from visavis.sfu.model import PublishedTrack, StreamInfo, StreamReason, StreamState
from visavis.sfu.negotiation import TRANSITIONS, Phase, SubscriberEvents
from visavis.sfu.options import SubscriberOptions
from visavis.sfu.plane import DataPlane
from visavis.sfu.pool import Line, Pool
from visavis.sfu.routing import Routing


@dataclass(frozen=True, slots=True)
class _Outstanding:
    id: int
    description: sdp.SessionDescription
    text: str


class Subscriber:
    """One participant's subscribing connection."""

    def __init__(
        self,
        plane: DataPlane,
        clock: Clock,
        events: SubscriberEvents,
        *,
        candidates: tuple[Candidate, ...],
        options: SubscriberOptions,
        randomness: random.Random,
    ) -> None:
        self._plane = plane
        self._clock = clock
        self._events = events
        self._candidates = candidates
        self._options = options
        self._randomness = randomness
        self._session_id = randomness.getrandbits(62)
        self._cname = f"{randomness.getrandbits(96):024x}"
        self._offers = 0
        self._phase = Phase.IDLE
        self._timer: TimerHandle | None = None
        self._timer_s = 0.0
        self._offer_not_before_s = 0.0
        self._streams_not_before_s = 0.0
        self._begin()

    def _begin(self) -> None:
        """A connection that the client has heard nothing of."""
        self._pool = Pool(self._randomness)
        self._not_shown: tuple[PublishedTrack, ...] = ()
        self._waiting: tuple[PublishedTrack, ...] = ()
        self._transport: TransportId | None = None
        self._local: LocalTransport | None = None
        self._remote: RemoteTransport | None = None
        self._outstanding: _Outstanding | None = None
        self._codecs: SubscriberCodecs | None = None
        self._extensions: dict[int, Extension] = {}
        self._routing: Routing | None = None
        self._restart_wanted = False
        self._selection_stale = True
        self._streams_stale = False

    @property
    def phase(self) -> Phase:
        """Where the exchange of offers and answers stands."""
        return self._phase

    def update(self) -> None:
        """What the subscriber shall get may have changed: it is looked at when the next offer may be made."""
        self._selection_stale = True
        self._schedule(self._options.coalesce_s)

    def ended(self, track: PublishedTrack) -> None:
        """A track is about to end: nothing is routed from it when this returns."""
        line = self._pool.release(track)
        if line is not None and self._routing is not None:
            self._routing.unroute(line)
            self._streams_stale = True
        self.update()

    def rerank(self) -> None:
        """The order in which streams are lost may have changed."""
        if self._routing is not None:
            self._routing.rerank(self._pool)

    def answer(self, offer_id: int, answer_sdp: str) -> None:
        """Takes the answer to the outstanding offer (RFC 9429 section 5.11) and routes what is agreed.

        Raises:
            RemoteProtocolError: no offer of this id is outstanding.
            SdpError: the answer is malformed or does not fit the offer, which stays outstanding.
        """
        outstanding = self._outstanding
        if self._phase is not Phase.OFFERING or outstanding is None or outstanding.id != offer_id:
            raise RemoteProtocolError(f"no subscribe offer {offer_id} waits for an answer")
        answer = accept_subscriber(outstanding.description, sdp.parse(answer_sdp))
        if self._remote is not None and answer.remote.fingerprints != self._remote.fingerprints:
            raise SdpError("the certificate changed; close the old connection first (RFC 8842 section 4)")
        self._outstanding = None
        self._move(Phase.IDLE)
        self._take(answer)
        pause_s = len(answer_sdp) / self._options.answer_bytes_per_s
        self._offer_not_before_s = self._clock.monotonic() + min(pause_s, self._options.longest_pause_s)
        if self._waiting:
            self._selection_stale = True
        self._schedule(self._options.coalesce_s)

    def restart(self) -> None:
        """An ICE restart (RFC 8839 section 4.4.3) with the next offer; after a loss, a new start."""
        if self._phase is Phase.LOST:
            self._begin()
            self._move(Phase.IDLE)
        elif self._phase is not Phase.CLOSED:
            self._restart_wanted = self._transport is not None
        self._schedule(self._options.coalesce_s)

    def resume(self) -> None:
        """Says again what the client may have missed: the outstanding offer, or what the m-lines carry."""
        if self._outstanding is not None:
            self._events.subscribe_offer(self._outstanding.id, self._outstanding.text, self.streams())
        elif self._phase is Phase.IDLE and self._transport is not None:
            self._events.streams_changed(self.streams())

    def close(self) -> None:
        """Ends the transport; nothing is heard of this afterwards. Idempotent."""
        if self._phase is not Phase.CLOSED:
            self._disconnect(Phase.CLOSED)

    def transport_state(self, state: str, reason: str) -> None:
        """A report of the data plane; after `failed` an ICE restart may help, after `closed` a new start."""
        if state == "closed":
            self._disconnect(Phase.LOST)
            self._events.subscribe_failed(reason or state)
        elif state == "failed":
            self._events.subscribe_failed(reason)

    def forwarding(self, slot: int, reason: str) -> None:
        """A report of the data plane; about a slot that has just lost its track it comes too late."""
        line = self._pool.at(slot)
        if line is not None and line.live is not None and line.report(reason):
            self._streams_stale = True
            self._schedule(self._options.coalesce_s)

    def audio_levels(self, levels: Sequence[tuple[int, int]]) -> None:
        """Nothing is received here."""

    def streams(self) -> list[StreamInfo]:
        """What each m-line carries, then the tracks that have none."""
        streams = [line.stream() for line in self._pool if line.wanted is not None or not line.refused]
        streams += [
            StreamInfo(None, track.participant, track.id, StreamState.PAUSED, StreamReason.NOT_SHOWN)
            for track in self._not_shown
        ]
        return streams

    def _flush(self) -> None:
        self._timer = None
        now_s = self._clock.monotonic()
        if self._phase is Phase.IDLE:
            pause_s = 0.0 if self._restart_wanted else self._offer_not_before_s - now_s
            if pause_s <= 0.0 and self._offer_if_needed():
                return
            if self._selection_stale:
                self._schedule(pause_s)
        if self._streams_stale:
            pause_s = self._streams_not_before_s - now_s
            if pause_s <= 0.0:
                self._said_streams(now_s)
                self._events.streams_changed(self.streams())
            else:
                self._schedule(pause_s)

    def _offer_if_needed(self) -> bool:
        if self._selection_stale:
            self._select()
        needed = self._restart_wanted or self._pool.needs_offer()
        if needed:
            self._offer()
        return needed

    def _schedule(self, delay_s: float) -> None:
        """One timer: the earliest wish counts."""
        if self._phase in (Phase.CLOSED, Phase.LOST):
            return
        at_s = self._clock.monotonic() + delay_s
        if self._timer is not None:
            if self._timer_s <= at_s:
                return
            self._timer.cancel()
        self._timer_s = at_s
        self._timer = self._clock.call_later(delay_s, self._flush)

    def _said_streams(self, now_s: float) -> None:
        self._streams_stale = False
        self._streams_not_before_s = now_s + self._options.streams_interval_s

    def _select(self) -> None:
        """Gives m-lines to what shall be shown, as far as they go."""
        self._selection_stale = False
        selection = self._events.selection(
            self._options.audio_lines - self._pool.refused(Kind.AUDIO),
            self._options.video_lines - self._pool.refused(Kind.VIDEO),
        )
        known = {kind: self._codecs is not None and bool(self._codecs.of(kind)) for kind in Kind}
        bounds = {kind: self._options.lines(kind, codecs_known=known[kind]) for kind in Kind}
        self._waiting = self._pool.assign(selection.shown, bounds)
        if selection.not_shown != self._not_shown:
            self._not_shown = selection.not_shown
            self._streams_stale = True
        self._apply()

    def _offer(self) -> None:
        local = self._local_for_offer()
        for line in self._pool:
            line.offered = line.wanted
        description = offer_subscriber(
            [self._section(line) for line in self._pool],
            local,
            session_id=self._session_id,
            session_version=self._offers,
            codecs=self._codecs,
        )
        self._offers += 1
        self._outstanding = _Outstanding(self._offers, description, str(description))
        self._move(Phase.OFFERING)
        self._said_streams(self._clock.monotonic())
        self._events.subscribe_offer(self._outstanding.id, self._outstanding.text, self.streams())

    def _local_for_offer(self) -> LocalTransport:
        """The transport, opened or with new credentials: it knows them before the client's first check."""
        if self._transport is not None and self._local is not None and not self._restart_wanted:
            return self._local
        restart = self._transport is not None
        transport = self._plane.new_transport() if self._transport is None else self._transport
        local = LocalTransport(
            self._plane.new_ufrag(transport),
            self._plane.new_password(),
            self._plane.fingerprint,
            self._candidates,
        )
        if restart:
            self._plane.submit(RestartIce(transport, local.ufrag, local.password))
        else:
            self._plane.on_transport(transport, self)
            self._plane.submit(OpenTransport(transport, local.ufrag, local.password))
        self._transport, self._local, self._restart_wanted = transport, local, False
        return local

    def _section(self, line: Line) -> OfferedSection:
        track = None if line.refused else line.offered
        return OfferedSection(
            mid=line.mid,
            kind=line.kind,
            ssrc=line.ssrc,
            rtx_ssrc=line.rtx_ssrc,
            cname=self._cname,
            stream_id=track.participant if track else None,
            track_id=track.id if track else None,
            # A line that waits stays sendonly: Chromium draws nothing of an SSRC whose m-line was inactive
            # in between.
            active=not line.refused,
        )

    def _take(self, answer: SubscriberAnswer) -> None:
        """Carries an answer out, in the order that the data plane needs: connect, slots, routes, ladder."""
        transport, local = self._transport, self._local
        assert transport is not None
        assert local is not None
        commands: list[Command] = []
        remote = answer.remote
        if self._remote is None:
            commands.append(
                ConnectTransport(transport, remote.ufrag, remote.password, remote.role, remote.fingerprints)
            )
            self._routing = Routing(self._plane, transport, self._cname, self._events.ladder)
        elif remote.restarts_ice(self._remote):
            commands.append(RestartIce(transport, local.ufrag, local.password, remote.ufrag, remote.password))
        self._remote = remote
        self._codecs = answer.codecs if self._codecs is None else self._codecs | answer.codecs
        self._extensions = answer.extensions
        for line, section in zip(self._pool, answer.sections, strict=False):
            line.answered(section.accepted, section.codecs)
            self._streams_stale = self._streams_stale or (line.refused and line.wanted is not None)
        self._plane.submit(*commands)
        self._apply()

    def _apply(self) -> None:
        if self._routing is not None and self._routing.apply(self._pool, self._extensions):
            self._streams_stale = True

    def _disconnect(self, phase: Phase) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        transport, self._transport = self._transport, None
        self._outstanding = None
        self._routing = None
        self._pool = Pool(self._randomness)
        self._not_shown = ()
        self._move(phase)
        if transport is not None:
            self._plane.submit(CloseTransport(transport))
            self._plane.forget(transport)

    def _move(self, phase: Phase) -> None:
        assert phase in TRANSITIONS[self._phase], f"{self._phase} to {phase}"
        self._phase = phase
