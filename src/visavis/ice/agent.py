"""The ICE agent of one transport (RFC 8445, 8838, 8863): it decides, the data plane checks."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from visavis.clock import Clock, TimerHandle
from visavis.dataplane.commands import (
    FIRST_OWN_SOCKET,
    Address,
    Nominate,
    PairId,
    RestartIce,
    SetPairs,
    SocketId,
    TransportId,
)
from visavis.ice.bases import Bases
from visavis.ice.candidate import Candidate, CandidateType, Foundations, LocalCandidate
from visavis.ice.checklist import CandidatePair, CheckList, PairStatus, can_pair
from visavis.ice.gathering import CandidateError, Gatherer
from visavis.ice.nomination import best_valid, wait_for_better_s
from visavis.ice.options import Credentials, IceOptions, Machine
from visavis.ice.remotes import RemoteCandidates
from visavis.ice.states import Connection, GatheringState, IceState, Knowledge, ice_state
from visavis.stun import CommandSink, Requests, Response


class AgentEvents(Protocol):
    """Who owns an agent. Calls come from within the agent's methods: queue what takes time."""

    def candidate(self, candidate: LocalCandidate) -> None:
        """A candidate for the peer."""

    def candidate_error(self, error: CandidateError) -> None:
        """A STUN or TURN server brought none."""

    def gathering_state(self, state: GatheringState) -> None:
        """`complete` is the end of candidates."""

    def selected_pair(self, pair: CandidatePair) -> None:
        """Media goes over another pair from now on; the state follows, if it changes."""

    def ice_state(self, state: IceState) -> None:
        """The transport's state changed."""

    def role(self, controlling: bool) -> None:
        """A conflict of roles was resolved by changing ours."""

    def restart_wanted(self, reason: str) -> None:
        """The network changed such that only a restart helps; what to do is the owner's policy."""


@dataclass(slots=True)
class _Timers:
    """What an agent waits for."""

    flush: TimerHandle | None = None
    nomination: TimerHandle | None = None
    patience: TimerHandle | None = None

    def cancel(self) -> None:
        for timer in (self.flush, self.nomination, self.patience):
            if timer is not None:
                timer.cancel()
        self.flush = self.nomination = self.patience = None


class IceAgent:
    """Gathers, pairs, nominates, restarts. It is the `IceEvents` of its transport.

    The owner submits `OpenTransport` before it calls `gather`, and `ConnectTransport` before `start`, since
    both say things of DTLS too; it hands on the transport's states (`transport_state`), and submits
    `CloseTransport` after `close`. `add_remote` may be called at any time.
    """

    def __init__(
        self,
        *,
        transport: TransportId,
        plane: CommandSink,
        clock: Clock,
        machine: Machine,
        events: AgentEvents,
        credentials: Credentials,
        controlling: bool,
        options: IceOptions | None = None,
        foundations: Foundations | None = None,
    ) -> None:
        """`foundations` are shared by the transports of one connection."""
        self._transport = transport
        self._plane = plane
        self._clock = clock
        self._machine = machine
        self._events = events
        self._options = options if options is not None else IceOptions()
        self._requests = Requests(transport, plane)
        self._bases = Bases(transport, plane, machine, self._options, SocketId(FIRST_OWN_SOCKET))
        self._gatherer = Gatherer(
            transport=transport,
            plane=plane,
            clock=clock,
            machine=machine,
            requests=self._requests,
            bases=self._bases,
            foundations=foundations if foundations is not None else Foundations(),
            options=self._options,
            events=self,
        )
        self._timers = _Timers()
        self._closed = False
        self._generation = 0
        self._patience_over = False
        self._nominated: CandidatePair | None = None
        self._first_valid_s: float | None = None
        self._connection = Connection.NONE
        self._locals: list[LocalCandidate] = []
        self._list = CheckList(self._options.max_pairs, 1)
        self._remotes = self._new_remotes()
        self.credentials = credentials
        self.remote_credentials: Credentials | None = None
        self.controlling = controlling
        self.state = IceState.NEW
        self.selected: CandidatePair | None = None
        self.selected_changes = 0

    @property
    def gathering(self) -> GatheringState:
        """RTCIceTransport.gatheringState."""
        return self._gatherer.state

    @property
    def local_candidates(self) -> list[LocalCandidate]:
        """Those of this generation that were told."""
        return list(self._locals)

    @property
    def remote_candidates(self) -> list[Candidate]:
        """Those of this generation, peer-reflexive ones too."""
        return list(self._remotes)

    @property
    def pairs(self) -> list[CandidatePair]:
        """The check list, by priority."""
        return self._list.ordered(self.controlling)

    @property
    def dropped(self) -> dict[str, int]:
        """How many of the peer's candidates, and how many pairs (`pairs`), were not taken, by reason."""
        return {**self._remotes.dropped, "pairs": self._list.dropped}

    def gather(self) -> None:
        """Starts gathering; again after a restart, which calls it."""
        for socket in self._gatherer.gather(self.credentials.ufrag):
            self._list.remove_socket(socket)
        self._update()

    def start(self, remote: Credentials) -> None:
        """The peer's description is there: checks begin (RFC 8445 section 6.1), and with them the PAC
        timer."""
        if self.remote_credentials == remote or self._closed:
            return
        self.remote_credentials = remote
        if self._generation:
            self._plane.submit(
                RestartIce(
                    self._transport,
                    self.credentials.ufrag,
                    self.credentials.password,
                    remote.ufrag,
                    remote.password,
                )
            )
        self._timers.patience = self._clock.call_later(self._options.patience_s, self._lose_patience)
        self._changed()

    def add_remote(self, candidate: Candidate) -> None:
        """Takes a candidate of the peer; what cannot be used is counted in `dropped`."""
        known = self.remote_credentials
        self._remotes.add(candidate, known.ufrag if known is not None else None)

    def end_remote(self) -> None:
        """The peer has no more candidates (RFC 8838 section 13)."""
        self._remotes.end()
        self._update()

    def restart(self, credentials: Credentials) -> None:
        """A new generation (RFC 8445 section 9): gathers again; `start` gets the peer's new credentials. The
        pair in use serves until a new one does."""
        if self._closed:
            return
        self._generation += 1
        self._timers.cancel()
        self._remotes.close()
        self._remotes = self._new_remotes()
        self._list = CheckList(self._options.max_pairs, self._list.next_id)
        self._locals.clear()
        self.credentials = credentials
        self.remote_credentials = None
        self._patience_over = False
        self._nominated = None
        self._first_valid_s = None
        if self._connection is not Connection.UP:
            self._connection = Connection.NONE
        self._plane.submit(RestartIce(self._transport, credentials.ufrag, credentials.password))
        self.gather()

    def set_options(self, options: IceOptions) -> None:
        """Counts from the next gathering on (webrtc-pc section 4.4.1.6); new credentials of a server at
        once."""
        self._options = options
        self._bases.set_options(options)
        self._gatherer.set_options(options)

    def network_changed(self) -> None:
        """The machine's addresses are others: when the one in use is gone or there is none in use, only a
        restart helps; a new address is gathered on by the next restart."""
        hosts = self._bases.missing()
        used = self._bases.get(self._base_socket(self.selected)) if self.selected is not None else None
        if used is not None and used.address[0] in hosts:
            self._events.restart_wanted("the address in use is gone")
        elif self._connection is not Connection.UP and self.remote_credentials is not None:
            self._events.restart_wanted("the network changed while there was no connection")

    def close(self) -> None:
        """Gives allocations back and falls silent; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._timers.cancel()
        self._remotes.close()
        self._gatherer.close()
        self._update()

    # What the data plane reports.

    def pair_state(self, pair: PairId, state: str, mapped: str, rtt_s: float, reason: str) -> None:
        """`IceEvents`: a check ended (RFC 8445 section 7.2.5)."""
        known = self._list.get(pair)
        if known is None or self._closed:
            return
        if state == "succeeded":
            self._succeeded(known, mapped, rtt_s)
        else:
            known.status = PairStatus.FAILED
            if known is self._nominated and self._connection is Connection.NONE:
                self._nominated = None
        self._nominate()
        self._update()

    def pair_learnt(self, pair: PairId, socket: SocketId, remote: Address, priority: int) -> None:
        """`IceEvents`: a peer-reflexive candidate (RFC 8445 section 7.3.1.3)."""
        local = self._sender(socket)
        if local is None or self._closed:
            return
        candidate = self._remotes.at(remote)
        if candidate is None:
            candidate = Candidate(
                foundation=f"prflx{pair}",
                priority=priority,
                address=remote[0],
                port=remote[1],
                type=CandidateType.PEER_REFLEXIVE,
            )
        if self._list.add_learnt(pair, local, candidate, self.controlling) is not None:
            self._remotes.learn(candidate)
        self._changed()

    def pair_selected(self, pair: PairId, reason: str) -> None:
        """`IceEvents`: media goes over this pair."""
        known = self._list.get(pair)
        if known is None or self._closed:
            return
        known.nominated = known.nominated or reason == "nominated"
        known.status = PairStatus.SUCCEEDED
        if known is not self.selected:
            self.selected = known
            self.selected_changes += 1
            self._events.selected_pair(known)
        self._connection = Connection.UP
        self._update()

    def role_changed(self, controlling: bool) -> None:
        """`IceEvents`: RFC 8445 section 7.3.1.1; priorities of pairs change with it."""
        if controlling is self.controlling or self._closed:
            return
        self.controlling = controlling
        self._events.role(controlling)
        self._nominate()
        self._changed()

    def stun_result(
        self, request: int, code: int, attributes: list[tuple[int, bytes]], rtt_s: float, transaction: bytes
    ) -> None:
        """`IceEvents`: a request to a server ended."""
        self._requests.handle_result(request, Response(code, tuple(attributes), rtt_s, transaction))

    def transport_state(self, state: str, reason: str) -> None:
        """The owner hands on what `TransportEvents` hears: silence of the selected pair, and its end."""
        match state:
            case "disconnected" if self._connection is Connection.UP:
                self._connection = Connection.SILENT
            case "connecting" | "connected" if self._connection is Connection.SILENT:
                self._connection = Connection.UP
            case "failed" if self._connection is Connection.SILENT:
                self._connection = Connection.LOST
            case _:
                return
        self._update()

    # What the gatherer tells.

    def gathered(self, local: LocalCandidate) -> None:
        """`GatheringEvents`: a candidate, paired with all that the peer has told."""
        self._locals.append(local)
        self._events.candidate(local)
        for remote in list(self._remotes):
            self._pair(local, remote)
        self._changed()

    def gathering_error(self, error: CandidateError) -> None:
        """`GatheringEvents`: a server brought none."""
        self._events.candidate_error(error)

    def gathering_state(self, state: GatheringState) -> None:
        """`GatheringEvents`: began, ended."""
        self._events.gathering_state(state)
        self._update()

    def relay_lost(self, relay: SocketId) -> None:
        """`GatheringEvents`: pairs over a relay go with it."""
        self._locals = [local for local in self._locals if local.socket != relay]
        self._list.remove_socket(relay)
        self._changed()

    def _new_remotes(self) -> RemoteCandidates:
        return RemoteCandidates(
            self._options.max_remote_candidates, self._machine.resolver, self._remote_changed
        )

    def _remote_changed(self, remote: Candidate | None) -> None:
        if remote is not None:
            for pair in self._list:
                if pair.remote.transport_address == remote.transport_address:
                    pair.remote = remote
            for local in self._locals:
                self._pair(local, remote)
        self._changed()

    def _pair(self, local: LocalCandidate, remote: Candidate) -> None:
        if not can_pair(local, remote):
            return
        relayed = local.candidate.is_relayed
        pair = self._list.add(local, remote, self.controlling, frozen=relayed)
        allocation = self._gatherer.allocation(local.socket) if relayed else None
        if pair is not None and allocation is not None:
            allocation.permit(remote.transport_address, self._permitted(pair))

    def _permitted(self, pair: CandidatePair) -> Callable[[bool], None]:
        def done(granted: bool) -> None:
            if pair.status is PairStatus.FROZEN:
                pair.status = PairStatus.WAITING if granted else PairStatus.FAILED
                self._changed()

        return done

    def _sender(self, socket: SocketId) -> LocalCandidate | None:
        """The candidate that sends from a socket."""
        return next((local for local in self._locals if local.socket == socket and local.is_base), None)

    def _base_socket(self, pair: CandidatePair) -> SocketId:
        allocation = self._gatherer.allocation(pair.socket)
        return allocation.socket if allocation is not None else pair.socket

    def _succeeded(self, pair: CandidatePair, mapped: str, rtt_s: float) -> None:
        pair.status = PairStatus.SUCCEEDED
        pair.rtt_s = rtt_s
        pair.total_rtt_s += rtt_s
        pair.responses += 1
        pair.local = self._seen_as(pair, mapped)
        if self._first_valid_s is None:
            self._first_valid_s = self._clock.monotonic()
        allocation = self._gatherer.allocation(pair.socket)
        if allocation is not None:
            allocation.bind_channel(pair.remote.transport_address)

    def _seen_as(self, pair: CandidatePair, mapped: str) -> LocalCandidate:
        """The local candidate of a valid pair (RFC 8445 section 7.2.5.3.1): the address that the peer saw,
        one of ours or a new peer-reflexive one, which is not told."""
        host, _, port = mapped.rpartition(":")
        address = (
            (host.strip("[]"), int(port)) if port.isdecimal() else pair.local.candidate.transport_address
        )
        for local in self._locals:
            if local.socket == pair.socket and local.candidate.transport_address == address:
                return local
        sender = self._sender(pair.socket)
        if sender is None or pair.local.candidate.transport_address == address:
            return pair.local
        candidate = replace(
            sender.candidate,
            foundation=f"prflx{pair.id}",
            priority=sender.check_priority,
            address=address[0],
            port=address[1],
            type=CandidateType.PEER_REFLEXIVE,
            related=sender.base,
        )
        return replace(sender, candidate=candidate)

    def _nominate(self) -> None:
        """Regular nomination (RFC 8445 section 8.1.1), once a generation unless the nominated pair fails."""
        if not self.controlling or self._nominated is not None or self._first_valid_s is None:
            return
        best = best_valid(self._list, controlling=True)
        if best is None:
            return
        wait_s = wait_for_better_s(
            best,
            self._list,
            self._clock.monotonic() - self._first_valid_s,
            self._options.nomination_wait_s,
            self._options.relayed_wait_s,
        )
        if self._timers.nomination is not None:
            self._timers.nomination.cancel()
            self._timers.nomination = None
        if wait_s > 0:
            self._timers.nomination = self._clock.call_later(wait_s, self._nominate)
            return
        self._nominated = best
        self._flush()
        self._plane.submit(Nominate(self._transport, best.id))

    def _lose_patience(self) -> None:
        self._patience_over = True
        self._update()

    def _changed(self) -> None:
        """The check list is another: it is handed down soon, once for all changes of the moment."""
        if self._timers.flush is None and self.remote_credentials is not None and not self._closed:
            self._timers.flush = self._clock.call_later(0.0, self._flush)
        self._update()

    def _flush(self) -> None:
        if self._timers.flush is not None:
            self._timers.flush.cancel()
            self._timers.flush = None
            self._plane.submit(SetPairs(self._transport, self._list.to_check(self.controlling)))

    def _update(self) -> None:
        """Derives the state, and tells it if it changed."""
        statuses = [pair.status for pair in self._list]
        state = ice_state(
            Knowledge(
                closed=self._closed,
                started=self.remote_credentials is not None,
                connection=self._connection,
                locals_gathered=self.gathering is GatheringState.COMPLETE,
                local_candidates=len(self._locals),
                remotes_ended=self._remotes.ended,
                remote_candidates=len(self._remotes),
                open_pairs=sum(status in (PairStatus.FROZEN, PairStatus.WAITING) for status in statuses),
                failed_pairs=statuses.count(PairStatus.FAILED),
                patience_over=self._patience_over,
            )
        )
        if state is not self.state:
            self.state = state
            self._events.ice_state(state)
